"""Creating, editing and deleting an album (Kheops API 3.3 to 3.5)."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import asdict

from albumcore import (
    AlbumCreated,
    AlbumDeleted,
    AlbumEdited,
    NotificationsSet,
    create_album,
    delete_album,
    edit_album,
    import_series,
)
from albumcore.albums import Album, Member, MemberFlags, Phase
from albumcore.errors import AlbumExists, AlbumNotFound, Forbidden, Invalid
from albumcore.kernel import Source
from albumcore.user_tokens import Grants
from support.album import (
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    CT,
    CT_IN,
    DAVE,
    KEY,
    OPEN,
    S1,
    SCRIBE,
    SCRIBE_IN,
    alice,
    bob,
    issued,
    opened,
    reporting,
    through,
)
from support.given import ALICE, NOW, START, By, given

ALL_GRANTS = Grants(True, True, True, True)


def test_create_makes_the_creator_the_only_member_and_an_admin() -> None:
    """Kheops API 14, rule 1."""
    state = given().when(create_album, BOB, "Knees").then(OPEN).state
    assert state.phase is Phase.OPEN
    assert state.members == {bob: Member(is_admin=True)}
    assert state.created_at == NOW


def test_create_gives_plain_members_the_documented_flags() -> None:
    """Adding users and deleting series are off at first, everything else is on (Kheops API 2)."""
    assert asdict(given().when(create_album, ALICE, "Knees").then(OPEN).state.flags) == {
        "add_user": False,
        "download_series": True,
        "send_series": True,
        "delete_series": False,
        "add_series": True,
        "write_comments": True,
    }


def test_create_takes_description_and_flags() -> None:
    """What the creator says holds from the start."""
    flags = MemberFlags(add_user=True, write_comments=False)
    state = (
        given()
        .when(create_album, ALICE, "Knees", "All of them", flags)
        .then(AlbumCreated("Knees", "All of them", flags))
        .state
    )
    assert (state.name, state.description, state.flags) == ("Knees", "All of them", flags)


def test_create_trims_name_and_description() -> None:
    """White space around them is not theirs."""
    given().when(create_album, ALICE, " \tKnees\n", " both ").then(
        AlbumCreated("Knees", "both", MemberFlags())
    )


@pytest.mark.parametrize(
    ("name", "description", "field"),
    [
        ("", "", "name"),
        (" \t ", "", "name"),
        ("n" * 256, "", "name"),
        ("a\x00b", "", "name"),
        ("a\ud800b", "", "name"),
        ("Knees", "d" * 2049, "description"),
        ("Knees", "\udfff", "description"),
    ],
)
def test_create_refuses_texts_outside_their_limits(name: str, description: str, field: str) -> None:
    """A name has 1 to 255 characters, a description up to 2048 (Kheops API 0)."""
    given().when(create_album, ALICE, name, description).refused(Invalid, field)


def test_create_takes_texts_at_their_limits() -> None:
    """The limits themselves are allowed, and so are blanks around them."""
    given().when(create_album, ALICE, " " + "n" * 255, "d" * 2048 + " ").then(
        AlbumCreated("n" * 255, "d" * 2048, MemberFlags())
    )
    given().when(create_album, ALICE, "n", "").then(AlbumCreated("n", "", MemberFlags()))


def test_create_on_a_used_id_is_a_conflict() -> None:
    """Neither an open album nor a deleted one gives its id back."""
    given(OPEN).when(create_album, ALICE, "Knees").refused(AlbumExists)
    given(OPEN, AlbumDeleted()).when(create_album, ALICE, "Knees").refused(AlbumExists)


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_create_is_for_a_user_in_person(source: Source) -> None:
    """Neither a capability token nor a report provider opens albums."""
    given().when(create_album, source, "Knees").refused(Forbidden)


def test_edit_by_an_admin_changes_what_is_given() -> None:
    """What is not given stays as it was."""
    opened_ = AlbumCreated("Knees", "All", MemberFlags())
    state = given(opened_).when(edit_album, ALICE, name=" Hips ").then(AlbumEdited("Hips")).state
    assert (state.name, state.description, state.flags) == ("Hips", "All", MemberFlags())
    state = (
        given(opened_)
        .when(edit_album, ALICE, description=" Left ")
        .then(AlbumEdited(description="Left"))
        .state
    )
    assert (state.name, state.description, state.flags) == ("Knees", "Left", MemberFlags())


def test_edit_can_empty_the_description() -> None:
    """An empty description is one, and not the same as none given."""
    opened_ = AlbumCreated("Knees", "All", MemberFlags())
    edited = given(opened_).when(edit_album, ALICE, description="")
    assert edited.then(AlbumEdited(description="")).state.description == ""


@pytest.mark.parametrize("flag", asdict(MemberFlags()))
def test_edit_sets_one_member_flag_and_leaves_the_others(flag: str) -> None:
    """Each flag by its own name."""
    wanted = {**asdict(MemberFlags()), flag: not getattr(MemberFlags(), flag)}
    edited = given(OPEN).when(edit_album, ALICE, flags={flag: wanted[flag]})
    assert asdict(edited.then(AlbumEdited(flags=MemberFlags(**wanted))).state.flags) == wanted


def test_edit_of_one_flag_leaves_what_was_set_before() -> None:
    """Also where that is not the default."""
    edited = given(opened(write_comments=False)).when(
        edit_album, ALICE, flags={"add_user": True, "send_series": False}
    )
    flags = MemberFlags(add_user=True, send_series=False, write_comments=False)
    edited.then(AlbumEdited(flags=flags))


def test_edit_by_an_admin_is_recorded_even_if_it_changes_nothing() -> None:
    """Every successful edit of an admin is an event: the documented API wants it (Kheops API 3.4)."""
    edited = given(OPEN).when(edit_album, ALICE, name="Knees").then(AlbumEdited("Knees"))
    edited.again().then(AlbumEdited("Knees"))
    given(OPEN).when(edit_album, ALICE).then(AlbumEdited())
    given(OPEN).when(edit_album, ALICE, flags={}).then(AlbumEdited())


def test_edit_by_any_admin_is_allowed() -> None:
    """Not only the creator's."""
    given(OPEN, CAROL_ADMIN).when(edit_album, CAROL, name="Hips").then(AlbumEdited("Hips"))


