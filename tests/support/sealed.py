"""Sealed stores: a codec that seals, what of an event is to be sealed, and keys that are forgotten."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson
from attrs import evolve
from eventsourcing.persistence import StoredEvent

from albumcore import Albumcore, RecordedEvent
from albumcore.codec import Codec
from albumcore.sealing import KeyedEvent
from albumcore_adapters.store import database_of
from albumcore_adapters.store.sealing import AesSealer
from support.blanks import PERSONAL_NAMES

SEALING = Codec(sealer=AesSealer())
"""The codec of a sealed store."""


def keyed(recorded: RecordedEvent[Any]) -> KeyedEvent:
    """An event as a sealed store stores it."""
    stored = SEALING.to_stored_event(recorded)
    assert isinstance(stored, KeyedEvent)
    return stored


def without_key(stored: KeyedEvent) -> KeyedEvent:
    """The same after its key was erased."""
    return KeyedEvent(
        stored.originator_id, stored.originator_version, stored.topic, stored.state, None
    )


def personal_values(told: Any) -> Iterator[Any]:
    """What of the data of an event in clear is to be sealed."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield from personal_values(value)
        elif name in PERSONAL_NAMES and value is not None:
            yield value


def sealed_in(recorded: RecordedEvent[Any]) -> list[Any]:
    """What of an event is to be sealed: the values of its personal fields, and the content of its command."""
    state = orjson.loads(Codec().to_stored_event(recorded).state)
    content = state.get("command", {}).get("content")
    return [*personal_values(state["data"]), *([content] if content else [])]


def traces(value: Any) -> set[bytes]:
    """The forms in which a value may stand somewhere: as it is, in JSON, and in base64 at each alignment."""
    found = set()
    for raw in (str(value).encode(), orjson.dumps(value).strip(b'"')):
        found.add(raw)
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw)
            found.add(encoded[4 if shift else 0 : -4])
    return {one for one in found if len(one) > 3}


def forget_keys(app: Albumcore, *versions: int, stream: str = "%") -> None:
    """Delete the keys of some versions of the streams of that name, or of all versions."""
    marks = ", ".join("?" * len(versions))
    condition = f" AND version IN ({marks})" if versions else ""
    with database_of(app).transaction(commit=True) as cursor:
        cursor.execute(
            f"DELETE FROM directory_event_key WHERE stream LIKE ?{condition}",
            [stream, *versions],
        )


def changed_state(stored: StoredEvent, **values: Any) -> KeyedEvent:
    """A stored event with other values in its envelope."""
    assert isinstance(stored, KeyedEvent)
    state = orjson.dumps({**orjson.loads(stored.state), **values})
    return KeyedEvent(
        stored.originator_id, stored.originator_version, stored.topic, state, stored.key
    )


def with_command(recorded: RecordedEvent[Any], command: Any) -> RecordedEvent[Any]:
    """The same event by a command of that key."""
    return evolve(recorded, act=evolve(recorded.act, command=command))
