"""A store in clear becomes a sealed one: what stays the same, what is hidden, what is refused, and resuming."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import define, evolve, field, frozen

from albumcore import Act, Source, StoreSealed, album_stream, create_album
from albumcore.ids import AlbumId, UserId
from albumcore.kernel import Event
from albumcore.streams import named_stream
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.service import open_service
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer import tables
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.sealed_copy import copy_sealed
from albumcore_adapters.transfer.tables import tables_beside_events
from albumcore_adapters.verification import verify
from albumcore_adapters.webhooks import deliver_due
from support.in_clear import AT, GHOST, ZOE, answers, put, served
from support.kheops import ALBUM, ALICE, BOB
from support.places import SYSTEMS, Place, place_for
from support.residue import residue_of_directory, residue_of_tables
from support.sealing import seal_and_die, sealed_copy

EVENTS = "SELECT {position}, originator_id, originator_version, topic FROM stored_events ORDER BY {position}"
REGISTERED = "user.person_registered"
SEALED = "erasures.store_sealed"


class Stopped(Exception):
    """The copy was cut off."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def clear(tmp_path: Path) -> Place:
    """The store in clear, on SQLite."""
    return Place(put(tmp_path / "clear"))


@frozen
class Sealed:
    """A store in clear with its sealed copies, one on each system, and what it was and answers itself."""

    events: list[tuple[Any, ...]]
    answers: dict[str, tuple[int, bytes]]
    copies: Mapping[str, Place]


def settings_of(place: Place) -> Settings:
    """The settings of a store."""
    return Settings(data=place.data, database=place.database)


def pseudonyms(place: Place) -> Mapping[str, str]:
    """The users of a store, by the sub of each."""
    return dict(place.rows("SELECT sub, pid FROM directory_person"))


def last_event(place: Place) -> Event[Any]:
    """The event of a store at the highest position."""
    with served(place.data, place.database) as (service, _client):
        *_, (_, last) = service.albums.follow()
        event: Event[Any] = last.event
        return event


# What stays


@pytest.fixture(scope="module", params=SYSTEMS)
def old(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sealed]:
    """The store in clear on each system, and its copies. It answers after it was copied: that leaves traces."""
    with ExitStack() as opened:
        place = place_for(request.param, tmp_path_factory.mktemp("copied") / "clear", opened)
        put(place.data, place.database)
        with served(place.data, place.database):
            pass  # migrated, and nothing else
        copies = {
            system: place_for(system, tmp_path_factory.mktemp("sealed"), opened)
            for system in SYSTEMS
        }
        for new in copies.values():
            copied = sealed_copy(place, new)
            assert (copied.is_whole, copied.problems, copied.damaged_blobs) == (True, [], 0)
        yield Sealed(place.rows(EVENTS), answers(place.data, place.database), copies)


@pytest.mark.parametrize("target", SYSTEMS)
def test_streams_versions_and_positions(old: Sealed, target: str) -> None:
    """Each event is where it was; only streams of users have another name. Registrations follow, then the sealing."""
    new = old.copies[target]
    named = pseudonyms(new)

    def renamed(stream: str) -> str:
        kind, _, key = stream.partition("-")
        return f"user-{named[key]}" if kind == "user" else stream

    expected = [(one[0], renamed(one[1]), *one[2:]) for one in old.events]
    found = new.rows(EVENTS)
    assert found[: len(expected)] == expected
    *added, last = found[len(expected) :]
    assert sorted(one[1] for one in added) == sorted(f"user-{pid}" for pid in named.values())
    assert {one[3] for one in added} == {REGISTERED}
    assert last[1:] == ("erasures", 1, SEALED)
    assert last_event(new) == StoreSealed(len(expected))
    assert named.keys() >= {ALICE, ZOE, GHOST}
    assert all(pid.startswith("p-") and len(pid) == 22 for pid in named.values())


