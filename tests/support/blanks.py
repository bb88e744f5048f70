"""What a recorded event says once its key is gone: by a list of names, without the code that seals."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import evolve, fields, has

from albumcore import ErasureRecorded, ImageAdded, RecordedEvent
from albumcore.kernel import ERASED

PERSONAL_NAMES = frozenset({"comment", "description", "key", "length", "name", "title", "url"})
"""The fields of events that say something about a person, by name."""


def blank(event: Any) -> Any:
    """An event, or a value in one, with every personal field erased; None says nothing, and stays."""
    if isinstance(event, ErasureRecorded):
        return event  # its ``key`` is an id
    told = {one.name: getattr(event, one.name) for one in fields(type(event))}
    erased = {
        name: ERASED if name in PERSONAL_NAMES else blank(value)
        for name, value in told.items()
        if value is not None and (name in PERSONAL_NAMES or has(type(value)))
    }
    if isinstance(event, ImageAdded):
        erased["key"] = (
            ERASED  # absent where the bytes are in clear: that it was cannot be told any more
        )
    return evolve(event, **erased)


def is_personal(recorded: RecordedEvent[Any]) -> bool:
    """Whether an event has a key: it has a personal field, or the content of a command."""
    command = recorded.act.command
    return blank(recorded.event) != recorded.event or (
        command is not None and command.content is not None
    )


def without_keys(
    history: Collection[RecordedEvent[Any]], versions: Collection[int]
) -> list[RecordedEvent[Any]]:
    """A history as it is read when the keys of these versions are gone."""
    return [_forgotten(one) if one.version in versions else one for one in history]


def _forgotten(recorded: RecordedEvent[Any]) -> RecordedEvent[Any]:
    act = recorded.act
    if act.command is not None and act.command.content is not None:
        gone: Any = ERASED
        act = evolve(act, command=evolve(act.command, content=gone))
    return evolve(recorded, act=act, event=blank(recorded.event))
