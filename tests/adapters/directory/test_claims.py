"""Claims: adding, propagating and confirming them."""

from __future__ import annotations

import pytest

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import (
    Holding,
    SeriesClaims,
    album_holder,
    inbox_holder,
)
from albumcore_adapters.directory.instances import InstanceRecord, SeriesOfOtherStudy
from albumcore_adapters.sql.database import Database

STUDY, OTHER_STUDY, CT, MR = (
    StudyUID("1.1"),
    StudyUID("1.2"),
    SeriesUID("1.1.1"),
    SeriesUID("1.1.2"),
)
ANN, BOB, CAT = UserId("sub-ann"), UserId("sub-bob"), UserId("sub-cat")
ALBUM, OTHER, INBOX = album_holder("Trial00001"), album_holder("Other00001"), inbox_holder(ANN)
CT_THERE, MR_THERE = Holding(ALBUM, STUDY, CT), Holding(ALBUM, STUDY, MR)


@pytest.fixture
def claims(database: Database) -> SeriesClaims:
    """Ann claims two series in the album; the first one shows the study, which was unknown."""
    made = SeriesClaims(database)
    made.add(CT_THERE, ANN, is_new=True, is_first=True)
    made.add(MR_THERE, ANN, is_new=True, is_first=True)
    return made


def images_by(claims: SeriesClaims, owner: UserId, study: StudyUID = STUDY) -> None:
    """A user imports an image of the CT."""
    image = InstanceRecord(study, CT, "1.1.1.1", {}, {}, {})
    Catalogue(claims.database).store([image], owner=owner)


def test_which_there_are(claims: SeriesClaims) -> None:
    """Claims are found by holder, and by series in all holders or some; they differ by study."""
    wrong = Holding(INBOX, OTHER_STUDY, CT)
    claims.add(wrong, BOB, is_new=True)
    assert claims.in_holders([ALBUM]) == {CT_THERE: True, MR_THERE: False}
    assert claims.in_holders([]) == {}
    assert claims.on_series([CT]) == {CT_THERE: True, wrong: False}
    assert claims.on_series([CT, MR], {INBOX, OTHER}) == {wrong: False}


def test_a_claim_that_may_show_its_study(claims: SeriesClaims) -> None:
    """A claim on a known study shows it with `may_show`."""
    there = Holding(INBOX, STUDY, CT)
    claims.add(there, BOB, is_new=True, may_show=True)
    assert claims.in_holders([INBOX]) == {there: True}


def test_a_claim_makes_the_series_known(claims: SeriesClaims) -> None:
    """A claim adds the series as a placeholder of its study, unless it has images of another study."""
    assert Catalogue(claims.database).series_of(STUDY) == {CT, MR}
    images_by(claims, ANN)
    with pytest.raises(SeriesOfOtherStudy):
        claims.add(Holding(INBOX, OTHER_STUDY, CT), BOB, is_new=True)
    assert claims.in_holders([INBOX]) == {}


def test_a_series_is_claimed_by_several(claims: SeriesClaims) -> None:
    """Images of any claimant confirm a holding; a claim on a confirmed holding is ignored."""
    claims.add(CT_THERE, BOB, is_new=False)
    claims.add(Holding(OTHER, STUDY, CT), BOB, is_new=False)
    assert claims.on_series([CT]) == {CT_THERE: True}
    images_by(claims, BOB)
    assert claims.on_series([CT]) == {}


def test_what_was_there_before_does_not_count(claims: SeriesClaims) -> None:
    """A new holding replaces the claims of the former one."""
    images_by(claims, ANN)
    claims.add(CT_THERE, BOB, is_new=True)
    assert claims.in_holders([ALBUM]) == {CT_THERE: False, MR_THERE: False}


def test_what_is_new_to_a_place_is_claimed_there_too(claims: SeriesClaims) -> None:
    """A claimed series is claimed by the same users in a holder to which it is new; other holdings are unchanged."""
    claims.propagate(ALBUM, OTHER, STUDY, [CT, MR], new=[CT])
    assert claims.in_holders([OTHER]) == {Holding(OTHER, STUDY, CT): True}
    images_by(claims, ANN)
    assert claims.in_holders([OTHER]) == {}


def test_what_is_had_settles_a_claim(claims: SeriesClaims) -> None:
    """A confirmed holding of the source confirms the holding of the target, new or not."""
    claims.propagate(INBOX, ALBUM, STUDY, [CT], new=[])
    assert claims.in_holders([ALBUM]) == {MR_THERE: False}


def test_a_place_gives_itself_nothing(claims: SeriesClaims) -> None:
    """Putting a series into its own holder changes nothing."""
    claims.propagate(ALBUM, ALBUM, STUDY, [CT, MR], new=[])
    assert claims.in_holders([ALBUM]) == {CT_THERE: True, MR_THERE: False}


@pytest.mark.parametrize(("owner", "left"), [(ANN, {OTHER}), (BOB, {ALBUM}), (CAT, {ALBUM, OTHER})])
def test_images_end_the_claims_of_those_who_bring_them(
    owner: UserId, left: set[str], claims: SeriesClaims
) -> None:
    """An import confirms the user's claims on the series in all holders, earlier and later, and their inbox."""
    claims.add(Holding(inbox_holder(owner), STUDY, CT), UserId("sub-dan"), is_new=True)
    images_by(claims, owner)
    claims.add(Holding(OTHER, STUDY, CT), BOB, is_new=True)
    assert {one.holder for one in claims.on_series([CT])} == left
    assert set(claims.on_series([MR])) == {MR_THERE}
