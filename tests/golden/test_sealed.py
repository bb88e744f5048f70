"""The sealed form, held by files: ``sealed/<stored name>.v<version>.json``, all encrypted under one key.

A store never uses a key twice. Here all files have the same, so that they can be written the same again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent

from albumcore.codec import Codec
from albumcore.kernel import RecordedEvent
from albumcore.sealing import KeyedEvent
from support.blanks import is_personal, without_keys
from support.examples import EVENTS, KEYED
from support.sealed import SEALING

HERE = Path(__file__).parent / "sealed"
THE_KEY = bytes(range(32))
PERSONAL = {key: one for key, one in (EVENTS | KEYED).items() if is_personal(one)}
each_file = pytest.mark.parametrize("key", PERSONAL)


def stored(key: str, opened_by: bytes | None = THE_KEY) -> StoredEvent:
    """The content of a file, at the place of the event it is expected to be."""
    recorded = PERSONAL[key]
    state = (HERE / f"{key}.json").read_bytes().strip()
    name = key.partition(".v")[0]
    return KeyedEvent(recorded.stream, recorded.version, name, state, opened_by)


def test_every_event_with_something_personal_has_a_file() -> None:
    """And no file is left over."""
    assert {path.stem for path in HERE.glob("*.json")} == PERSONAL.keys()


@each_file
def test_what_was_sealed_is_read(key: str) -> None:
    """The same in every field; without the key, with erased fields."""
    recorded: RecordedEvent[Any] = PERSONAL[key]
    assert SEALING.to_domain_event(stored(key)) == recorded
    assert [Codec().to_domain_event(stored(key, None))] == without_keys(
        [recorded], [recorded.version]
    )


@each_file
def test_what_is_sealed_is_what_was_stored(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte."""
    monkeypatch.setattr("secrets.token_bytes", lambda length: THE_KEY[:length])
    assert SEALING.to_stored_event(PERSONAL[key]).state == stored(key).state
