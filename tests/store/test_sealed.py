"""Sealed stores, on every database: the keys lie beside the events, and what they open is forgotten with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from albumcore import (
    ERASED,
    Album,
    Albumcore,
    CommandKey,
    CommentPosted,
    StoreError,
    UserTokens,
    add_image,
    album_stream,
    create_album,
    edit_album,
    issue_user_token,
    patient_stream,
    post_comment,
    post_study_comment,
    study_stream,
    user_stream,
)
from albumcore.errors import CommandReused, DamagedStoredEvent, ImageNotFound
from albumcore.ids import AlbumId, ImageId, PatientId, StudyUID
from albumcore.image_sets import Content, ImageType
from albumcore.opening import MissingExtra
from albumcore_adapters.store import open_memory
from support.album import DIGEST, KEY
from support.given import ALICE
from support.raw import query, tamper
from support.sealed import forget_keys

Open = Callable[..., Albumcore]
A1 = album_stream(AlbumId("A1"))
SAY = CommandKey("say", "ab" * 32)
PATIENT = patient_stream(PatientId(7))
IMAGE = ImageId(1)


@pytest.fixture
def sealed(open_store: Open) -> Albumcore:
    """An empty sealed store of each kind."""
    return open_store(sealed=True)


def comments(app: Albumcore) -> list[Any]:
    """What was said in the album, as it is read now."""
    return [one.event.comment for one in app.history(A1) if isinstance(one.event, CommentPosted)]


def keys(app: Albumcore) -> list[tuple[Any, ...]]:
    """The place and subject of each key."""
    return query(
        app, "SELECT stream, version, subject FROM directory_event_key ORDER BY stream, version"
    )


def test_each_event_with_something_personal_has_a_key(sealed: Albumcore) -> None:
    """Its own, under the subject that it is erased with; events of one command too."""
    study, user = StudyUID("1.2"), user_stream(ALICE.user)
    sealed.handle(A1, create_album, ALICE, "Knees")
    sealed.handle(A1, edit_album, ALICE, "Hips", notification_new_comment=True)
    sealed.handle(A1, edit_album, ALICE, flags={"add_user": True})
    sealed.handle_once(SAY, A1, edit_album, ALICE, notification_new_series=True)
    sealed.handle(A1, post_comment, ALICE, "Look")
    sealed.handle(study_stream(study), post_study_comment, ALICE, [ALICE.user], "See")
    sealed.handle(user, issue_user_token, ALICE, KEY, DIGEST, "Phone")
    sealed.handle(
        PATIENT, add_image, ALICE, IMAGE, 1, 1, ImageType.XRAY, Content(DIGEST, 9, "image/png")
    )
    by_alice = f"user:{ALICE.user}"
    assert keys(sealed) == [
        ("album-A1", 1, "album:A1"),
        ("album-A1", 2, "album:A1"),
        ("album-A1", 5, "album:A1"),
        ("album-A1", 7, by_alice),
        ("images-7", 1, "patient:7"),
        ("study-1.2", 1, by_alice),
        (f"user-{ALICE.user}", 1, by_alice),
    ]
    found = query(sealed, "SELECT key FROM directory_event_key")
    assert {len(key) for (key,) in found} == {32}
    assert len({bytes(key) for (key,) in found}) == len(found)
    assert sealed.verify() == []


def test_every_way_to_read_opens_what_is_sealed(sealed: Albumcore) -> None:
    """Histories, states, pages, positions, images, rows made again."""
    (created,) = sealed.handle(A1, create_album, ALICE, "Knees", "All of them")
    (posted,) = sealed.handle(A1, post_comment, ALICE, "Look")
    content = Content(DIGEST, 9, "image/png")
    (added,) = sealed.handle(PATIENT, add_image, ALICE, IMAGE, 1, 1, ImageType.XRAY, content)
    assert list(sealed.history(A1)) == [created, posted]
    assert [one for _, one in sealed.follow()] == [created, posted, added]
    assert [one for _, one in sealed.follow(limit=1)] == [created]
    assert [one for _, one in sealed.follow_only([CommentPosted])] == [None, posted, None]
    page = sealed.feed(AlbumId("A1"), ALICE.user)
    assert [one.recorded for one in page.entries] == [posted, created]
    assert sealed.image(IMAGE)[1].content == content
    assert sealed.load(A1, version=1).name == "Knees"
    assert sealed.load(A1, at=created.at).description == "All of them"
    sealed.rebuild()
    assert sealed.albums_of(ALICE.user)[0].row.name == "Knees"
    notes = sealed.recorder.select_notifications(None, 10, topics=["album.comment_posted"])
    assert [sealed.mapper.to_domain_event(one) for one in notes] == [posted]
    first, last = (sealed.recorder.max_notification_id() or 0) - 2, 10**6
    found = sealed.recorder.select_notifications(first, 2, stop=last)
    assert [sealed.mapper.to_domain_event(one) for one in found] == [created, posted]
    newest = sealed.recorder.select_events("album-A1", desc=True, limit=1)
    assert [sealed.mapper.to_domain_event(one) for one in newest] == [posted]


def test_what_a_key_opened_is_forgotten_in_every_process_at_once(open_again: Open) -> None:
    """Though another one has read it before, and has it in its caches."""
    app, other = open_again(sealed=True), open_again()
    app.handle(A1, create_album, ALICE, "Knees")
    for text in ("one", "two"):
        app.handle(A1, post_comment, ALICE, text)

    def shown(reader: Albumcore) -> list[Any]:
        page = reader.feed(AlbumId("A1"), ALICE.user)
        return [one.shown_comment for one in page.entries if one.shown_comment is not None]

    assert shown(app) == shown(other) == ["two", "one"]
    forget_keys(app, 2)
    assert shown(app) == shown(other) == ["two", "[erased]"]
    assert comments(other) == [ERASED, "two"]
    (posted,) = other.handle(A1, post_comment, ALICE, "three")
    assert comments(app) == [ERASED, "two", "three"]
    assert posted.version == 4


def test_a_replay_does_not_open_comments(sealed: Albumcore) -> None:
    """No state depends on them; what is wrong with one is found where it is read, and by verification."""
    sealed.handle(A1, create_album, ALICE, "Knees")
    sealed.handle(A1, post_comment, ALICE, "Look")
    tamper(sealed, "UPDATE directory_event_key SET key = ? WHERE version = 2", bytes(32))
    assert sealed.load(A1, version=2).name == "Knees"
    with pytest.raises(DamagedStoredEvent):
        comments(sealed)


def test_images_of_a_forgotten_event_are_not_found(sealed: Albumcore) -> None:
    """As if they had been removed."""
    content = Content(DIGEST, 9, "image/png")
    sealed.handle(PATIENT, add_image, ALICE, IMAGE, 1, 1, ImageType.XRAY, content)
    forget_keys(sealed)
    with pytest.raises(ImageNotFound):
        sealed.image(IMAGE)


def test_a_command_whose_content_was_erased_is_known_by_its_id(sealed: Albumcore) -> None:
    """It returns what it led to, whatever is asked; before, another content is refused."""
    sealed.handle(A1, create_album, ALICE, "Knees")
    (said,) = sealed.handle_once(SAY, A1, post_comment, ALICE, "Look")
    with pytest.raises(CommandReused):
        sealed.handle_once(CommandKey("say", "cd" * 32), A1, post_comment, ALICE, "Other")
    forget_keys(sealed, said.version)
    sealed.rebuild()
    for content in ("ab", "cd"):
        key = CommandKey("say", content * 32)
        (again,) = sealed.handle_once(key, A1, post_comment, ALICE, "Look")
        assert (again.version, again.event) == (said.version, CommentPosted(ERASED))
        assert again.act.command == CommandKey("say", ERASED)
    assert comments(sealed) == [ERASED]


def test_states_rows_and_snapshots_without_their_keys(open_again: Open) -> None:
    """A replay leads to a state with erased values; rows have the placeholder; a later name stays."""
    app = open_again(sealed=True, snapshot_every=2)
    app.handle(A1, create_album, ALICE, "Knees", "All of them")
    app.handle(A1, edit_album, ALICE, "Hips")
    user = user_stream(ALICE.user)
    app.handle(user, issue_user_token, ALICE, KEY, DIGEST, "Phone")
    forget_keys(app, 1)
    app.rebuild()
    again = open_again(snapshot_every=2)
    album = again.load(A1)
    assert (album.name, album.description) == ("Hips", ERASED)
    row = again.albums_of(ALICE.user)[0].row
    assert (row.name, row.description) == ("Hips", "[erased]")
    assert again.load(user).tokens[KEY].title is ERASED
    for _ in range(3):
        again.handle(A1, edit_album, ALICE, flags={"add_user": True})
    assert query(again, "SELECT count(*) FROM stored_snapshots")[0][0]
    third = open_again(snapshot_every=2)
    assert third.load(A1) == again.load(A1)
    assert third.load(A1).description is ERASED


def test_a_missing_key_is_told_from_a_wrong_one(sealed: Albumcore) -> None:
    """The event with the wrong one is damaged."""
    sealed.handle(A1, create_album, ALICE, "Knees")
    sealed.handle(A1, post_comment, ALICE, "Look")
    forget_keys(sealed, 1)
    sealed.rebuild()
    tamper(sealed, "UPDATE directory_event_key SET key = ? WHERE version = 2", bytes(32))
    found = sealed.verify()
    assert "album-A1 version 1: its key is lost, and with it what was sealed" in found
    damaged = "album-A1 version 2: the stored 'album.comment_posted' cannot be read"
    assert [one for one in found if "version 2" in one and "lost" in one] == []
    assert [one for one in found if one.startswith(damaged)]


def test_an_append_that_is_refused_leaves_no_key(open_again: Open) -> None:
    """A key is stored in the transaction of its event; one that lies there already is replaced."""
    app, other = open_again(sealed=True), open_again()
    app.handle(A1, create_album, ALICE, "Knees")
    other.load(A1)
    app.handle(A1, post_comment, ALICE, "one")
    other.handle(A1, post_comment, ALICE, "two")
    assert [version for _, version, _ in keys(app)] == [1, 2, 3]
    tamper(app, "INSERT INTO directory_event_key VALUES ('album-A1', 4, 'x', ?)", bytes(32))
    app.handle(A1, post_comment, ALICE, "three")
    assert comments(other) == ["one", "two", "three"]
    assert app.verify() == []


# The form of a store


def test_a_store_is_sealed_or_in_clear_from_its_first_event_on(open_again: Open) -> None:
    """It is opened as what it is; who asks for the other form is told so."""
    clear = open_again()
    clear.handle(A1, create_album, ALICE, "Knees")
    with pytest.raises(StoreError, match="the store is in clear, and a sealed one is asked for"):
        open_again(sealed=True)
    for option in (None, False, "new"):
        app = open_again(sealed=option)
        app.handle(A1, post_comment, ALICE, "Look")
    assert keys(clear) == []
    assert comments(clear) == ["Look"] * 3


def test_a_sealed_store_is_opened_as_one(open_again: Open) -> None:
    """Also by those who do not know; an empty store can be sealed, and a new one is where that is asked for."""
    open_again()
    first = open_again(sealed="new")
    first.handle(A1, create_album, ALICE, "Knees")
    with pytest.raises(StoreError, match="the store is sealed"):
        open_again(sealed=False)
    for number, option in enumerate((None, True, "new"), 2):
        app = open_again(sealed=option)
        app.handle(A1, post_comment, ALICE, "Look")
        assert len(keys(app)) == number
    assert first.load(A1).name == "Knees"
    assert app.verify() == []


def test_a_store_sealed_by_a_newer_release_is_refused(open_again: Open) -> None:
    """What it cannot open, it does not open."""
    app = open_again(sealed=True)
    tamper(app, "UPDATE directory_sealed SET cipher = 'ROT-13'")
    with pytest.raises(StoreError, match="sealed with ROT-13, which this release lacks"):
        open_again()


def test_a_sealed_store_needs_the_cipher(open_again: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra, and nothing is made; a store in clear does without."""
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    for option in (True, "new"):
        with pytest.raises(MissingExtra, match=r"albumcore\[sealed\]"):
            open_again(sealed=option)
    app = open_again()
    app.handle(A1, create_album, ALICE, "Knees")
    assert app.load(A1).name == "Knees"


def test_what_is_erased_is_in_no_state_of_a_new_store() -> None:
    """The states before the first event hold texts alone."""
    with open_memory(sealed=True) as app:
        assert app.load(A1) == Album()
        assert app.load(user_stream(ALICE.user)) == UserTokens(owner=ALICE.user)