@pytest.mark.parametrize("target", SYSTEMS)
def test_the_same_answers(old: Sealed, target: str) -> None:
    """Both APIs answer byte for byte as before, in each direction; and the copy verifies."""
    new = old.copies[target]
    assert verify(settings_of(new)).problems == []
    after = answers(new.data, new.database)
    assert old.answers.keys() == after.keys()
    # Whom the directory did not know, it knows now: as someone who has registered.
    others = [one for one in old.answers if GHOST not in one]
    assert len(others) > 500
    assert {one: after[one] for one in others} == {one: old.answers[one] for one in others}


@define
class Recorder:
    """An `Outbound` that sends nothing, and notes what it was to send."""

    sent: list[tuple[str, Any]] = field(factory=list)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Note the body."""
        self.sent.append((url, orjson.loads(body)))
        return 200


def delivered(place: Place) -> list[tuple[str, Any]]:
    """What the webhooks of a store send once all is due."""
    recorder = Recorder()
    with served(place.data, place.database) as (service, _client):
        outbox: Any = evolve(service.outbox, outbound=recorder)
        deliver_due(outbox, service.clock())
    return recorder.sent


def test_webhooks_that_wait(clear: Place, tmp_path: Path) -> None:
    """They go out with what they would have had, the subs of users included."""
    with served(clear.data):
        pass
    new = Place(tmp_path / "sealed")
    sealed_copy(clear, new)
    expected = delivered(clear)
    assert len(expected) > 4
    assert {content["source"]["sub"] for _, content in expected} >= {ALICE, BOB}
    assert ZOE in [content.get("new_user", {}).get("sub") for _, content in expected]
    assert delivered(new) == expected


def test_a_command_that_is_sent_again(clear: Place, tmp_path: Path) -> None:
    """It is found by its key, which is in the event as it was, and nothing is recorded."""
    new = Place(tmp_path / "sealed")
    with served(clear.data):
        pass
    sealed_copy(clear, new)
    before = new.rows(EVENTS)
    with served(clear.data) as (old, _client):
        keyed = [one for _, one in old.albums.follow() if one.act.command is not None]
    with served(new.data) as (service, _client):
        named = pseudonyms(new)
        for one in keyed:
            user = named.get(one.act.user, one.act.user)
            found = service.albums.handle_once(
                one.act.command, named_stream(one.stream), never, Source(UserId(user))
            )
            assert [event.version for event in found] == [one.version]
    assert len(keyed) > 3
    assert new.rows(EVENTS) == before


def never(state: object, act: Act) -> Any:
    """A decision that is not made, because it was made before."""
    raise AssertionError


# What is hidden


def secrets_of(clear: Place) -> dict[str, str | bytes]:
    """What nothing but the directory and the index may have in clear, or nothing at all."""
    texts = {
        f"comment {number}": text
        for number, text in enumerate(
            [
                "The head looks fine",
                "Between us: it does not",
                "From my laptop",
                "On the study, to Alice",
                "Only here for a while",
                "Trial of knees",
            ]
        )
    }
    images = {f"image {path.name[:4]}": path.read_bytes() for path in clear.data.glob("blobs/*/*")}
    return texts | images


@pytest.mark.parametrize("target", SYSTEMS)
def test_no_text_in_clear(target: str, clear: Place, tmp_path: Path, stack: ExitStack) -> None:
    """Texts of comments, former descriptions and image bytes are nowhere in the copy, in no form."""
    new = place_for(target, tmp_path / "sealed", stack)
    with served(clear.data):
        pass
    sealed_copy(clear, new)
    secrets = secrets_of(clear)
    assert {one.secret for one in residue_of_directory(clear.data, secrets)} == secrets.keys()
    assert residue_of_directory(new.data, secrets) == []
    if new.database is not None:
        assert residue_of_tables(new.database, secrets) == []
    states = b"".join(bytes(state) for (state,) in new.rows("SELECT state FROM stored_events"))
    for sub in pseudonyms(new):
        assert orjson.dumps(sub)[1:-1] not in states
    for table in tables_beside_events():
        if table.name != "directory_person":
            found = repr(new.rows(f"SELECT * FROM {table.name}"))
            assert not any(repr(sub)[1:-1] in found for sub in pseudonyms(new)), table.name


# Cut off


def stopping(after: int) -> Any:
    """Shows nothing, and cuts the copy off at the n-th report of progress."""
    left = iter(range(after))

    def tell(done: int) -> None:
        if next(left, None) is None:
            raise Stopped

    @contextmanager
    def stage(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        tell(0)
        yield tell

    return stage


@pytest.mark.parametrize("target", SYSTEMS)
def test_cut_off_and_run_again(
    target: str, clear: Place, tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it was cut off, it cannot be opened; run again it ends, with the pseudonyms of the first time."""
    monkeypatch.setattr(tables, "BATCH", 5)
    with served(clear.data):
        pass
    new, runs, named = place_for(target, tmp_path / "sealed", stack), 0, dict[str, str]()
    for after in (0, 4, 9, 17, 20, 30, 45, 60, 75, 90, 105, 120, 1000):
        with suppress(Stopped):
            assert sealed_copy(clear, new, stopping(after)).is_whole
            break
        runs += 1
        with pytest.raises(NoStore, match="unfinished copy"):
            open_service(settings_of(new))
        found = pseudonyms(new)
        assert named.items() <= found.items()
        named = dict(found)
    assert runs > 8
    assert verify(settings_of(new)).problems == []
    assert named.items() <= pseudonyms(new).items()
    topics = [one[3] for one in new.rows(EVENTS)]
    assert topics.count(REGISTERED) == len(pseudonyms(new))
    assert topics.count(SEALED) == 1
    assert last_event(new) == StoreSealed(len(clear.rows(EVENTS)))


