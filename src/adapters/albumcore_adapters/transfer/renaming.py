"""Other names for the users of a store: in events by the types of their fields, in tables by a list of columns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from attrs import evolve, fields, has

from albumcore import RecordedEvent
from albumcore.ids import UserId
from albumcore.kernel import Act, Erased
from albumcore.streams import key_of
from albumcore_adapters.directory.claims import UNKNOWN_USER
from albumcore_adapters.transfer.tables import RowValues, Table

T = TypeVar("T")

NameOf: TypeAlias = Callable[[UserId], UserId]
"""Returns the new name of a user."""

_Renamer: TypeAlias = Callable[[Any, NameOf], Any]

_INBOX = "inbox:"


def _user(value: str, name_of: NameOf) -> str:
    return value if value == UNKNOWN_USER else name_of(UserId(value))


def _place(value: str, name_of: NameOf) -> str:
    """A place that holds series: an inbox of a user, or an album."""
    if not value.startswith(_INBOX):
        return value
    return _INBOX + name_of(UserId(value.removeprefix(_INBOX)))


USER_COLUMNS: Mapping[tuple[str, str], Callable[[str, NameOf], str]] = {
    ("directory_bringer", "sub"): _user,
    ("directory_claim", "claimed_by"): _user,
    ("directory_claim", "place"): _place,
    ("directory_album_look", "sub"): _user,
    ("directory_inbox", "sub"): _user,
    ("directory_session", "subject"): _user,
    ("directory_token_floor", "sub"): _user,
    ("webhook_group", "sub"): _user,
    ("webhook_trigger", "sub"): _user,
    ("webhook_trigger", "user"): _user,
    ("webhook_upload", "sub"): _user,
}
"""The columns that name a user, by table and name, in tables beside the events; and what renames a value of each."""

_USER_STREAM = "user-"


def renamed_event(recorded: RecordedEvent[Any], name_of: NameOf) -> RecordedEvent[Any]:
    """Return a recorded event in which every user has another name: in its stream, its act, and its fields."""
    act = recorded.act
    source = evolve(act.source, user=name_of(act.source.user))
    stream = recorded.stream
    if stream.startswith(_USER_STREAM):
        stream = _USER_STREAM + name_of(UserId(key_of(stream)))
    return RecordedEvent(
        stream,
        recorded.version,
        Act(source, act.at, act.command, act.undoes),
        renamed(recorded.event, name_of),
    )


def renamed(event: T, name_of: NameOf) -> T:
    """Return an instance of an attrs class in which every value of type `UserId` is another name.

    Raises:
        TypeError: a field may hold a user in a type that is not known here.
    """
    rename = _renamer(cast(Hashable, type(event)))
    return event if rename is None else cast(T, rename(event, name_of))


def renamed_row(table: Table, row: RowValues, name_of: NameOf) -> RowValues:
    """Return a row of a table beside the events, in which every user has another name."""
    values = list(row)
    for number, rename in _renamers_of(table):
        if values[number] is not None:
            values[number] = rename(values[number], name_of)
    return tuple(values)


def has_users(table: Table) -> bool:
    """Return whether a table beside the events names users."""
    return bool(_renamers_of(table))


@cache
def _renamers_of(table: Table) -> tuple[tuple[int, Callable[[str, NameOf], str]], ...]:
    return tuple(
        (number, USER_COLUMNS[table.name, name])
        for number, name in enumerate(table.columns)
        if (table.name, name) in USER_COLUMNS
    )


@cache
def _renamer(of: Hashable) -> _Renamer | None:
    """Return what renames the users in a value of a type; None if it holds none."""
    hint: Any = of
    if hint is UserId:
        return lambda value, name_of: name_of(value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _of_union(hint, [one for one in arguments if one not in (NoneType, Erased)])
    if origin is not None:
        return _of_collection(hint, origin, arguments)
    return _of_class(hint) if has(hint) else None


def _of_union(hint: Any, members: list[Any]) -> _Renamer | None:
    found = [_renamer(one) for one in members]
    if not any(found):
        return None
    [rename] = found if len(found) == 1 else [None]
    if rename is None:
        raise TypeError(f"{hint}: a user among other values")
    return lambda value, name_of: (
        value if value is None or isinstance(value, Erased) else rename(value, name_of)
    )


def _of_collection(hint: Any, origin: Any, arguments: tuple[Any, ...]) -> _Renamer | None:
    found = [_renamer(one) for one in arguments if one is not Ellipsis]
    if not any(found):
        return None
    if origin is tuple and arguments[1:] == (Ellipsis,) and (rename := found[0]) is not None:
        return lambda value, name_of: tuple(rename(one, name_of) for one in value)
    raise TypeError(f"{hint}: a collection of users of an unknown kind")


def _of_class(cls: Any) -> _Renamer | None:
    hints = get_type_hints(cls)
    found = {one.name: _renamer(hints[one.name]) for one in fields(cls)}
    renamers = {name: rename for name, rename in found.items() if rename is not None}
    if not renamers:
        return None

    def rename(value: Any, name_of: NameOf) -> Any:
        return evolve(
            value, **{name: one(getattr(value, name), name_of) for name, one in renamers.items()}
        )

    return rename
