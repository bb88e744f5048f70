"""Event sourcing in its general form, shared by all streams: acts, events, recorded events, and the fold.

An *event* is a frozen attrs class with one method, ``evolve``, that applies it to a state.
A *decision* is a function of a state, an `Act` and its arguments. It returns the events to record, or raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Any, Final, Generic, Protocol, TypeVar

from attrs import field, fields, frozen

from albumcore.errors import Forbidden, Invalid
from albumcore.ids import CapabilityTokenId, ReportProviderId, UserId, is_digest
from albumcore.times import in_utc

S = TypeVar("S")
E = TypeVar("E", bound="Event[Any]")
E_co = TypeVar("E_co", bound="Event[Any]", covariant=True)


@frozen
class Source:
    """Who acted, and through what.

    A capability token acts in the name of the user who made it; a report provider, in that of the user who
    started the report.
    """

    user: UserId
    capability_token: CapabilityTokenId | None = None
    report_provider: ReportProviderId | None = None

    @property
    def in_person(self) -> bool:
        """Whether the user acts directly, not through a token or a provider."""
        return self.capability_token is None and self.report_provider is None


PERSONAL: Mapping[str, bool] = {"personal": True}
"""Metadata of the fields of an event that say something about a person: ``field(metadata=PERSONAL)``.

