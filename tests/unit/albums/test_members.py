"""Who is in an album, and as what (Kheops API 5 and 14, rules 1 to 16)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from albumcore import (
    AdminAdded,
    AdminDemoted,
    AlbumDeleted,
    CapabilityTokenRevoked,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    add_admin,
    add_member,
    demote_admin,
    edit_album,
    leave_album,
    promote_member,
    remove_member,
)
from albumcore.albums import Album, Member
from albumcore.errors import AlbumNotFound, Forbidden, Invalid, MemberNotFound
from albumcore.ids import CapabilityTokenId, UserId
from albumcore.kernel import Event, Source
from support.album import (
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    DAVE,
    KEY,
    OPEN,
    OTHER_KEY,
    SCRIBE,
    SCRIBE_IN,
    OnUser,
    alice,
    bob,
    carol,
    dave,
    issued,
    opened,
    reporting,
    through,
)
from support.given import ALICE, NOW, By, given

LATER = NOW + timedelta(days=1)


# Adding


def test_add_member_by_an_admin() -> None:
    """The target is a plain member; once more changes nothing."""
    added = given(OPEN).when(add_member, ALICE, bob).then(MemberAdded(bob))
    assert added.state.members == {alice: Member(is_admin=True), bob: Member()}
    added.again().then()


def test_add_member_by_an_admin_needs_no_flag() -> None:
    """Kheops API 14, rule 4."""
    given(opened(add_user=False)).when(add_member, ALICE, bob).then(MemberAdded(bob))


def test_add_member_by_a_plain_member_needs_the_flag() -> None:
    """Kheops API 14, rule 6."""
    given(opened(add_user=True), BOB_IN).when(add_member, BOB, dave).then(MemberAdded(dave))
    given(opened(add_user=False), BOB_IN).when(add_member, BOB, dave).refused(Forbidden)


def test_add_member_of_an_admin_does_not_demote() -> None:
    """Kheops API 14, rule 8."""
    added = given(OPEN, CAROL_ADMIN).when(add_member, ALICE, carol).then()
    assert added.state.members[carol].is_admin


@pytest.mark.parametrize("decision", [add_member, add_admin, promote_member])
def test_nobody_adds_or_promotes_himself(decision: OnUser) -> None:
    """Kheops API 14, rule 7: an admin neither, nor a member who may add users."""
    given(OPEN).when(decision, ALICE, alice).refused(Forbidden)
    given(opened(add_user=True), BOB_IN).when(decision, BOB, bob).refused(Forbidden)


@pytest.mark.parametrize("decision", [add_member, add_admin])
def test_a_stranger_who_adds_himself_finds_no_album(decision: OnUser) -> None:
    """Being told that one may not would tell that the album exists."""
    given(OPEN).when(decision, DAVE, dave).refused(AlbumNotFound)


def test_add_admin_of_a_stranger() -> None:
    """He is an admin from the start; once more changes nothing (Kheops API 14, rule 9)."""
    added = given(OPEN).when(add_admin, ALICE, bob).then(AdminAdded(bob))
    assert added.state.members[bob] == Member(is_admin=True)
    added.again().then()


def test_add_admin_of_a_plain_member_promotes() -> None:
    """Kheops API 14, rule 9."""
    given(OPEN, BOB_IN).when(add_admin, ALICE, bob).then(MemberPromoted(bob)).again().then()


@pytest.mark.parametrize("target", [dave, carol, alice])
def test_add_admin_by_a_plain_member_is_refused(target: UserId) -> None:
    """Kheops API 14, rule 6: whatever the flags, and whatever the target is."""
    album = given(opened(add_user=True), BOB_IN, MemberAdded(carol))
    album.when(add_admin, BOB, target).refused(Forbidden)


def test_add_admin_by_a_stranger_finds_no_album() -> None:
    """Whether the target is in it or not."""
    given(OPEN, BOB_IN).when(add_admin, DAVE, bob).refused(AlbumNotFound)
    given(OPEN, BOB_IN).when(add_admin, DAVE, carol).refused(AlbumNotFound)


def test_promote_member_keeps_the_notifications() -> None:
    """Promotion changes one right and nothing else."""
    album = given(OPEN, BOB_IN)
    own = album.when(edit_album, BOB, notification_new_series=True)
    promoted = given(OPEN, BOB_IN, *(By(BOB, event) for event in own.events)).when(
        promote_member, ALICE, bob
    )
    state = promoted.then(MemberPromoted(bob)).state
    assert state.members[bob] == Member(is_admin=True, notification_new_series=True)


def test_promote_member_of_an_admin_changes_nothing() -> None:
    """He is one already."""
    given(OPEN, CAROL_ADMIN).when(promote_member, ALICE, carol).then()


def test_promote_member_of_a_stranger_is_refused() -> None:
    """Only who is in the album can rise in it."""
    given(OPEN).when(promote_member, ALICE, bob).refused(MemberNotFound)


@pytest.mark.parametrize("target", ["", "a\n", "u" * 256])
def test_who_is_added_must_be_somebody(target: UserId) -> None:
    """A sub that cannot be is refused, once the source may add at all."""
    for decision in (add_member, add_admin):
        given(OPEN, BOB_IN).when(decision, ALICE, target).refused(Invalid, "user")
        given(OPEN, BOB_IN).when(decision, BOB, target).refused(Forbidden)


# Demoting


def test_demote_admin_makes_a_plain_member() -> None:
    """An admin may demote another; a second time there is no admin to demote."""
    demoted = given(OPEN, CAROL_ADMIN).when(demote_admin, ALICE, carol)
    assert demoted.then(AdminDemoted(carol)).state.members[carol] == Member()
    demoted.then(AdminDemoted(carol)).again().refused(MemberNotFound)


def test_demote_admin_of_oneself() -> None:
    """Kheops API 14, rule 14."""
    given(OPEN, CAROL_ADMIN).when(demote_admin, CAROL, carol).then(AdminDemoted(carol))


def test_demote_the_last_admin_leaves_an_album_of_plain_members() -> None:
    """Kheops API 14, rule 14: there is no guard for the last admin."""
    demoted = given(OPEN, BOB_IN).when(demote_admin, ALICE, alice).then(AdminDemoted(alice))
    assert demoted.state.members == {alice: Member(), bob: Member()}


@pytest.mark.parametrize("target", [bob, dave])
def test_demote_of_who_is_no_admin_is_not_found(target: UserId) -> None:
    """A plain member is not recorded as demoted, nor is a stranger."""
    given(OPEN, BOB_IN).when(demote_admin, ALICE, target).refused(MemberNotFound)


def test_demote_by_a_plain_member_is_refused() -> None:
    """Not even himself, who is no admin."""
    given(OPEN, BOB_IN).when(demote_admin, BOB, alice).refused(Forbidden)
    given(OPEN, BOB_IN).when(demote_admin, BOB, bob).refused(Forbidden)


# Leaving and removing


def test_leave_by_a_plain_member() -> None:
    """Kheops API 14, rule 10. Having left, he finds no album."""
    left = given(OPEN, BOB_IN).when(leave_album, BOB).then(MemberLeft())
    assert left.state.members == {alice: Member(is_admin=True)}
    left.again().refused(AlbumNotFound)


def test_leave_by_the_last_admin() -> None:
    """An album may go on without any admin."""
    left = given(OPEN, BOB_IN).when(leave_album, ALICE).then(MemberLeft())
    assert left.state.members == {bob: Member()}


@pytest.mark.parametrize("history", [(OPEN,), (OPEN, AdminDemoted(alice))])
def test_the_last_member_ends_the_album_by_leaving(history: tuple[Event[Album], ...]) -> None:
    """Kheops API 14, rules 12 and 13: no admin right is needed, and no leaving is recorded."""
    left = given(*history).when(leave_album, ALICE).then(AlbumDeleted())
    left.again().refused(AlbumNotFound)
    given(*history).when(remove_member, ALICE, alice).then(AlbumDeleted())


def test_the_last_member_who_names_somebody_else_ends_nothing() -> None:
    """The member named is the one acted on."""
    given(OPEN).when(remove_member, ALICE, bob).refused(MemberNotFound)


def test_remove_member_by_an_admin() -> None:
    """Kheops API 14, rule 10; a second time there is nobody to remove (rule 11)."""
    removed = given(OPEN, BOB_IN).when(remove_member, ALICE, bob).then(MemberRemoved(bob))
    assert removed.state.members == {alice: Member(is_admin=True)}
    removed.again().refused(MemberNotFound)


def test_remove_another_admin() -> None:
    """Kheops API 14, rule 10: the one who opened the album too."""
    given(OPEN, CAROL_ADMIN).when(remove_member, CAROL, alice).then(MemberRemoved(alice))


def test_remove_member_of_oneself_is_leaving() -> None:
    """It is told as such."""
    given(OPEN, BOB_IN).when(remove_member, BOB, bob).then(MemberLeft())


def test_remove_somebody_else_by_a_plain_member() -> None:
    """Whether the target is a member is asked first, then whether the source may (Kheops API 5)."""
    given(OPEN, BOB_IN).when(remove_member, BOB, alice).refused(Forbidden)
    given(OPEN, BOB_IN).when(remove_member, BOB, dave).refused(MemberNotFound)


def test_remove_by_a_stranger_finds_no_album() -> None:
    """Kheops API 14, rule 2: himself neither."""
    given(OPEN, BOB_IN).when(remove_member, DAVE, bob).refused(AlbumNotFound)
    given(OPEN, BOB_IN).when(remove_member, DAVE, dave).refused(AlbumNotFound)


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_membership_is_managed_in_person(source: Source) -> None:
    """Neither a capability token nor a report provider of an admin adds, promotes, demotes, removes or leaves."""
    album = given(opened(add_user=True), BOB_IN, CAROL_ADMIN, issued(), SCRIBE_IN)
    for decision in (add_member, add_admin):
        album.when(decision, source, dave).refused(Forbidden)
    album.when(promote_member, source, bob).refused(Forbidden)
    album.when(demote_admin, source, carol).refused(Forbidden)
    album.when(remove_member, source, bob).refused(Forbidden)
    album.when(leave_album, source).refused(Forbidden)


# What becomes of the capability tokens of who stops being an admin


def test_who_stops_being_an_admin_loses_the_tokens_made_as_one() -> None:
    """Kheops API 14, rule 15: however it ends, in the same write."""
    album = given(OPEN, CAROL_ADMIN, By(CAROL, issued(expires_at=LATER)))
    revoked = CapabilityTokenRevoked(KEY)
    album.when(demote_admin, ALICE, carol).then(AdminDemoted(carol), revoked)
    album.when(demote_admin, CAROL, carol).then(AdminDemoted(carol), revoked)
    album.when(remove_member, ALICE, carol).then(MemberRemoved(carol), revoked)
    album.when(remove_member, CAROL, carol).then(MemberLeft(), revoked)
    album.when(leave_album, CAROL).then(MemberLeft(), revoked)


def test_a_token_lost_with_the_right_names_who_took_the_right() -> None:
    """Kheops API 14, rule 15."""
    album = given(OPEN, CAROL_ADMIN, By(CAROL, issued(expires_at=LATER)))
    demoted = album.when(demote_admin, ALICE, carol)
    token = demoted.then(*demoted.events).state.capability_tokens[KEY]
    assert (token.revoked_by, token.revoked_at) == (alice, NOW)


def test_only_live_tokens_of_the_one_who_is_demoted_are_revoked() -> None:
    """Kheops API 14, rule 15: not other people's, not expired ones, not revoked ones."""
    live, expired, revoked = (CapabilityTokenId(name) for name in ("live", "expired", "revoked"))
    album = given(
        OPEN,
        CAROL_ADMIN,
        issued(token_id=OTHER_KEY, expires_at=LATER),
        By(CAROL, issued(token_id=expired, expires_at=NOW - timedelta(seconds=6))),
        By(CAROL, issued(token_id=revoked, expires_at=LATER)),
        CapabilityTokenRevoked(revoked),
        By(CAROL, issued(token_id=live, expires_at=LATER)),
    )
    album.when(demote_admin, ALICE, carol).then(AdminDemoted(carol), CapabilityTokenRevoked(live))


def test_promoting_again_brings_no_token_back() -> None:
    """Kheops API 14, rule 16."""
    album = given(
        OPEN,
        CAROL_ADMIN,
        By(CAROL, issued(expires_at=LATER)),
        AdminDemoted(carol),
        CapabilityTokenRevoked(KEY),
    )
    promoted = album.when(promote_member, ALICE, carol).then(MemberPromoted(carol))
    assert not promoted.state.capability_tokens[KEY].usable_at(NOW)


def test_a_plain_member_removed_has_no_tokens_to_lose() -> None:
    """Others keep theirs."""
    album = given(OPEN, BOB_IN, issued(expires_at=LATER))
    album.when(remove_member, ALICE, bob).then(MemberRemoved(bob))
