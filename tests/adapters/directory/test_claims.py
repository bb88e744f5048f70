"""Claims in the database: which there are, how they are passed on, and how they end."""

from __future__ import annotations

import pytest

from adapters.directory import Catalogue, Claims, Database, InstanceRecord, album_place, inbox_place
from albumcore.ids import SeriesUID, StudyUID

STUDY, CT, MR = StudyUID("1.1"), SeriesUID("1.1.1"), SeriesUID("1.1.2")
ANN, BOB = "sub-ann", "sub-bob"
ALBUM, OTHER = album_place("Trial00001"), album_place("Other00001")
INBOX = inbox_place(ANN)


@pytest.fixture
def claims(database: Database) -> Claims:
    """The album has two series on Ann's word, of which one shows the study."""
    made = Claims(database)
    made.make(ALBUM, CT, ANN, shows_study=True)
    made.make(ALBUM, MR, ANN, shows_study=False)
    return made


def test_which_there_are(claims: Claims) -> None:
    """Claims are told by place, and by series in all places or in some."""
    claims.make(INBOX, CT, BOB, shows_study=False)
    assert claims.at([ALBUM]) == {(ALBUM, CT): True, (ALBUM, MR): False}
    assert claims.at([]) == {}
    assert claims.of([CT]) == {(ALBUM, CT): True, (INBOX, CT): False}
    assert claims.of([CT, MR], {INBOX, OTHER}) == {(INBOX, CT): False}


def test_what_is_new_to_a_place_is_claimed_there_too(claims: Claims) -> None:
    """Taken from a claim, a series is claimed where it is new; what the place had before is not touched."""
    claims.pass_on(ALBUM, OTHER, [CT, MR], new=[CT])
    assert claims.at([OTHER]) == {(OTHER, CT): True}


def test_what_is_had_settles_a_claim(claims: Claims) -> None:
    """Taken from a place that has it, a series is no claim any more, whether it was there or not."""
    claims.pass_on(INBOX, ALBUM, [CT], new=[])
    assert claims.at([ALBUM]) == {(ALBUM, MR): False}


def test_a_place_gives_itself_nothing(claims: Claims) -> None:
    """Putting a series where it is changes nothing."""
    claims.pass_on(ALBUM, ALBUM, [CT, MR], new=[])
    assert claims.at([ALBUM]) == {(ALBUM, CT): True, (ALBUM, MR): False}


@pytest.mark.parametrize(
    ("owner", "left"),
    [(ANN, {(OTHER, CT)}), (BOB, {(ALBUM, CT)}), ("sub-cat", {(ALBUM, CT), (OTHER, CT)})],
)
def test_images_end_the_claims_of_those_who_bring_them(
    owner: str, left: set[tuple[str, str]], claims: Claims
) -> None:
    """Theirs on that series, in all places, and what is in their inbox; other claims and other series stay."""
    claims.make(OTHER, CT, BOB, shows_study=False)
    claims.make(inbox_place(owner), CT, "sub-dan", shows_study=False)
    image = InstanceRecord(STUDY, CT, "1.1.1.1", {}, {}, {})
    Catalogue(claims.database).store([image], owner=owner)
    assert claims.of([CT]).keys() == left
    assert claims.of([MR]).keys() == {(ALBUM, MR)}
