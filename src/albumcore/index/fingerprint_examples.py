"""Examples of every event, for the index fingerprint.

Functions cannot be compared, but their results for the same events can: two releases whose `changes` of all examples
are equal have the same index. Each event class has a few variants, so that no two fields have the same value in all of
them, and each optional field is once set and once None.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from attrs import fields, frozen, has

from albumcore.feed import FEED
from albumcore.ids import CapabilityTokenId, ReportProviderId, UserId
from albumcore.kernel import ERASED, Act, CommandKey, Erased, RecordedEvent, Source, stored_name

_SUB = UserId("sub")
_TOKEN, _PROVIDER = CapabilityTokenId("token"), ReportProviderId("provider")
_START = datetime(2000, 1, 1, tzinfo=UTC)


@frozen
class _Variant:
    """One way to fill in the fields of an event, and the act it came from.

    Attributes:
        bit: Which bit of a field's number its truth value is.
        source: Who acted, and through what.
        command: By which command it came.
        is_full: Whether the optional fields have values, and tuples two.
        text: The value of all text; None gives each its own.
        undoes: Which version it takes back.
        is_erased: Whether what can be erased was erased.
    """

    bit: int
    source: Source
    command: CommandKey | None = None
    is_full: bool = True
    text: str | None = None
    undoes: int | None = None
    is_erased: bool = False


_VARIANTS = (
    _Variant(0, Source(_SUB)),
    _Variant(1, Source(_SUB, _TOKEN)),
    _Variant(2, Source(_SUB, report_provider=_PROVIDER), CommandKey("known again", "content")),
    _Variant(0, Source(_SUB), CommandKey("named"), is_full=False),
    _Variant(1, Source(_SUB, _TOKEN, _PROVIDER), is_full=False, undoes=3),
    # What was done to oneself, said to oneself, and so on.
    _Variant(2, Source(_SUB), text=_SUB),
    _Variant(0, Source(_SUB), CommandKey("erased", ERASED), is_erased=True),
)


def examples() -> Iterator[RecordedEvent[Any]]:
    """Recorded events of every class in every variant, always the same ones."""
    for cls in FEED:
        kind = stored_name(cls).name.partition(".")[0]
        for number, variant in enumerate(_VARIANTS, 1):
            at = _START + timedelta(seconds=number)
            act = Act(variant.source, at, variant.command, variant.undoes)
            yield RecordedEvent(f"{kind}-1", number, act, _Filling(variant).instance(cls))


@cache
def _hints(cls: Hashable) -> list[tuple[str, Any]]:
    known: Any = cls
    hints = get_type_hints(known)
    return [(one.name, hints[one.name]) for one in fields(known)]


class _Filling:
    """Fills in fields one after the other; each has a number, and from that a value of its own."""

    def __init__(self, variant: _Variant) -> None:
        self._variant = variant
        self._number = 0

    def instance(self, cls: type[Any]) -> Any:
        """An instance of a class of ours."""
        return cls(*[self._value(name, hint) for name, hint in _hints(cast(Hashable, cls))])

    def _value(self, name: str, hint: Any) -> Any:
        variant = self._variant
        arguments = get_args(hint)
        if Erased in arguments and variant.is_erased:
            return ERASED
        if NoneType in arguments and not variant.is_full:
            return None
        if get_origin(hint) in (Union, UnionType):
            [hint] = [one for one in arguments if one not in (NoneType, Erased)]
        origin = get_origin(hint)
        if origin is Literal:
            return arguments[variant.bit % len(arguments)]
        if origin is not None:
            several = range(2 if variant.is_full else 1)
            return origin([self._value(f"{name} {number}", arguments[0]) for number in several])
        cls = hint
        while hasattr(cls, "__supertype__"):
            cls = cls.__supertype__
        if has(cls):
            return self.instance(cls)
        self._number += 1
        return self._plain(name, cls)

    def _plain(self, name: str, cls: type[Any]) -> Any:
        number, variant = self._number, self._variant
        if issubclass(cls, Enum):
            return list(cls)[variant.bit % len(cls)]
        if cls is bool:
            return bool(number >> variant.bit & 1)
        if cls is int:
            return number
        if cls is datetime:
            return _START + timedelta(days=number)
        return name if variant.text is None else variant.text