@pytest.mark.parametrize("target", SYSTEMS)
def test_cut_off_after_its_last_event(
    target: str, clear: Place, tmp_path: Path, stack: ExitStack
) -> None:
    """The sealing is recorded anew, after what was recorded in the source since."""
    with served(clear.data):
        pass
    new = place_for(target, tmp_path / "sealed", stack)
    with pytest.raises(Stopped):
        sealed_copy(clear, new, at_stage("making the index rows", stop))
    first = len(clear.rows(EVENTS))
    assert new.rows(EVENTS)[-1][3] == SEALED
    with served(clear.data) as (service, _client):
        album = album_stream(AlbumId("Aft3r00001"))
        service.albums.handle(album, create_album, Source(UserId(ALICE)), "After")
    assert sealed_copy(clear, new).is_whole
    assert [one[3] for one in new.rows(EVENTS)].count(SEALED) == 1
    assert len(clear.rows(EVENTS)) > first
    assert last_event(new) == StoreSealed(len(clear.rows(EVENTS)))


def stop() -> None:
    """Cut the copy off."""
    raise Stopped


def test_killed_and_run_again(clear: Place, tmp_path: Path) -> None:
    """A killed process leaves nothing that prevents the next from ending as if it were the first."""
    with served(clear.data):
        pass
    new = Place(tmp_path / "sealed")
    for after in (3, 12, 60):
        process = multiprocessing.get_context("spawn").Process(
            target=seal_and_die, args=(clear, new, after)
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
    assert sealed_copy(clear, new).is_whole
    assert answers(new.data)["sub-alice /albums?"] == answers(clear.data)["sub-alice /albums?"]


def at_stage(name: str, do: Callable[[], object]) -> Any:
    """Shows nothing, and runs a function when a stage begins."""

    @contextmanager
    def stage(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        if what == name:
            do()
        yield lambda done: None

    return stage


@pytest.mark.parametrize("when", ["sealing events and images", "copying what is beside them"])
def test_written_to_meanwhile(when: str, clear: Place, tmp_path: Path) -> None:
    """The copy is of one snapshot, and not whole; repeated, it has what came later, also of a new user."""

    def write() -> None:
        with served(clear.data) as (service, client):
            service.people.register("sub-new")
            for sub in (BOB, "sub-new"):
                answer = client.simulate_post(
                    "/albums",
                    params={"name": "Meanwhile"},
                    headers={"Authorization": issue(service, sub)},
                )
                assert answer.status_code == 201, answer.text

    with served(clear.data):
        pass
    new = Place(tmp_path / "sealed")
    copied = sealed_copy(clear, new, at_stage(when, write))
    assert (copied.is_whole, copied.problems) == (False, ())
    with pytest.raises(NoStore):
        open_service(settings_of(new))
    assert sealed_copy(clear, new).is_whole
    assert "sub-new" in pseudonyms(new)
    before, after = answers(clear.data), answers(new.data)
    assert before["sub-bob /albums?"] == after["sub-bob /albums?"]
    assert b"Meanwhile" in after["sub-bob /albums?"][1]


def issue(service: Any, sub: str) -> str:
    """The header of a user."""
    return f"Bearer {issue_token(service.secret, sub, None, None, 3600, service.clock())}"


# Damage, and refusals


def refused(source: Place, target: Place) -> str:
    """The message of the refusal."""
    with pytest.raises(TransferRefused) as said:
        sealed_copy(source, target)
    return str(said.value)


def test_a_missing_image_stays_missing(clear: Place, tmp_path: Path) -> None:
    """Bytes that are missing or damaged are counted, and `verify` names their images in both stores."""
    with served(clear.data):
        pass
    first, second, *_ = sorted(clear.data.glob("blobs/*/*"))
    first.unlink()
    second.write_bytes(b"x" * second.stat().st_size)
    new = Place(tmp_path / "sealed")
    copied = sealed_copy(clear, new)
    expected = verify(settings_of(clear)).problems
    assert copied.is_whole
    assert copied.damaged_blobs == len(expected) > 1
    assert len(copied.problems) == len(expected)
    assert not residue_of_tables_or_files(new, {"digest": first.parent.name + first.name})


def residue_of_tables_or_files(place: Place, secrets: Mapping[str, str | bytes]) -> list[Any]:
    """What a store on SQLite has of secrets."""
    return list(residue_of_directory(place.data, secrets))


def test_what_cannot_be_read_cannot_be_sealed(clear: Place, tmp_path: Path) -> None:
    """A damaged event, or one of a newer release, ends the copy, which names it."""
    with served(clear.data):
        pass
    for number, (change, said) in enumerate(
        (
            ("SET state = '{{'", "version 3"),
            ("SET topic = 'album.of_tomorrow'", "album.of_tomorrow"),
        )
    ):
        own = Place(Path(shutil.copytree(clear.data, tmp_path / f"own-{number}")))
        of = f"WHERE originator_id = 'album-{ALBUM}' AND originator_version = 3"
        own.run(f"UPDATE stored_events {change.format()} {of}")
        message = refused(own, Place(tmp_path / f"sealed-{number}"))
        assert "cannot be sealed" in message
        assert said in message


def test_images_need_a_place(clear: Place, tmp_path: Path, stack: ExitStack) -> None:
    """They are encrypted, so they cannot be left where they are."""
    with served(clear.data):
        pass
    new = place_for("postgres", tmp_path / "sealed", stack)
    with pytest.raises(TransferRefused, match="--blobs-to"):
        copy_sealed(clear.location, new.location, None, at_stage("", lambda: None), lambda: AT)


def test_a_store_that_is_sealed(clear: Place, tmp_path: Path) -> None:
    """It is copied as it is; and no other copy continues a sealed one."""
    with served(clear.data):
        pass
    new, other = Place(tmp_path / "sealed"), Place(tmp_path / "other")
    assert refused(new, other) == "there is no store to copy from"
    assert refused(clear, clear) == "both addresses are the same"
    sealed_copy(clear, new)
    assert "is sealed: copy it without --seal" in refused(new, other)
    assert "name an empty place" in refused(clear, new)


def test_the_unfinished_copy_of_another(clear: Place, tmp_path: Path) -> None:
    """Events that say something else are of another store."""
    with served(clear.data):
        pass
    new = Place(tmp_path / "sealed")
    with pytest.raises(Stopped):
        sealed_copy(clear, new, stopping(100))
    clear.run(
        "UPDATE stored_events SET state = replace(state, 'Between us', 'Between me')"
        " WHERE topic = 'album.comment_posted'"
    )
    assert "another store" in refused(clear, new)
