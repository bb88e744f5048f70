"""Undo: what the service does not lead to, and what was erased."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from albumcore import (
    Act,
    Album,
    Past,
    Source,
    Webhook,
    album_id,
    album_stream,
    create_album,
    open_memory,
    undo,
    user_id,
)
from albumcore.albums import Member, Phase, ReportProvider
from albumcore.albums.comments import CommentPosted, withdraw_comment
from albumcore.albums.lifecycle import AlbumEdited
from albumcore.albums.members import MemberAdded, MemberLeft, restore_member
from albumcore.albums.report_providers import ReportProviderDeleted, ReportProviderEdited
from albumcore.albums.undo import INVERSES, Superseded
from albumcore.albums.webhooks import WebhookDeleted, WebhookEdited, WebhookTriggered
from albumcore.errors import ChangedSince, EventNotFound, Forbidden, Invalid, NotUndoable
from albumcore.feed import FEED
from albumcore.ids import CapabilityTokenId, ReportProviderId, WebhookId
from albumcore.kernel import ERASED, Event, RecordedEvent, stored_name
from support.given import NOW

ALICE, BOB = Source(user_id("alice")), Source(user_id("bob"))
PROVIDER, HOOK = ReportProviderId("scribe"), WebhookId("hook")
ADDRESS = "https://scribe.example"
ALBUM = Album(Phase.OPEN, "Trial", members={ALICE.user: Member(is_admin=True)})
ACT = Act(ALICE, NOW, undoes=7)


def past(event: Event[Any], before: Album) -> Past:
    """An event of version 7 after some state."""
    recorded = RecordedEvent("album-Trial00001", 7, Act(ALICE, NOW), event)
    return Past(recorded, before, event.evolve(before, recorded.act), ReportProviderId("anew"))


def test_every_mutation_and_comment_of_an_album_has_an_inverse_or_is_known_to_have_none() -> None:
    """A new one needs a row, or a reason."""
    shown = {
        cls
        for cls, row in FEED.items()
        if row is not None and stored_name(cls).name.startswith("album.")
    }
    assert shown - INVERSES.keys() == {MemberLeft, WebhookTriggered}
    assert INVERSES.keys() <= shown


@pytest.mark.parametrize(
    ("before", "event"),
    [
        (evolve(ALBUM, name=ERASED), AlbumEdited("Other")),
        (
            evolve(
                ALBUM,
                report_providers={PROVIDER: ReportProvider(ERASED, "http://scribe.example", NOW)},
            ),
            ReportProviderDeleted(PROVIDER),
        ),
        (
            evolve(ALBUM, webhooks={HOOK: Webhook("Hook", ERASED)}),
            WebhookDeleted(HOOK),
        ),
        (
            evolve(ALBUM, report_providers={PROVIDER: ReportProvider("Scribe", ERASED, NOW)}),
            ReportProviderEdited(PROVIDER, "Other", ERASED),
        ),
        (
            evolve(ALBUM, webhooks={HOOK: Webhook(ERASED, "http://hook.example")}),
            WebhookEdited(HOOK, Webhook(ERASED, "http://hook.example", enabled=False)),
        ),
    ],
)
def test_what_was_erased_does_not_come_back(before: Album, event: Event[Any]) -> None:
    """There is nothing to go back to."""
    one = past(event, before)
    with pytest.raises(NotUndoable, match="erased"):
        undo(one.after, ACT, one)


def test_what_is_known_comes_back_beside_what_was_erased() -> None:
    """Field by field."""
    one = past(AlbumEdited("Other", "About"), evolve(ALBUM, name=ERASED))
    assert undo(one.after, ACT, one) == (AlbumEdited(None, ""),)


def test_a_comment_is_withdrawn_and_a_member_restored_by_an_undo_alone() -> None:
    """Otherwise anybody could withdraw any event, and admins could set what is the members' own."""
    with pytest.raises(Invalid):
        withdraw_comment(ALBUM, Act(ALICE, NOW), ALICE.user)
    with pytest.raises(Invalid):
        restore_member(ALBUM, Act(ALICE, NOW), BOB.user, Member())


def test_a_comment_is_withdrawn_in_person() -> None:
    """As it is written: no token of the album does it in the name of its creator."""
    through = Act(Source(ALICE.user, CapabilityTokenId("key")), NOW, undoes=7)
    with pytest.raises(Forbidden):
        undo(ALBUM, through, past(CommentPosted("Hello"), ALBUM))


def test_what_came_since_may_be_unknown() -> None:
    """Where nothing in the feed says what changed it, as after a change that did not come from an event."""
    stream, trial = album_stream(album_id("Trial00001")), album_id("Trial00001")
    with open_memory() as store:
        store.handle(stream, create_album, ALICE, "Trial")

        def superseded(album: Album, act: Act, past: Past) -> tuple[Event[Album], ...]:
            raise Superseded((MemberAdded,))

        with pytest.raises(ChangedSince) as caught:
            store.undo(trial, 1, ALICE, decision=superseded)
        assert (caught.value.version, caught.value.mutation_type) == (None, None)
        for version in (-1, 0, 2, 2**80):
            with pytest.raises(EventNotFound):
                store.undo(trial, version, ALICE)


def test_an_edit_is_undone_by_an_admin() -> None:
    """Other members may edit their own notifications alone."""
    album = evolve(ALBUM, members={**ALBUM.members, BOB.user: Member()})
    edited = past(AlbumEdited(name="Other"), album)
    with pytest.raises(Forbidden):
        undo(edited.after, Act(BOB, NOW, undoes=7), edited)


@pytest.mark.parametrize(
    ("before", "event"),
    [
        (
            evolve(ALBUM, report_providers={PROVIDER: ReportProvider("Scribe", ADDRESS, NOW)}),
            ReportProviderEdited(PROVIDER, "Scribe", ADDRESS),
        ),
        (
            evolve(ALBUM, webhooks={HOOK: Webhook("Bell", ADDRESS)}),
            WebhookEdited(HOOK, Webhook("Bell", ADDRESS)),
        ),
    ],
    ids=["report provider", "webhook"],
)
def test_an_edit_that_changed_nothing_is_undone_by_nothing(
    before: Album, event: Event[Any]
) -> None:
    """Each field has the value that it had before."""
    one = past(event, before)
    assert undo(one.after, ACT, one) == ()
