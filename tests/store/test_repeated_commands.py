"""Repeated commands: they are recorded once, whatever happened since, and whatever other processes do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from eventsourcing.persistence import (
    IntegrityError,
    OperationalError,
    PersistenceError,
    StoredEvent,
)

from albumcore import (
    AdminDemoted,
    Album,
    Albumcore,
    CapabilityTokenRevoked,
    CommandKey,
    add_admin,
    add_member,
    create_album,
    delete_album,
    demote_admin,
    issue_capability_token,
    leave_album,
    post_comment,
    remove_member,
)
from albumcore.errors import AlbumNotFound, CommandReused, IdTaken, Invalid
from albumcore.ids import AlbumId
from albumcore.index import CommandRow
from albumcore.kernel import Act
from albumcore.streams import album_stream
from support.album import BOB, CAROL, DIGEST, KEY, NO_GRANTS, bob, carol
from support.given import ALICE, START

A1, A2 = album_stream(AlbumId("A1")), album_stream(AlbumId("A2"))
SAY, OTHER = CommandKey("say", "ab" * 32), CommandKey("other", "ab" * 32)
Open = Callable[..., Albumcore]


def comments(app: Albumcore) -> list[str]:
    """What was said in the album."""
    return [one.event.comment for one in app.history(A1) if hasattr(one.event, "comment")]


def say(app: Albumcore, command: CommandKey = SAY, text: str = "Look") -> Any:
    """Post a comment, by a command that may come again."""
    return app.handle_once(command, A1, post_comment, ALICE, text)


def test_a_command_that_comes_again_returns_what_it_led_to(app: Albumcore) -> None:
    """As it was recorded then, from wherever it is by now; nothing more is recorded."""
    app.handle(A1, create_album, ALICE, "Knees")
    said = say(app)
    assert (said[0].version, said[0].act.command) == (2, SAY)
    app.handle(A1, post_comment, ALICE, "More")
    assert say(app) == app.done_before(SAY) == said
    say(app, OTHER)
    app.handle(A1, delete_album, ALICE)
    assert say(app) == said
    assert comments(app) == ["Look", "More", "Look"]
    assert app.verify() == []


def test_a_command_is_known_after_a_restart_and_a_rebuild(open_again: Open) -> None:
    """Its row is the history's, like all others."""
    with open_again() as app:
        app.handle(A1, create_album, ALICE, "Knees")
        said = say(app)
    app = open_again()
    assert say(app) == said
    app.rebuild()
    assert say(app) == said
    assert app.index.rows(CommandRow, {}) == [CommandRow("say", "album-A1", 2, "ab" * 32)]


def test_an_id_is_of_one_command(app: Albumcore) -> None:
    """With another content it is refused, before anything is decided."""
    app.handle(A1, create_album, ALICE, "Knees")
    say(app)
    with pytest.raises(CommandReused):
        say(app, CommandKey("say", "cd" * 32))
    with pytest.raises(CommandReused):
        app.done_before(CommandKey("say", "cd" * 32))
    assert comments(app) == ["Look"]


def test_a_command_that_led_to_nothing_is_decided_anew(app: Albumcore) -> None:
    """Refused, or without effect: nothing is remembered of it, by that key it may still happen."""
    with pytest.raises(AlbumNotFound):
        say(app)
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_member, ALICE, bob)
    add = CommandKey("add", "ab" * 32)
    assert app.handle_once(add, A1, add_member, ALICE, bob) == ()
    assert (app.done_before(add), app.done_before(SAY)) == ((), ())
    app.handle(A1, remove_member, ALICE, bob)
    assert len(app.handle_once(add, A1, add_member, ALICE, bob)) == 1
    assert say(app)[0].version == 5


