"""Favourites: an album for one member, studies and series for all of them (Kheops API 6)."""

from __future__ import annotations

import pytest

from albumcore import (
    AdminDemoted,
    AlbumDeleted,
    FavoriteAdded,
    FavoriteRemoved,
    FavoriteSet,
    MemberAdded,
    MemberPromoted,
    MemberRemoved,
    NotificationsSet,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    add_favorite,
    remove_favorite,
    set_favorite,
)
from albumcore.albums import Member
from albumcore.errors import AlbumNotFound, Forbidden, SeriesNotFound
from albumcore.ids import SeriesUID, StudyUID
from albumcore.kernel import Source
from albumcore.user_tokens import Grants
from support.album import (
    BOB,
    BOB_IN,
    CT,
    CT_IN,
    DAVE,
    KEY,
    M1,
    MR,
    OPEN,
    OTHER_KEY,
    S1,
    S2,
    S3,
    SCRIBE,
    SCRIBE_IN,
    alice,
    bob,
    issued,
    opened,
    reporting,
    through,
)
from support.given import ALICE, By, given

ALL_GRANTS = Grants(True, True, True, True)
MR_IN = StudyImported(MR, (M1,))

# An album, for one member


def test_set_favorite_is_the_members_own() -> None:
    """Kheops API 14, rule 40: recorded once; other members keep their choice, and he his notifications."""
    told = By(BOB, NotificationsSet(new_series=True, new_comment=False))
    set_ = given(OPEN, BOB_IN, told).when(set_favorite, BOB, True)
    state = set_.then(FavoriteSet(is_favorite=True)).state
    assert state.members == {
        alice: Member(is_admin=True),
        bob: Member(notification_new_series=True, is_favorite=True),
    }
    set_.then(FavoriteSet(is_favorite=True)).again().then()


def test_set_favorite_back() -> None:
    """It is recorded where it changes something."""
    favored = By(BOB, FavoriteSet(is_favorite=True))
    back = given(OPEN, BOB_IN, favored).when(set_favorite, BOB, False)
    assert not back.then(FavoriteSet(is_favorite=False)).state.members[bob].is_favorite
    back.then(FavoriteSet(is_favorite=False)).again().then()
    given(OPEN, BOB_IN).when(set_favorite, BOB, False).then()


def test_set_favorite_needs_no_right_but_membership() -> None:
    """Whatever the flags."""
    none = opened(add_series=False, write_comments=False, download_series=False)
    given(none, BOB_IN).when(set_favorite, BOB, True).then(FavoriteSet(is_favorite=True))


def test_a_favorite_outlasts_a_change_of_right_and_not_of_membership() -> None:
    """Who comes back starts anew."""
    favored = By(BOB, FavoriteSet(is_favorite=True))
    kept = given(OPEN, BOB_IN, favored, MemberPromoted(bob), AdminDemoted(bob))
    assert kept.state.members[bob].is_favorite
    anew = given(OPEN, BOB_IN, favored, MemberRemoved(bob), MemberAdded(bob))
    assert not anew.state.members[bob].is_favorite


@pytest.mark.parametrize("source", [through(KEY), through(OTHER_KEY), reporting(SCRIBE)])
def test_set_favorite_is_for_a_user_in_person(source: Source) -> None:
    """A token has no favourites, nor has a report provider."""
    album = given(OPEN, issued(ALL_GRANTS), SCRIBE_IN)
    album.when(set_favorite, source, True).refused(Forbidden)


def test_set_favorite_by_a_stranger_finds_no_album() -> None:
    """Kheops API 6; nor does a former admin find one that is deleted."""
    given(OPEN).when(set_favorite, DAVE, True).refused(AlbumNotFound)
    given(OPEN).when(set_favorite, DAVE, False).refused(AlbumNotFound)
    given(OPEN, AlbumDeleted()).when(set_favorite, ALICE, True).refused(AlbumNotFound)


# Studies and series, for all members


def test_add_favorite_of_a_study_is_of_all_its_series() -> None:
    """In the order of their UIDs, and of no other study; again it is recorded again (Kheops API 6)."""
    album = given(OPEN, StudyImported(CT, (S3, S1)), MR_IN)
    event = FavoriteAdded(CT, (S1, S3))
    added = album.when(add_favorite, ALICE, CT)
    assert added.then(event).state.favorites == {S1, S3}
    assert added.then(event).again().then(event).state.favorites == {S1, S3}


