"""Commands: deciding on the present, appending, deciding again, and the moment of an act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta, timezone
from typing import Any

import pytest

from albumcore import (
    Album,
    Albumcore,
    AlbumCreated,
    AlbumEdited,
    CommentPosted,
    Content,
    ImageType,
    MemberAdded,
    PatientImageSet,
    add_image,
    add_member,
    commands,
    create_album,
    delete_album,
    edit_album,
    leave_album,
    post_comment,
    remove_member,
    set_favorite,
)
from albumcore.errors import AlbumExists, AlbumNotFound, Forbidden, IdTaken, Invalid
from albumcore.ids import AlbumId, ImageId, PatientId, UserId
from albumcore.index import MemberRow
from albumcore.kernel import Act, CommandKey, RecordedEvent, Source, shown_text
from albumcore.streams import album_stream, patient_stream
from albumcore_adapters.store import StoreUnavailable, database_of
from support.album import BOB, DAVE, OPEN, bob
from support.clock import Clock
from support.given import ALICE, START
from support.raw import tamper

A1 = album_stream(AlbumId("A1"))
PHOTO = ImageType.XRAY, Content("0f" * 32, 1, "image/png")
Open = Callable[..., Albumcore]


def versions(app: Albumcore) -> list[int]:
    """The versions in the album's stream."""
    return [one.version for one in app.history(A1)]


def test_a_command_records_what_is_decided(app: Albumcore) -> None:
    """What it returns is what the history holds."""
    created = app.handle(A1, create_album, ALICE, "Knees")
    command = created[0].act.command  # a store that can lose replies gives it one
    assert created == (RecordedEvent("album-A1", 1, Act(ALICE, START, command), OPEN),)
    added = app.handle(A1, add_member, ALICE, target=bob)
    assert [one.event for one in added] == [MemberAdded(bob)]
    assert tuple(app.history(A1)) == created + added


def test_a_decision_that_changes_nothing_writes_nothing(app: Albumcore) -> None:
    """Neither an event nor a row (Kheops API 14, rule 34)."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_member, ALICE, bob)
    assert app.handle(A1, add_member, ALICE, bob) == ()
    assert versions(app) == [1, 2]


def test_a_refused_command_leaves_nothing(app: Albumcore) -> None:
    """The error is the decision's own."""
    with pytest.raises(AlbumNotFound):
        app.handle(A1, leave_album, ALICE)
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_member, ALICE, bob)
    before = app.follow(0)
    with pytest.raises(Forbidden):
        app.handle(A1, delete_album, BOB)
    with pytest.raises(AlbumNotFound):
        app.handle(A1, post_comment, DAVE, "Hm")
    assert app.follow(0) == before
    assert app.verify() == []


