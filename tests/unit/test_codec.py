"""The stored form: what is brought up to date, what is refused and how clearly, and snapshots as the cache they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from attrs import evolve
from cattrs.errors import ForbiddenExtraKeysError
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from albumcore import MemberAdded, codec, kernel, structuring
from albumcore.albums import Album
from albumcore.codec import (
    SNAPSHOT,
    Codec,
    Snapshot,
    SnapshotStore,
    StaleSnapshot,
    moment_of,
    stored_time,
)
from albumcore.errors import DamagedStoredEvent, UnknownStoredEvent
from albumcore.image_sets import PatientImageSet
from albumcore.kernel import Act, CommandKey, RecordedEvent, Source, StoredName
from support.album import KEY, SCRIBE, bob
from support.examples import EVENTS, SPARSE
from support.given import ALICE, NOW, START
from support.snapshots import ALBUM, IMAGES, SNAPSHOTS

ENVELOPE: dict[str, Any] = {
    "v": 1,
    "at": "2026-03-01T09:30:00.000000+00:00",
    "by": "alice",
    "data": {"target": "bob"},
}
NAME = "album.member_added"
RECORDED: RecordedEvent[Any] = RecordedEvent("album-A1", 2, Act(ALICE, START), MemberAdded(bob))


def kept(state: object, name: str = NAME) -> StoredEvent:
    """An event as it might be found in a store."""
    raw = state if isinstance(state, bytes) else orjson.dumps(state)
    return StoredEvent("album-A1", 2, name, raw)


def read(state: object, name: str = NAME, reader: Codec | None = None) -> Any:
    """What is made of it."""
    return (reader or Codec()).to_domain_event(kept(state, name))


# Events


@pytest.mark.parametrize("recorded", [*EVENTS.values(), *SPARSE.values()], ids=str)
def test_what_is_written_is_read_back(recorded: RecordedEvent[Any]) -> None:
    """Every class, with all its fields and with those that may be absent left out."""
    stored_event = Codec().to_stored_event(recorded)
    assert Codec().to_domain_event(stored_event) == recorded


def test_an_event_stands_where_it_was_recorded() -> None:
    """Stream and version are the store's; name, version, time and source the envelope's."""
    assert Codec().to_stored_event(RECORDED) == kept(ENVELOPE)
    assert read(ENVELOPE) == RECORDED


@pytest.mark.parametrize(
    ("source", "beside"),
    [
        (Source(ALICE.user), {}),
        (Source(ALICE.user, KEY), {"capability_token": KEY}),
        (Source(ALICE.user, report_provider=SCRIBE), {"report_provider": SCRIBE}),
        (Source(ALICE.user, KEY, SCRIBE), {"capability_token": KEY, "report_provider": SCRIBE}),
    ],
)
def test_the_envelope_tells_through_what_the_source_acted(
    source: Source, beside: dict[str, str]
) -> None:
    """In person, nothing stands beside ``by``."""
    recorded = evolve(RECORDED, act=Act(source, START))
    assert orjson.loads(Codec().to_stored_event(recorded).state) == {**ENVELOPE, **beside}
    assert read({**ENVELOPE, **beside}) == recorded


def test_the_envelope_tells_what_an_act_takes_back() -> None:
    """Only where it takes back something."""
    recorded = evolve(RECORDED, act=Act(ALICE, START, undoes=3))
    stored_event = Codec().to_stored_event(recorded)
    assert orjson.loads(stored_event.state) == {**ENVELOPE, "undoes": 3}
    assert Codec().to_domain_event(stored_event) == recorded


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (CommandKey("again"), {"id": "again"}),
        (CommandKey("again", "ab" * 32), {"id": "again", "content": "ab" * 32}),
    ],
)
def test_the_envelope_tells_by_which_command_it_came(
    command: CommandKey, told: dict[str, str]
) -> None:
    """Where the command has a key; what was asked, where it may come again."""
    recorded = evolve(RECORDED, act=Act(ALICE, START, command))
    stored_event = Codec().to_stored_event(recorded)
    assert orjson.loads(stored_event.state) == {**ENVELOPE, "command": told}
    assert Codec().to_domain_event(stored_event) == recorded


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01T09:30:00.000000+00:00"),
        (datetime(2026, 3, 1, 9, 30, 0, 7, tzinfo=UTC), "2026-03-01T09:30:00.000007+00:00"),
    ],
)
def test_times_are_kept_to_the_microsecond(at: datetime, text: str) -> None:
    """In UTC, always as long, so that the order of the text is the order of the times."""
    recorded = evolve(RECORDED, act=Act(ALICE, at))
    assert orjson.loads(Codec().to_stored_event(recorded).state)["at"] == text
    assert read({**ENVELOPE, "at": text}).at == at


def test_a_time_of_another_zone_is_still_the_same_moment() -> None:
    """Whoever wrote it so."""
    at = START.astimezone(timezone(timedelta(hours=2))).isoformat()
    assert read({**ENVELOPE, "at": at}).at == START


# Older and newer versions


@pytest.fixture
def third_version(monkeypatch: pytest.MonkeyPatch) -> Codec:
    """A codec to which the added member has changed its form twice: it was ``user``, then ``member``."""
    monkeypatch.setitem(kernel._NAMES, MemberAdded, StoredName(NAME, 3))
    return Codec(
        upcasters={
            (NAME, 1): lambda data: {"member": data["user"]},
            (NAME, 2): lambda data: {"target": data["member"].lower()},
        }
    )


@pytest.mark.parametrize(
    ("version", "data"), [(1, {"user": "BOB"}), (2, {"member": "BOB"}), (3, {"target": "bob"})]
)
def test_an_older_version_is_brought_up_to_date(
    third_version: Codec, version: int, data: dict[str, str]
) -> None:
    """Step by step, from the version it was written in."""
    assert read({**ENVELOPE, "v": version, "data": data}, reader=third_version) == RECORDED


def test_the_newest_version_is_written(third_version: Codec) -> None:
    """Whatever the store holds of older ones."""
    assert orjson.loads(third_version.to_stored_event(RECORDED).state)["v"] == 3


def test_an_older_version_without_its_upcaster_is_refused(third_version: Codec) -> None:
    """Nothing is guessed."""
    with pytest.raises(DamagedStoredEvent):
        read({**ENVELOPE, "data": {"user": "BOB"}}, reader=Codec())
    with pytest.raises(DamagedStoredEvent):
        read({**ENVELOPE, "v": 0}, reader=third_version)


def test_a_newer_version_is_refused() -> None:
    """With what is needed to see what happened: where, what, which version, and the one known."""
    with pytest.raises(UnknownStoredEvent) as refused:
        read({**ENVELOPE, "v": 2, "data": {"whom": "bob"}})
    assert refused.value.detail == (
        "album-A1 version 2: 'album.member_added' is stored in version 2, "
        "and this albumcore knows it up to 1"
    )


def test_an_unknown_name_is_refused() -> None:
    """Also with what is needed to see what happened."""
    with pytest.raises(UnknownStoredEvent) as refused:
        read(ENVELOPE, name="album.painted")
    assert refused.value.detail == (
        "album-A1 version 2: the event 'album.painted' is unknown to this albumcore; "
        "a newer one wrote it"
    )


# Damage


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        *({key: one for key, one in ENVELOPE.items() if key != left} for left in ENVELOPE),
        {**ENVELOPE, "v": "1"},
        {**ENVELOPE, "v": 0},
        {**ENVELOPE, "v": 1.0},
        {**ENVELOPE, "v": True},
        {**ENVELOPE, "v": None},
        {**ENVELOPE, "at": "yesterday"},
        {**ENVELOPE, "at": "2026-03-01T09:30:00"},
        {**ENVELOPE, "at": 5},
        {**ENVELOPE, "by": None},
        {**ENVELOPE, "tokem": "T"},
        {**ENVELOPE, "data": {}},
        {**ENVELOPE, "data": None},
        {**ENVELOPE, "data": {"target": 7}},
        {**ENVELOPE, "data": {"target": None}},
        {**ENVELOPE, "capability_token": 7},
        {**ENVELOPE, "report_provider": None},
        {**ENVELOPE, "command": "again"},
        {**ENVELOPE, "undoes": "1"},
        {**ENVELOPE, "undoes": None},
        {**ENVELOPE, "undoes": True},
        {**ENVELOPE, "command": None},
        {**ENVELOPE, "command": {"content": "ab"}},
        {**ENVELOPE, "command": {"id": 7}},
        {**ENVELOPE, "command": {"id": "again", "content": 7}},
    ],
    ids=str,
)
def test_damage_is_told_and_never_read(state: object) -> None:
    """Broken bytes, missing and extra keys, times without a zone; the error says which event it is."""
    with pytest.raises(DamagedStoredEvent, match=f"album-A1 version 2: the stored '{NAME}'"):
        read(state)


@pytest.mark.parametrize("microsecond", [0, 7])
def test_a_moment_is_stored_in_utc(microsecond: int) -> None:
    """Whatever zone it was told in, and whatever equal moment was stored before; of whatever class it is."""

    class Told(datetime):
        """As clocks of other libraries make them."""

    moment = (2026, 3, 1, 14, 0, 0, microsecond)
    there = timezone(timedelta(hours=2))
    texts = {
        stored_time(told(*moment, tzinfo=there)).partition("+") for told in (datetime, Told)
    } | {stored_time(datetime(2026, 3, 1, 12, 0, 0, microsecond, UTC)).partition("+")}
    assert texts == {(f"2026-03-01T12:00:00.{microsecond:06}", "+", "00:00")}


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 7, 1.0, "", "bob", [], ["1.2"], {}]
)


def outcome(data: Any, name: str) -> object:
    """What is made of data, or the kind of error."""
    try:
        return read({**ENVELOPE, "data": data}, name).event
    except (DamagedStoredEvent, UnknownStoredEvent) as error:
        return type(error)


@pytest.mark.parametrize("key", sorted(EVENTS))
@given(st.data())
def test_reading_quickly_is_reading(key: str, data: st.DataObject) -> None:
    """Whatever is in the place of the fields, as many or fewer or more: it comes out as the converter alone has it."""
    said = orjson.loads(Codec().to_stored_event(EVENTS[key]).state)["data"]
    changed = data.draw(st.dictionaries(st.sampled_from([*said, "colour"]), VALUES, max_size=2))
    gone = data.draw(st.sets(st.sampled_from([*said]), max_size=1)) if said else set()
    fields = {name: value for name, value in {**said, **changed}.items() if name not in gone}
    found = data.draw(st.sampled_from([fields, fields, fields, [*fields], None, 7]))
    name = key.rpartition(".v")[0]
    cls = kernel.STORED[name]
    expected: object
    try:
        expected = structuring.converter.structure(found, cls)
    except ForbiddenExtraKeysError:
        expected = UnknownStoredEvent
    except Exception:
        expected = DamagedStoredEvent
    assert outcome(found, name) == expected


@pytest.mark.parametrize("data", [{"target": "bob", "colour": "red"}, {"targe": "bob"}])
def test_a_field_that_is_not_known_is_refused(data: dict[str, str]) -> None:
    """A newer albumcore wrote it, and what it means cannot be guessed; the error names it."""
    unknown = (data.keys() - {"target"}).pop()
    with pytest.raises(UnknownStoredEvent, match=rf"does not know: {unknown}$"):
        read({**ENVELOPE, "data": data})
    with pytest.raises(UnknownStoredEvent, match=r"does not know: colour$"):
        read({**ENVELOPE, "command": {"id": "again", "colour": "red"}})


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        ("album.notifications_set.v1", "new_series", 1),
        ("album.notifications_set.v1", "new_series", "true"),
        ("images.image_added.v1", "image_id", "63"),
        ("images.image_added.v1", "image_id", 63.0),
        ("images.image_added.v1", "image_id", True),
        ("album.comment_posted.v1", "comment", 63),
    ],
)
def test_a_value_of_another_kind_is_damage(key: str, name: str, value: object) -> None:
    """Numbers are not made of text, nor truth of numbers: reading never guesses."""
    state = orjson.loads(Codec().to_stored_event(EVENTS[key]).state)
    state["data"][name] = value
    with pytest.raises(DamagedStoredEvent):
        read(state, name=key.removesuffix(".v1"))


def test_an_enumeration_of_another_word_is_damage() -> None:
    """An image type nobody knows."""
    added = EVENTS["images.image_added.v1"]
    state = orjson.loads(Codec().to_stored_event(added).state)
    state["data"]["type"] = "Portrait"
    with pytest.raises(DamagedStoredEvent):
        read(state, name="images.image_added")


# Snapshots


@pytest.mark.parametrize("snapshot", SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_a_snapshot_is_read_back(snapshot: Snapshot) -> None:
    """Every kind of state, with everything in it."""
    assert Codec().to_domain_event(Codec().to_stored_event(snapshot)) == snapshot


def test_a_snapshot_keeps_the_types_of_keys_and_sets() -> None:
    """JSON has neither integers as keys nor sets."""
    images = Codec().to_domain_event(Codec().to_stored_event(SNAPSHOTS["images"])).state
    assert {type(key) for key in images.images} == {int}
    album = Codec().to_domain_event(Codec().to_stored_event(SNAPSHOTS["album"])).state
    assert {type(series) for series in album.studies.values()} == {frozenset}
    assert (images, album) == (IMAGES, ALBUM)


@pytest.mark.parametrize(
    ("stream", "state"),
    [("album-A1", Album()), ("images-1", PatientImageSet())],
)
def test_a_snapshot_of_an_empty_state_is_read_back(stream: str, state: Any) -> None:
    """There is nothing in it, and it is one all the same."""
    snapshot = Snapshot(stream, 1, NOW, state)
    assert Codec().to_domain_event(Codec().to_stored_event(snapshot)) == snapshot


@pytest.mark.parametrize(
    "damage",
    [
        {"format": codec.SNAPSHOT_FORMAT + 1},
        {"format": 0},
        {"state": {"colour": "red"}},
        {"state": None},
        {"at": "yesterday"},
    ],
    ids=str,
)
def test_a_stale_or_damaged_snapshot_is_passed_over(damage: dict[str, Any]) -> None:
    """It is a cache: the stream is replayed instead."""
    good = Codec().to_stored_event(SNAPSHOTS["album"])
    bad = evolved(good, orjson.dumps({**orjson.loads(good.state), **damage}))
    for one in (bad, evolved(good, b"{")):
        with pytest.raises(StaleSnapshot):
            Codec().to_domain_event(one)
        assert list(store_of(one).get(originator_id=good.originator_id)) == []
    assert list(store_of(good).get(originator_id=good.originator_id)) == [SNAPSHOTS["album"]]
    found = store_of(good, bad, good).get(originator_id=good.originator_id)
    assert list(found) == [SNAPSHOTS["album"]]


def evolved(stored_event: StoredEvent, state: bytes) -> StoredEvent:
    """The same stored event with other bytes."""
    return StoredEvent(stored_event.originator_id, stored_event.originator_version, SNAPSHOT, state)


def store_of(*found: StoredEvent) -> SnapshotStore:
    """A snapshot store in which these are found."""

    class Found:
        """A recorder that has them."""

        def select_events(self, **asked: Any) -> list[StoredEvent]:
            """All of them, whatever is asked for."""
            return list(found)

    return SnapshotStore(Codec(), Found())  # type: ignore[arg-type]


def test_a_snapshot_is_named_as_the_store_names_it() -> None:
    """Where the store looks for it."""
    snapshot = SNAPSHOTS["images"]
    assert (snapshot.originator_id, snapshot.originator_version) == ("images-343", 500)
    assert Codec().to_stored_event(snapshot).topic == SNAPSHOT


@pytest.mark.parametrize("state", [b"{", b"[]", b'{"at": 5}', b'{"at": "2026-03-01T09:30:00"}'])
def test_a_moment_that_cannot_be_told(state: bytes) -> None:
    """An event that is asked for its time alone is as damaged as one that is read."""
    with pytest.raises(DamagedStoredEvent):
        moment_of(StoredEvent("album-A1", 2, "album.member_added", state))
