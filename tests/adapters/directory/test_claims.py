"""Claims in the database: which there are, how they are passed on, and how they end."""

from __future__ import annotations

import pytest

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.directory import (
    Catalogue,
    Claims,
    Held,
    InstanceRecord,
    SeriesOfOtherStudy,
    album_place,
    inbox_place,
)
from albumcore_adapters.sql.database import Database

STUDY, OTHER_STUDY, CT, MR = (
    StudyUID("1.1"),
    StudyUID("1.2"),
    SeriesUID("1.1.1"),
    SeriesUID("1.1.2"),
)
ANN, BOB, CAT = UserId("sub-ann"), UserId("sub-bob"), UserId("sub-cat")
ALBUM, OTHER, INBOX = album_place("Trial00001"), album_place("Other00001"), inbox_place(ANN)
CT_THERE, MR_THERE = Held(ALBUM, STUDY, CT), Held(ALBUM, STUDY, MR)


@pytest.fixture
def claims(database: Database) -> Claims:
    """The album has two series on Ann's word, of which the first that was ever heard of shows the study."""
    made = Claims(database)
    made.make(CT_THERE, ANN, is_new=True, is_first=True)
    made.make(MR_THERE, ANN, is_new=True, is_first=True)
    return made


def images_by(claims: Claims, owner: str, study: StudyUID = STUDY) -> None:
    """An image of the CT comes in."""
    image = InstanceRecord(study, CT, "1.1.1.1", {}, {}, {})
    Catalogue(claims.database).store([image], owner=owner)


def test_which_there_are(claims: Claims) -> None:
    """Claims are told by place, and by series in all places or in some; each study of a series has its own."""
    wrong = Held(INBOX, OTHER_STUDY, CT)
    claims.make(wrong, BOB, is_new=True)
    assert claims.at([ALBUM]) == {CT_THERE: True, MR_THERE: False}
    assert claims.at([]) == {}
    assert claims.of([CT]) == {CT_THERE: True, wrong: False}
    assert claims.of([CT, MR], {INBOX, OTHER}) == {wrong: False}


def test_a_claim_that_may_show_its_study(claims: Claims) -> None:
    """So may one on a study that was heard of, where the user could have taken the study there."""
    there = Held(INBOX, STUDY, CT)
    claims.make(there, BOB, is_new=True, may_show=True)
    assert claims.at([INBOX]) == {there: True}


def test_a_claim_makes_the_series_known(claims: Claims) -> None:
    """As a placeholder of its study, unless it has images of another one."""
    assert Catalogue(claims.database).series_of(STUDY) == {CT, MR}
    images_by(claims, ANN)
    with pytest.raises(SeriesOfOtherStudy):
        claims.make(Held(INBOX, OTHER_STUDY, CT), BOB, is_new=True)
    assert claims.at([INBOX]) == {}


def test_a_series_is_claimed_by_several(claims: Claims) -> None:
    """The images of any of those whose word a holding is make it true; a holding without words needs none."""
    claims.make(CT_THERE, BOB, is_new=False)
    claims.make(Held(OTHER, STUDY, CT), BOB, is_new=False)
    assert claims.of([CT]) == {CT_THERE: True}
    images_by(claims, BOB)
    assert claims.of([CT]) == {}


def test_what_was_there_before_does_not_count(claims: Claims) -> None:
    """Put there anew, a series rests on the new word alone."""
    images_by(claims, ANN)
    claims.make(CT_THERE, BOB, is_new=True)
    assert claims.at([ALBUM]) == {CT_THERE: False, MR_THERE: False}


def test_what_is_new_to_a_place_is_claimed_there_too(claims: Claims) -> None:
    """Taken from a claim, a series is claimed where it is new; what the place has in truth is not touched."""
    claims.pass_on(ALBUM, OTHER, STUDY, [CT, MR], new=[CT])
    assert claims.at([OTHER]) == {Held(OTHER, STUDY, CT): True}
    images_by(claims, ANN)
    assert claims.at([OTHER]) == {}


def test_what_is_had_settles_a_claim(claims: Claims) -> None:
    """Taken from a place that has it, a series is no claim any more, whether it was there or not."""
    claims.pass_on(INBOX, ALBUM, STUDY, [CT], new=[])
    assert claims.at([ALBUM]) == {MR_THERE: False}


def test_a_place_gives_itself_nothing(claims: Claims) -> None:
    """Putting a series where it is changes nothing."""
    claims.pass_on(ALBUM, ALBUM, STUDY, [CT, MR], new=[])
    assert claims.at([ALBUM]) == {CT_THERE: True, MR_THERE: False}


@pytest.mark.parametrize(("owner", "left"), [(ANN, {OTHER}), (BOB, {ALBUM}), (CAT, {ALBUM, OTHER})])
def test_images_end_the_claims_of_those_who_bring_them(
    owner: UserId, left: set[str], claims: Claims
) -> None:
    """Theirs on that series, in all places, made before or after, and what is in their inbox; no others."""
    claims.make(Held(inbox_place(owner), STUDY, CT), UserId("sub-dan"), is_new=True)
    images_by(claims, owner)
    claims.make(Held(OTHER, STUDY, CT), BOB, is_new=True)
    assert {one.place for one in claims.of([CT])} == left
    assert set(claims.of([MR])) == {MR_THERE}