def test_an_event_that_cannot_be_applied_is_not_stored(
    app: Albumcore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be in the way of whatever comes later: the album could never be loaded again."""
    app.handle(A1, create_album, ALICE, "Knees")
    before = app.follow(0)

    def fails(event: AlbumEdited, state: Album, act: Act) -> Album:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(AlbumEdited, "evolve", fails)
        with pytest.raises(ZeroDivisionError):
            app.handle(A1, edit_album, ALICE, name="Hips")
        assert app.follow(0) == before
        assert app.verify() == []
    app.handle(A1, edit_album, ALICE, name="Toes")
    assert app.load(A1).name == "Toes"


def test_the_act_happens_at_the_moment_of_the_clock(app: Albumcore, clock: Clock) -> None:
    """In UTC, whatever zone the clock tells it in."""
    clock.now = (START + timedelta(hours=5)).astimezone(timezone(-timedelta(hours=3)))
    (created,) = app.handle(A1, create_album, ALICE, "Knees")
    assert created.at == START + timedelta(hours=5)
    assert created.at.utcoffset() == timedelta(0)


def test_time_never_goes_back_within_a_stream(app: Albumcore, clock: Clock) -> None:
    """A clock that is put back makes acts of the same moment, until it has caught up."""
    app.handle(A1, create_album, ALICE, "Knees")
    clock.now = START - timedelta(days=1)
    app.handle(A1, post_comment, ALICE, "earlier")
    clock.now = START + timedelta(days=1)
    app.handle(A1, post_comment, ALICE, "later")
    assert [one.at for one in app.history(A1)] == [START, START, START + timedelta(days=1)]
    other = album_stream(AlbumId("A2"))
    clock.now = START - timedelta(days=1)
    (elsewhere,) = app.handle(other, create_album, ALICE, "Hips")
    assert elsewhere.at == START - timedelta(days=1)


@pytest.mark.parametrize("sub", ["", "a\n", "u" * 256])
def test_nobody_acts_who_cannot_be(app: Albumcore, sub: str) -> None:
    """A source names a user by a sub."""
    with pytest.raises(Invalid) as refused:
        app.handle(A1, create_album, Source(UserId(sub)), "Knees")
    assert refused.value.field == "user"
    assert versions(app) == []


# Others who get in between


def test_a_command_is_decided_again_on_what_came_in_between(open_again: Open) -> None:
    """The version it met is the newest, and nothing of the first try is left."""
    app, other = open_again(), open_again()
    app.handle(A1, create_album, ALICE, "Knees")
    seen: list[str] = []

    def rename(album: Album, act: Act, suffix: str) -> Any:
        seen.append(shown_text(album.name))
        if len(seen) < 3:
            other.handle(A1, edit_album, ALICE, name=f"{album.name}{len(seen)}")
        return edit_album(album, act, name=f"{album.name}{suffix}")

    (renamed,) = app.handle(A1, rename, ALICE, "!")
    assert seen == ["Knees", "Knees1", "Knees12"]
    assert (renamed.version, renamed.event) == (4, AlbumEdited("Knees12!"))
    assert versions(other) == [1, 2, 3, 4]
    assert app.verify() == []


def meets_others(other: Albumcore, decision: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    """A decision that another command gets in between, each time as long as that can be."""

    def decide(state: Any, act: Act) -> Any:
        with suppress(StoreUnavailable):
            other.handle(A1, post_comment, ALICE, "me first")
        return decision(state, act, *args)

    return decide


def test_who_met_others_waits_a_little(open_again: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each new try, longer each time; and not before the first, nor before it takes the write lock."""
    waited: list[float] = []
    drawn: list[tuple[float, float]] = []

    def draw(shortest: float, longest: float) -> float:
        drawn.append((shortest, longest))
        return longest

    monkeypatch.setattr("random.uniform", draw)
    app, other = open_again(), open_again(busy_seconds=0.01)
    app.handle(A1, create_album, ALICE, "Knees")
    monkeypatch.setattr("time.sleep", waited.append)
    app.handle(A1, meets_others(other, post_comment, "last"), ALICE)
    assert drawn == [(0, 0.002), (0, 0.004)]
    assert [one for one in waited if one in (0.002, 0.004)] == [0.002, 0.004]


def test_a_command_that_keeps_meeting_others_is_decided_under_the_write_lock(
    open_again: Open,
) -> None:
    """There the others wait for it, and not it for them: it is recorded, however many write."""
    app, other = open_again(), open_again(busy_seconds=0.01)
    app.handle(A1, create_album, ALICE, "Knees")
    tries = 0

    def comment(album: Album, act: Act) -> Any:
        nonlocal tries
        tries += 1
        return post_comment(album, act, f"try {tries}")

    (posted,) = app.handle(A1, meets_others(other, comment), ALICE)
    assert tries == 1 + 3 + 1  # on the cached state, on the present one, and under the lock
    assert posted.event == CommentPosted(f"try {tries}")
    assert versions(app) == list(range(1, 1 + tries + 1))
    assert next(iter(app.history(A1, after=tries))) == posted
    other.handle(A1, post_comment, ALICE, "me too")
    assert app.load(A1) == other.load(A1)
    assert app.verify() == []


@pytest.fixture
def under_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every command decided under the write lock."""
    monkeypatch.setattr(commands, "_TRIES", 0)


@pytest.mark.usefixtures("under_the_lock")
def test_what_a_command_under_the_write_lock_ends_in(app: Albumcore) -> None:
    """Events, nothing, a refusal, an id that is taken, or what it led to when it came the first time."""
    one, two = patient_stream(PatientId(1)), patient_stream(PatientId(2))
    image_id = app.next_image_id()
    app.handle(one, add_image, ALICE, image_id, 1, 1, *PHOTO)
    with pytest.raises(IdTaken):
        app.handle(two, add_image, ALICE, image_id, 1, 1, *PHOTO)
    app.handle(A1, create_album, ALICE, "Knees")
    with pytest.raises(AlbumNotFound):
        app.handle(A1, post_comment, DAVE, "Hm")
    key = CommandKey("k", "0f" * 32)
    posted = app.handle_once(key, A1, post_comment, ALICE, "once")
    assert app.handle_once(key, A1, post_comment, ALICE, "once") == posted
    assert app.handle(A1, set_favorite, ALICE, is_favorite=False) == ()
    assert versions(app) == [1, 2]
    assert list(app.history(two)) == []
    assert app.verify() == []


@pytest.mark.usefixtures("under_the_lock")
def test_reads_around_a_command_under_the_write_lock(app: Albumcore) -> None:
    """What is read after it is of the moment after it; a row that is being read stays of its own moment."""
    app.handle(A1, create_album, ALICE, "Knees")
    database = database_of(app)
    with database.read_snapshot():
        assert app.load(A1).name == "Knees"
        app.handle(A1, edit_album, ALICE, name="Hips")
        assert app.load(A1).name == "Hips"
    assert app.verify() == []


@pytest.mark.parametrize("tries", [0, 3])
def test_a_command_gives_up_after_a_time(
    open_again: Open, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    """With the error of a store that is busy, and nothing recorded."""
    monkeypatch.setattr(commands, "_TRIES", tries)
    app, other = open_again(busy_seconds=0.05), open_again()
    app.handle(A1, create_album, ALICE, "Knees")
    with other.index.write_transaction(30):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            app.handle(A1, post_comment, ALICE, "never")
        assert 0.04 < time.monotonic() - began < 0.5 * 10
    app.handle(A1, post_comment, ALICE, "then")
    assert [one.event for one in app.history(A1, after=1)] == [CommentPosted("then")]


def test_a_command_that_is_refused_on_what_came_in_between(open_again: Open) -> None:
    """The second look decides."""
    app, other = open_again(), open_again()
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_member, ALICE, bob)

    def comment(album: Album, act: Act) -> Any:
        if bob in album.members:
            other.handle(A1, remove_member, ALICE, bob)
        return post_comment(album, act, "too late")

    with pytest.raises(AlbumNotFound):
        app.handle(A1, comment, BOB)
    assert versions(app) == [1, 2, 3]


def test_a_refusal_is_of_the_present(open_again: Open) -> None:
    """The cached state may be past: a refusal, or a decision without events, is taken again on the present one."""
    app, other = open_again(), open_again()
    app.handle(A1, create_album, ALICE, "Knees")
    other.handle(A1, add_member, ALICE, bob)
    assert app.handle(A1, post_comment, BOB, "here I am")
    assert app.handle(A1, set_favorite, BOB, is_favorite=True)
    other.handle(A1, set_favorite, BOB, is_favorite=False)
    assert app.handle(A1, set_favorite, BOB, is_favorite=True)
    assert app.handle(A1, set_favorite, BOB, is_favorite=True) == ()
    other.handle(A1, remove_member, ALICE, bob)
    with pytest.raises(AlbumNotFound):
        app.handle(A1, post_comment, BOB, "gone")


def test_two_who_create_the_same_album(open_again: Open) -> None:
    """One of them does; the other is told that the id was used."""
    app, other = open_again(), open_again()

    def create(album: Album, act: Act) -> Any:
        if not album.members:
            other.handle(A1, create_album, BOB, "Hips")
        return create_album(album, act, "Knees")

    with pytest.raises(AlbumExists):
        app.handle(A1, create, ALICE)
    assert [one.event for one in app.history(A1)] == [
        AlbumCreated("Hips", "", OPEN.flags),
    ]


def test_an_id_that_another_stream_has_is_taken(app: Albumcore) -> None:
    """It is told after one more look, and the event is not stored without its rows."""
    one, two = patient_stream(PatientId(1)), patient_stream(PatientId(2))
    image_id = app.next_image_id()
    app.handle(one, add_image, ALICE, image_id, 1, 1, *PHOTO)
    tries = 0

    def add(images: PatientImageSet, act: Act) -> Any:
        nonlocal tries
        tries += 1
        return add_image(images, act, image_id, 1, 1, *PHOTO)

    with pytest.raises(IdTaken):
        app.handle(two, add, ALICE)
    assert tries == 2
    assert list(app.history(two)) == []
    assert app.verify() == []


def test_image_ids_are_given_once(app: Albumcore, open_again: Open) -> None:
    """Small, growing, and unique over everybody who has the store open."""
    assert [app.next_image_id() for _ in range(3)] == [1, 2, 3]
    first, second = open_again(), open_again()
    given = [one.next_image_id() for one in (first, second, second, first)]
    assert given == sorted(set(given))


def test_image_ids_that_were_given_before(app: Albumcore) -> None:
    """They are passed over, where a crash made the store forget that it gave them; a hundred, and no more."""
    tried: list[int] = []

    def add(image_id: ImageId) -> Any:
        tried.append(image_id)
        return app.handle(
            patient_stream(PatientId(image_id)),
            add_image,
            ALICE,
            ImageId(7),
            1,
            1,
            *PHOTO,
        )

    (first,) = app.with_image_id(add)
    assert (first.event.image_id, tried) == (7, [1])
    tamper(app, "UPDATE numbers SET given = 0")
    tried.clear()
    with pytest.raises(IdTaken):
        app.with_image_id(add)
    assert tried[0] == 1
    assert len(tried) == 100


def test_users_of_one_store_do_not_see_each_others_streams(app: Albumcore) -> None:
    """A stream is one album's."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(album_stream(AlbumId("A2")), create_album, BOB, "Hips")
    assert app.load(A1).members.keys() == {UserId("alice")}


def test_a_command_that_cannot_have_its_turn(
    open_again: Open,
) -> None:
    """It gives up after a while, as one that waits for the database does; nothing is recorded."""
    app = open_again(busy_seconds=0.05)
    app.handle(A1, create_album, ALICE, "Knees")
    told: list[type[Exception]] = []

    def refused() -> None:
        try:
            app.handle(A1, post_comment, ALICE, "me too")
        except StoreUnavailable as error:
            told.append(type(error))

    def slow(album: Album, act: Act) -> Any:
        other = threading.Thread(target=refused)
        other.start()
        other.join()
        return post_comment(album, act, "first")

    app.handle(A1, slow, ALICE)
    assert told == [StoreUnavailable]
    assert versions(app) == [1, 2]


def remembered(app: Albumcore) -> list[str]:
    """What the projection of these tests has written."""
    with database_of(app).transaction(commit=False) as cursor:
        cursor.execute("SELECT said FROM remembered ORDER BY said")
        return [row["said"] for row in cursor.fetchall()]


@pytest.fixture
def remember(app: Albumcore) -> Callable[[tuple[RecordedEvent[Any], ...]], None]:
    """A projection into a table of its own: how many members each recorded event leaves."""
    database = database_of(app)
    with database.transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE remembered (said TEXT NOT NULL)")

    def project(recorded: tuple[RecordedEvent[Any], ...]) -> None:
        said = [type(one.event).__name__ for one in recorded] or ["nothing"]
        rows = [*app.index.rows(MemberRow, {"album_id": "A1"})]
        with database.transaction(commit=True) as cursor:
            cursor.executemany(
                "INSERT INTO remembered (said) VALUES (?)",
                [(f"{one} {len(rows)}",) for one in said],
            )
        if "AlbumDeleted" in said:
            raise Forbidden("this one stays")

    return project


def test_a_projection_is_committed_with_the_events(
    app: Albumcore, remember: Callable[[tuple[RecordedEvent[Any], ...]], None]
) -> None:
    """It sees their index rows, and is called too where nothing was recorded."""
    created = app.handle_projected(remember, A1, create_album, ALICE, "Knees")
    assert tuple(app.history(A1)) == created
    app.handle_projected(remember, A1, add_member, ALICE, target=bob)
    assert app.handle_projected(remember, A1, add_member, ALICE, bob) == ()
    assert remembered(app) == ["AlbumCreated 1", "MemberAdded 2", "nothing 2"]
    assert app.load(A1).members.keys() == {ALICE.user, bob}


def test_a_projection_that_fails_undoes_the_events(
    app: Albumcore, remember: Callable[[tuple[RecordedEvent[Any], ...]], None]
) -> None:
    """And what it wrote itself; nor is it called for a refused command."""
    app.handle(A1, create_album, ALICE, "Knees")
    with pytest.raises(Forbidden):
        app.handle_projected(remember, A1, delete_album, ALICE)
    with pytest.raises(AlbumNotFound):
        app.handle_projected(remember, A1, leave_album, BOB)
    assert versions(app) == [1]
    assert app.load(A1).members.keys() == {ALICE.user}
    assert remembered(app) == []
    app.handle(A1, add_member, ALICE, bob)
    assert versions(app) == [1, 2]
    assert app.verify() == []
