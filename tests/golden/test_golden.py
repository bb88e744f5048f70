"""The stored form, held by files: what was once written is read for ever, and is written the same again.

``<stored name>.v<version>.json`` holds an event as the present code writes it. A version that is not the newest
stays beside it, and must still be read. A file with one more word in its name, as in ``x.v1.before_colour.json``,
is an earlier writing of the same version, from before a field with a default was added; ``x.v1.keyed`` is of a
command that has a key.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from eventsourcing.persistence import StoredEvent

from albumcore.codec import SNAPSHOT, SNAPSHOT_FORMAT, Codec, SnapshotStore
from albumcore.kernel import STORED, RecordedEvent, stored_name
from albumcore.streams import INITIAL
from support.examples import EVENTS, KEYED
from support.snapshots import SNAPSHOTS
from support.states import fields_of_states

HERE = Path(__file__).parent
EVENT_FILE = re.compile(r"(?P<name>[a-z_]+\.[a-z_]+)\.v(?P<version>[0-9]+)(?:\.[a-z0-9_]+)?\.json")

EARLIER: dict[str, RecordedEvent[Any]] = {}
"""What the files of older versions and earlier writings are to be read as, by file name without ``.json``."""

FILES = sorted(path.name for path in HERE.glob("*.json") if EVENT_FILE.fullmatch(path.name))
EXPECTED = {f"{key}.json": one for key, one in (EARLIER | EVENTS | KEYED).items()}


def stored(name: str, recorded: RecordedEvent[Any]) -> StoredEvent:
    """The content of a golden file, at the place in the history of the event it is expected to be."""
    found = EVENT_FILE.fullmatch(name)
    assert found is not None
    return StoredEvent(
        recorded.stream, recorded.version, found["name"], (HERE / name).read_bytes().strip()
    )


def test_every_stored_class_has_a_golden_file_and_every_file_an_expectation() -> None:
    """Of each name in its newest version; no file is left over, and none is missing."""
    assert set(FILES) == EXPECTED.keys()
    newest = {f"{name}.v{stored_name(cls).version}.json" for name, cls in STORED.items()}
    assert newest <= set(FILES)
    assert {name.partition(".v")[0] for name in FILES} == STORED.keys()


@pytest.mark.parametrize("name", FILES)
def test_what_was_stored_is_read(name: str) -> None:
    """The event in its file, the same in every field."""
    recorded = EXPECTED[name]
    assert Codec().to_domain_event(stored(name, recorded)) == recorded


@pytest.mark.parametrize("key", [*EVENTS, *KEYED])
def test_what_is_written_is_what_was_stored(key: str) -> None:
    """Byte for byte."""
    recorded = (EVENTS | KEYED)[key]
    assert Codec().to_stored_event(recorded) == stored(f"{key}.json", recorded)


@pytest.mark.parametrize("key", EVENTS)
def test_every_field_of_a_golden_event_is_set(key: str) -> None:
    """A field left out of its example would not be held by the file."""
    data = orjson.loads((HERE / f"{key}.json").read_bytes())["data"]
    assert None not in data.values()


# Snapshots


def snapshot_file(kind: str) -> Path:
    """The golden file of a kind of snapshot, in the present format."""
    return HERE / f"snapshot.{kind}.f{SNAPSHOT_FORMAT}.json"


def test_every_kind_of_stream_has_a_golden_snapshot() -> None:
    """In the present format."""
    present = {path.name for path in HERE.glob(f"snapshot.*.f{SNAPSHOT_FORMAT}.json")}
    assert present == {snapshot_file(kind).name for kind in INITIAL}
    assert SNAPSHOTS.keys() == INITIAL.keys()


@pytest.mark.parametrize("kind", SNAPSHOTS)
def test_a_snapshot_is_read_and_written_the_same(kind: str) -> None:
    """But for the order of series, which is none."""
    snapshot = SNAPSHOTS[kind]
    kept = snapshot_file(kind).read_bytes()
    stored_event = StoredEvent(snapshot.stream, snapshot.version, SNAPSHOT, kept)
    assert Codec().to_domain_event(stored_event) == snapshot
    written = Codec().to_stored_event(snapshot)
    assert ordered(orjson.loads(written.state)) == ordered(orjson.loads(kept))
    assert (written.originator_id, written.topic) == (snapshot.stream, SNAPSHOT)
    assert written.originator_version == snapshot.version


def ordered(value: Any) -> Any:
    """The same JSON with the items of its lists in order."""
    if isinstance(value, dict):
        return {key: ordered(one) for key, one in value.items()}
    return sorted(value) if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("snapshot.*.json")))
def test_a_snapshot_of_an_older_format_is_passed_over(name: str) -> None:
    """It is not guessed at, though nothing in it is damaged; the present one is read."""
    _, kind, format_, _ = name.split(".")
    snapshot = SNAPSHOTS[kind]
    kept = StoredEvent(
        snapshot.stream, snapshot.version, SNAPSHOT, (HERE / name).read_bytes().strip()
    )

    class Found:
        """A recorder that has it."""

        def select_events(self, **asked: Any) -> list[StoredEvent]:
            """Whatever is asked for."""
            return [kept]

    store = SnapshotStore(Codec(), Found())  # type: ignore[arg-type]
    read = list(store.get(originator_id=snapshot.stream))
    assert read == ([snapshot] if format_ == f"f{SNAPSHOT_FORMAT}" else [])


def test_state_classes_do_not_change_behind_the_snapshots() -> None:
    """A changed state needs a raised SNAPSHOT_FORMAT and a new file of its fields.

    Old snapshots are passed over then, and replayed. Keep the old file where it is.
    """
    path = HERE / f"states.f{SNAPSHOT_FORMAT}.json"
    present = fields_of_states()
    told = orjson.dumps(present, option=orjson.OPT_INDENT_2).decode()
    assert path.exists(), f"write {path.name}:\n{told}"
    assert present == orjson.loads(path.read_bytes()), (
        f"raise SNAPSHOT_FORMAT and write states.f{SNAPSHOT_FORMAT + 1}.json:\n{told}"
    )


def test_the_guard_reaches_every_part_of_a_state() -> None:
    """Values inside of values, and what an enumeration may be."""
    told = fields_of_states()
    assert told["Album"]["studies"] == "Mapping[StudyUID(str), frozenset[SeriesUID(str)]]"
    assert told["Webhook"]["events"] == "tuple[WebhookEvent, ...]"
    assert told["StudyComments"] == {}
    assert told["CapabilityToken"]["revoked_by"] == "UserId(str) | None"
    assert told["Phase"]["OPEN"] == "'open'"
    assert {"Content", "Grants", "Image", "Member", "MemberFlags", "UserTokens"} <= told.keys()