@pytest.mark.parametrize("after", [None, CommandKey("after", "ab" * 32)])
def test_a_command_of_several_events_is_found_whole(
    app: Albumcore, after: CommandKey | None
) -> None:
    """The events that carry its id, and none of what follows."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_admin, ALICE, carol)
    app.handle(A1, issue_capability_token, CAROL, KEY, DIGEST, "T", NO_GRANTS)
    demoted = app.handle_once(SAY, A1, demote_admin, ALICE, carol)
    assert [type(one.event) for one in demoted] == [AdminDemoted, CapabilityTokenRevoked]
    assert app.done_before(SAY) == demoted
    app.handle_once(after, A1, post_comment, ALICE, "More")
    assert app.done_before(SAY) == demoted


@pytest.mark.parametrize(
    "command",
    [CommandKey(""), CommandKey("a b"), CommandKey("é"), CommandKey("x" * 65)]
    + [CommandKey("say", content) for content in ("", "ab", "AB" * 32, "ab" * 32 + "\n")],
)
def test_a_key_that_is_none_is_refused(app: Albumcore, command: CommandKey) -> None:
    """Its id is short and plain, its content a SHA-256."""
    with pytest.raises(Invalid) as refused:
        app.handle_once(command, A1, create_album, ALICE, "Knees")
    assert refused.value.field == "command"
    assert list(app.history(A1)) == []


def test_an_id_without_content_is_recorded_and_not_asked_for(app: Albumcore) -> None:
    """Such a command never comes again; it has no row."""
    app.handle(A1, create_album, ALICE, "Knees")
    first, second = say(app, CommandKey("say")), say(app, CommandKey("say"))
    assert [one.act.command for one in first + second] == [CommandKey("say")] * 2
    assert app.index.rows(CommandRow, {}) == []
    assert app.done_before(CommandKey("say")) == ()


# Twice at the same moment


@pytest.mark.parametrize("stream", [A1, A2], ids=["same stream", "other stream"])
def test_of_two_at_once_one_is_recorded(open_again: Open, stream: Any) -> None:
    """The other finds it, though it had asked before it was there; also where its own would go elsewhere."""
    app, other = open_again(), open_again()
    for one in (A1, A2):
        app.handle(one, create_album, ALICE, "Knees")
    found: list[Any] = []

    def late(album: Album, act: Act) -> Any:
        if not found:
            found.append(say(other))
        return post_comment(album, act, "Look")

    assert app.handle_once(SAY, stream, late, ALICE) == found[0]
    assert comments(app) == ["Look"]
    assert len(list(app.history(A2))) == 1


def test_of_two_at_once_with_other_contents_one_is_refused(open_again: Open) -> None:
    """As if it had come later."""
    app, other = open_again(), open_again()
    app.handle(A1, create_album, ALICE, "Knees")

    def late(album: Album, act: Act) -> Any:
        say(other, CommandKey("say", "cd" * 32), "Other")
        return post_comment(album, act, "Look")

    with pytest.raises(CommandReused):
        app.handle_once(SAY, A1, late, ALICE)
    assert comments(app) == ["Other"]


@pytest.mark.parametrize("when", ["it is read what there is", "it is decided"])
def test_what_made_the_second_senseless_does_not_refuse_it(open_again: Open, when: str) -> None:
    """The first of two leaves the album meanwhile; the second would find no member to remove."""
    app, other = open_again(), open_again()
    other.handle(A1, create_album, ALICE, "Knees")
    other.handle(A1, add_member, ALICE, bob)
    found: list[Any] = []

    def first() -> None:
        if not found:
            found.append(other.handle_once(SAY, A1, leave_album, BOB))

    def leave(album: Album, act: Act) -> Any:
        if when == "it is decided":
            first()
        return leave_album(album, act)

    read = app.recorder.select_events

    def select_events(*args: Any, **kwargs: Any) -> Any:
        if when == "it is read what there is":
            first()
        return read(*args, **kwargs)

    app.recorder.select_events = select_events  # type: ignore[method-assign]
    assert app.handle_once(SAY, A1, leave, BOB) == found[0]


# Replies that get lost


class Network:
    """What lies between an application and its recorder: it stores, or not, and then breaks."""

    def __init__(self, app: Albumcore, error: PersistenceError) -> None:
        """Lie in between from now on."""
        self.insert, self.error = app.recorder.insert_events, error
        self.breaks = False
        self.delivers = True
        app.recorder.insert_events = self.insert_events  # type: ignore[method-assign]
        app.loses_replies = True

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Store, or do not, and say that it failed."""
        positions = self.insert(stored_events, **kwargs) if self.delivers else None
        if self.breaks:
            raise self.error
        return positions


ERRORS = [IntegrityError("there already"), OperationalError("connection lost")]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


@each_error
@pytest.mark.parametrize("command", [None, SAY])
def test_what_was_stored_is_no_failure(
    app: Albumcore, error: PersistenceError, command: CommandKey | None
) -> None:
    """Whatever the store said: what it holds are the very bytes of this command, and of no other."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_admin, ALICE, carol)
    app.handle(A1, issue_capability_token, CAROL, KEY, DIGEST, "T", NO_GRANTS)
    Network(app, error).breaks = True
    demoted = app.handle_once(command, A1, demote_admin, ALICE, carol)
    assert tuple(app.history(A1, after=3)) == demoted
    assert app.load(A1).members.keys() == {ALICE.user, carol}
    assert app.verify() == []


@each_error
def test_what_was_not_stored_is_a_failure(app: Albumcore, error: PersistenceError) -> None:
    """It is told as it is, or decided again, as ever."""
    app.handle(A1, create_album, ALICE, "Knees")
    network = Network(app, error)
    network.breaks, network.delivers = True, False
    expected = IdTaken if isinstance(error, IntegrityError) else OperationalError
    with pytest.raises(expected):
        app.handle(A1, post_comment, ALICE, "Look")
    assert comments(app) == []


def test_the_same_by_somebody_else_is_not_taken_for_ones_own(open_again: Open) -> None:
    """Two say the same at the same moment, in the same version: each has an id, and each is recorded."""
    app, other = (open_again(clock=lambda: START) for _ in range(2))
    app.handle(A1, create_album, ALICE, "Knees")
    for one in (app, other):
        Network(one, OperationalError("never"))
    seen = 0

    def late(album: Album, act: Act) -> Any:
        nonlocal seen
        seen += 1
        if seen == 1:
            other.handle(A1, post_comment, ALICE, "Look")
        return post_comment(album, act, "Look")

    [said] = app.handle(A1, late, ALICE)
    assert (seen, said.version) == (2, 3)
    ids = [one.act.command.id for one in app.history(A1, after=1) if one.act.command]
    assert [len(one) for one in ids] == [22, 22]
    assert len(set(ids)) == 2


def test_a_store_that_loses_nothing_needs_no_ids(app: Albumcore) -> None:
    """Its errors are what they seem."""
    network = Network(app, OperationalError("disk full"))
    app.loses_replies = False
    [created] = app.handle(A1, create_album, ALICE, "Knees")
    assert created.act.command is None
    network.breaks = True
    with pytest.raises(OperationalError):
        app.handle(A1, post_comment, ALICE, "Look")