def test_add_favorite_of_one_series_leaves_the_others() -> None:
    """Favourites gather."""
    album = given(OPEN, CT_IN, MR_IN, FavoriteAdded(MR, (M1,)))
    event = FavoriteAdded(CT, (S2,))
    added = album.when(add_favorite, ALICE, CT, S2)
    assert added.then(event).state.favorites == {M1, S2}
    added.then(event).again().then(event)


def test_remove_favorite_of_a_study_is_of_all_its_series() -> None:
    """Also of those that were none; again it is recorded again (Kheops API 6)."""
    album = given(OPEN, CT_IN, MR_IN, FavoriteAdded(CT, (S2,)), FavoriteAdded(MR, (M1,)))
    event = FavoriteRemoved(CT, (S1, S2))
    removed = album.when(remove_favorite, ALICE, CT)
    assert removed.then(event).state.favorites == {M1}
    removed.then(event).again().then(event)


def test_remove_favorite_of_one_series_leaves_the_others() -> None:
    """Whether it was one or not."""
    album = given(OPEN, CT_IN, FavoriteAdded(CT, (S1, S2)))
    event = FavoriteRemoved(CT, (S2,))
    assert album.when(remove_favorite, ALICE, CT, S2).then(event).state.favorites == {S1}
    none = given(OPEN, CT_IN).when(remove_favorite, ALICE, CT, S2)
    assert none.then(event).state.favorites == frozenset()


def test_favorites_change_nothing_else() -> None:
    """The studies stay as they are."""
    album = given(OPEN, CT_IN)
    added = album.when(add_favorite, ALICE, CT).then(FavoriteAdded(CT, (S1, S2)))
    back = remove_favorite(added.state, added.act, CT)[0].evolve(added.state, added.act)
    assert back == album.state


def test_a_series_that_went_is_no_favorite_when_it_comes_back() -> None:
    """With its study or alone; the favourites of others stay."""
    favored = OPEN, CT_IN, MR_IN, FavoriteAdded(CT, (S1, S2)), FavoriteAdded(MR, (M1,))
    assert given(*favored, SeriesRemoved(CT, S1)).state.favorites == {S2, M1}
    again = given(*favored, StudyRemoved(CT, (S1, S2)), CT_IN)
    assert again.state.favorites == {M1}
    assert given(*favored, AlbumDeleted()).state.favorites == frozenset()


@pytest.mark.parametrize(
    ("study_uid", "series_uid"),
    [
        (MR, None),
        (MR, M1),
        (CT, S3),
        (CT, M1),
        (StudyUID(""), None),
        (StudyUID("1.02"), None),
        (CT, SeriesUID("")),
    ],
)
def test_a_favorite_is_in_the_album(study_uid: StudyUID, series_uid: SeriesUID | None) -> None:
    """Neither a study nor a series that is not there, nor a series of another study."""
    album = given(OPEN, CT_IN)
    album.when(add_favorite, ALICE, study_uid, series_uid).refused(SeriesNotFound)
    album.when(remove_favorite, ALICE, study_uid, series_uid).refused(SeriesNotFound)


def test_favorites_by_a_plain_member_need_the_flag() -> None:
    """Kheops API 2, EDIT_FAVORITES; what is there is not told to who may not change it."""
    allowed = given(opened(add_series=True), BOB_IN, CT_IN)
    allowed.when(add_favorite, BOB, CT).then(FavoriteAdded(CT, (S1, S2)))
    allowed.when(remove_favorite, BOB, CT, S1).then(FavoriteRemoved(CT, (S1,)))
    barred = given(opened(add_series=False), BOB_IN, CT_IN)
    for study_uid in (CT, MR):
        barred.when(add_favorite, BOB, study_uid).refused(Forbidden)
        barred.when(remove_favorite, BOB, study_uid).refused(Forbidden)


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_favorites_are_for_a_user_in_person(source: Source) -> None:
    """Neither capability tokens nor report providers have any."""
    album = given(OPEN, CT_IN, issued(ALL_GRANTS), SCRIBE_IN)
    album.when(add_favorite, source, CT).refused(Forbidden)
    album.when(remove_favorite, source, CT).refused(Forbidden)


def test_favorites_of_a_stranger_find_no_album() -> None:
    """Kheops API 14, rule 2."""
    given(OPEN, CT_IN).when(add_favorite, DAVE, CT).refused(AlbumNotFound)
    given(OPEN, CT_IN).when(remove_favorite, DAVE, CT, S1).refused(AlbumNotFound)