A store with a sealer stores them encrypted, under a key of that event alone, and forgets them by forgetting the key.
"""


class Erased(Enum):
    """The type of `ERASED`, so that an erased value is never taken for a text."""

    ERASED = "erased"


ERASED: Final = Erased.ERASED
"""What a personal field of an event holds once the key of that event was erased."""

ERASED_TEXT = "[erased]"
"""What is shown, and stored in index rows, for an erased text."""


def shown_text(text: str | Erased) -> str:
    """A text as it is shown: itself, or `ERASED_TEXT` if it was erased."""
    return ERASED_TEXT if text is ERASED else text


@frozen
class CommandKey:
    """Idempotency key of a command: with it a command can be repeated when its outcome is unknown.

    Attributes:
        id: Unique in the store, for ever: 1 to 64 visible ASCII characters.
        content: SHA-256 of the command with its target and arguments, in 64 hexadecimal digits. None for a command
            that is never repeated: its id is recorded and not looked up. Of a recorded event, it may be erased.
    """

    id: str
    content: str | Erased | None = None


_COMMAND_ID = re.compile(r"[!-~]{1,64}\Z")


def check_command(command: CommandKey) -> CommandKey:
    """Check an idempotency key.

    Raises:
        Invalid: its id is not 1 to 64 visible ASCII characters, or its content is not a SHA-256 in hexadecimal.
    """
    if not _COMMAND_ID.match(command.id):
        raise Invalid("command", "its id has 1 to 64 visible ASCII characters")
    content = command.content
    if content is not None and (content is ERASED or not is_digest(content)):
        raise Invalid("command", "its content is not a SHA-256 in hexadecimal")
    return command


@frozen(slots=False)  # faster to create: there is one for every event that is read
class Act:
    """Who acts, and when: the context of a decision and of its events.

    Attributes:
        source: Who acts, and through what.
        at: Aware time, converted to UTC. Decisions take the time from here and need no clock.
        command: Key of the command, if it has one; no decision and no state depends on it.
        undoes: Version of the event of the same stream that this act takes back; None for any other act.

    Raises:
        Invalid: the time has no time zone.
    """

    source: Source
    at: datetime = field(converter=in_utc)
    command: CommandKey | None = None
    undoes: int | None = None

    @property
    def user(self) -> UserId:
        """The user who acts, also if they act through a token or a provider."""
        return self.source.user


def require_in_person(act: Act) -> None:
    """Check that a user acts in person.

    Raises:
        Forbidden: they act through a capability token or a report provider.
    """
    if not act.source.in_person:
        raise Forbidden("only a user in person does this")


class Event(Protocol[S]):
    """A recorded fact. It applies itself to a state and is never refused."""

    def evolve(self, state: S, act: Act, /) -> S:
        """The state after this event of an act."""
        ...


@frozen(slots=False)
class RecordedEvent(Generic[E_co]):
    """An event in its envelope: its position in a stream, and its act.

    Attributes:
        stream: Name of the stream, such as ``album-Q7bZ2mP0xT``.
        version: Position in the stream: 1, 2, 3, ... without gaps.
        act: Source and time; times in a stream never decrease.
        event: The event itself.
    """

    stream: str
    version: int
    act: Act
    event: E_co

    @property
    def originator_id(self) -> str:
        """The stream, by the event store's name for it."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The version, by the event store's name for it."""
        return self.version

    @property
    def at(self) -> datetime:
        """Time of the act (UTC)."""
        return self.act.at


Decision = Callable[..., tuple[Event[Any], ...]]
"""A function of a state, an `Act` and its arguments that returns the events to record."""


@frozen
class StoredName:
    """Name and newest version under which an event class is stored. They are part of the storage format."""

    name: str
    version: int


STORED: dict[str, type[Any]] = {}
"""Registry of the event classes, by stored name. The decorator `stored` fills it."""

_NAMES: dict[type[Any], StoredName] = {}
C = TypeVar("C", bound=type[Any])


def stored(name: str, version: int = 1) -> Callable[[C], C]:
    """Register an event class under the name it is stored by.

    The class may be renamed, the name may not.
    Any change of fields other than a new one with a default needs a higher ``version`` and an upcaster.

    Raises:
        ValueError: at decoration, another class has the name.
    """

    def register(cls: C) -> C:
        if name in STORED:
            raise ValueError(f"the stored name {name!r} is taken by {STORED[name].__name__}")
        STORED[name] = cls
        _NAMES[cls] = StoredName(name, version)
        return cls

    return register


def stored_name(cls: type[Any]) -> StoredName:
    """The stored name of an event class; `KeyError` for a class that is not registered."""
    return _NAMES[cls]


def evolve(state: S, recorded: RecordedEvent[Event[S]]) -> S:
    """The state after one more recorded event."""
    return recorded.event.evolve(state, recorded.act)


def fold(state: S, history: Iterable[RecordedEvent[Event[S]]]) -> S:
    """The state after a run of recorded events, oldest first."""
    for recorded in history:
        state = recorded.event.evolve(state, recorded.act)
    return state


def record(
    stream: str, version: int, act: Act, events: Iterable[E]
) -> tuple[RecordedEvent[E], ...]:
    """Put the events of one act into envelopes that follow ``version`` in ``stream``.

    All have the id of the command; the first also has its content, and is the one that the command is found by.
    """
    rest = act
    if act.command is not None and act.command.content is not None:
        rest = Act(act.source, act.at, CommandKey(act.command.id), act.undoes)
    return tuple(
        [
            RecordedEvent(stream, number, rest if number > version + 1 else act, event)
            for number, event in enumerate(events, version + 1)
        ]
    )


A = TypeVar("A")
K = TypeVar("K")
V = TypeVar("V")


Copier = tuple[Mapping[str, int], Callable[[Any], tuple[Any, ...]]]
_COPIERS: dict[type[Any], Copier] = {}


def _copier(cls: type[Any]) -> Copier:
    names = [one.name for one in fields(cls)]
    made: Copier = {name: place for place, name in enumerate(names)}, attrgetter(*names)
    return _COPIERS.setdefault(cls, made)


def changed(state: A, **values: Any) -> A:
    """A copy of a frozen attrs instance of two or more fields, with other values in some of them.

    Faster than ``attrs.evolve``: a replay of a long history spends most of its time here.
    """
    cls = type(state)
    places, values_of = _COPIERS.get(cls) or _copier(cls)
    arguments = [*values_of(state)]
    for name, value in values.items():
        arguments[places[name]] = value
    return cls(*arguments)


def assoc(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    """A copy of ``mapping`` with ``key``; use `persistent_map.added` for very many keys."""
    return {**mapping, key: value}


def dissoc(mapping: Mapping[K, V], key: K) -> dict[K, V]:
    """A copy of ``mapping`` without ``key``."""
    left = dict(mapping)
    left.pop(key, None)
    return left


@frozen
class Stream(Generic[S]):
    """A stream, by name, with its initial state.

    Attributes:
        name: Kind, hyphen, key, such as ``album-Q7bZ2mP0xT``.
        initial: State before the first event.
    """

    name: str
    initial: S