@pytest.mark.parametrize(
    "changes", [{"name": "Hips"}, {"description": ""}, {"flags": {"add_user": True}}]
)
def test_edit_by_a_plain_member_is_refused(changes: Any) -> None:
    """Members who are not admins leave the album itself alone, whatever its flags."""
    everything = dict.fromkeys(asdict(MemberFlags()), True)
    album = given(opened(**everything), BOB_IN)
    album.when(edit_album, BOB, **changes).refused(Forbidden)
    album.when(edit_album, BOB, **changes, notification_new_series=True).refused(Forbidden)


def test_edit_by_a_plain_member_sets_the_own_notifications() -> None:
    """They are the member's own: recorded once, shown to nobody, and others keep theirs."""
    set_ = given(OPEN, BOB_IN).when(edit_album, BOB, notification_new_series=True)
    state = set_.then(NotificationsSet(new_series=True, new_comment=False)).state
    assert state.members == {
        alice: Member(is_admin=True),
        bob: Member(notification_new_series=True),
    }
    set_.then(*set_.events).again().then()


def test_edit_keeps_the_notification_that_is_not_given() -> None:
    """None leaves it as it was, in either direction."""
    both = By(BOB, NotificationsSet(new_series=True, new_comment=True))
    given(OPEN, BOB_IN, both).when(edit_album, BOB, notification_new_comment=False).then(
        NotificationsSet(new_series=True, new_comment=False)
    )
    given(OPEN, BOB_IN, both).when(edit_album, BOB, notification_new_series=False).then(
        NotificationsSet(new_series=False, new_comment=True)
    )


def test_edit_by_an_admin_of_the_own_notifications_is_an_edit_too() -> None:
    """The album's edit comes first, then what became of the notifications."""
    given(OPEN).when(edit_album, ALICE, notification_new_comment=True).then(
        AlbumEdited(), NotificationsSet(new_series=False, new_comment=True)
    )


def test_edit_with_empty_flags_counts_as_none_given() -> None:
    """A plain member who sends an empty set of flags does not touch them."""
    given(OPEN, BOB_IN).when(edit_album, BOB, flags={}).then()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"description": "d" * 2049}, "description"),
        ({"flags": {"fly": True}}, "fly"),
        ({"flags": {"add_user": "true"}}, "add_user"),
        ({"flags": {"add_user": None}}, "add_user"),
    ],
)
def test_edit_refuses_values_outside_their_limits(changes: Any, field: str) -> None:
    """Nothing of such an edit is recorded."""
    given(OPEN).when(edit_album, ALICE, **changes, notification_new_series=True).refused(
        Invalid, field
    )


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_edit_is_for_a_user_in_person(source: Source) -> None:
    """Neither a capability token nor a report provider edits, though an admin made it."""
    album = given(OPEN, issued(ALL_GRANTS), SCRIBE_IN)
    album.when(edit_album, source, name="Hips").refused(Forbidden)


def test_edit_by_a_stranger_finds_no_album() -> None:
    """Kheops API 14, rule 2."""
    given(OPEN).when(edit_album, DAVE, name="Hips").refused(AlbumNotFound)


def test_delete_by_an_admin_leaves_nothing_to_anybody() -> None:
    """No member, study, report provider or capability token remains; only that it once was."""
    everything = (OPEN, BOB_IN, CT_IN, SCRIBE_IN, issued(ALL_GRANTS))
    deleted = given(*everything).when(delete_album, ALICE).then(AlbumDeleted())
    assert deleted.state == Album(phase=Phase.DELETED, created_at=START)
    deleted.again().refused(AlbumNotFound)


def test_delete_by_a_plain_member_is_refused() -> None:
    """Only an admin ends an album."""
    given(OPEN, BOB_IN).when(delete_album, BOB).refused(Forbidden)


@pytest.mark.parametrize("source", [ALICE, BOB, through(KEY), reporting(SCRIBE)])
def test_a_deleted_album_is_not_found_by_anybody(source: Source) -> None:
    """Kheops API 14, rules 12 and 67: former members, tokens and report providers included."""
    album = given(OPEN, BOB_IN, SCRIBE_IN, issued(ALL_GRANTS), AlbumDeleted())
    album.when(import_series, source, CT, S1).refused(AlbumNotFound)


def test_an_album_never_created_is_not_found() -> None:
    """The error is the one a stranger gets for an album that exists."""
    given().when(delete_album, ALICE).refused(AlbumNotFound)
