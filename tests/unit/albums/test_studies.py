"""Studies and series of an album, reports included (Kheops API 4)."""

from __future__ import annotations

import pytest

from albumcore import (
    ReportAdded,
    ReportProviderDeleted,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    add_report,
    import_series,
    import_study,
    remove_series,
    remove_study,
)
from albumcore.errors import (
    AlbumNotFound,
    Forbidden,
    Invalid,
    SeriesInAnotherStudy,
    SeriesNotFound,
)
from albumcore.ids import SeriesUID, StudyUID
from albumcore.user_tokens import Grants
from support.album import (
    BOB,
    BOB_IN,
    CT,
    CT_IN,
    DAVE,
    KEY,
    MR,
    OPEN,
    READER,
    S1,
    S2,
    S3,
    SCRIBE,
    SCRIBE_IN,
    issued,
    opened,
    reporting,
    through,
)
from support.given import ALICE, given

# Importing


def test_import_study_brings_its_series() -> None:
    """Repeating it changes nothing (Kheops API 14, rule 47)."""
    imported = given(OPEN).when(import_study, ALICE, CT, [S1, S2])
    assert imported.then(StudyImported(CT, (S1, S2))).state.studies == {CT: {S1, S2}}
    imported.then(StudyImported(CT, (S1, S2))).again().then()


def test_import_study_lists_only_the_series_that_are_new() -> None:
    """Kheops API 14, rule 35; those there before stay."""
    imported = given(OPEN, CT_IN).when(import_study, ALICE, CT, [S3, S1])
    assert imported.then(StudyImported(CT, (S3,))).state.studies == {CT: {S1, S2, S3}}


def test_import_study_takes_a_series_named_twice_once() -> None:
    """Kheops API 14, rule 48; the order is the caller's."""
    given(OPEN).when(import_study, ALICE, CT, [S2, S1, S2]).then(StudyImported(CT, (S2, S1)))


def test_import_study_without_series_changes_nothing() -> None:
    """A study is in an album by its series (Kheops API 14, rule 34)."""
    assert given(OPEN).when(import_study, ALICE, CT, []).then().state.studies == {}


def test_import_study_of_another_study_leaves_the_first() -> None:
    """Studies stand side by side."""
    imported = given(OPEN, CT_IN).when(import_study, ALICE, MR, [S3])
    assert imported.then(StudyImported(MR, (S3,))).state.studies == {CT: {S1, S2}, MR: {S3}}


def test_a_series_belongs_to_one_study() -> None:
    """A UID that the album holds in another is a conflict, also among series that could come (0020,000E)."""
    album = given(OPEN, CT_IN, SCRIBE_IN)
    album.when(import_study, ALICE, MR, [S3, S2]).refused(SeriesInAnotherStudy)
    album.when(import_series, ALICE, MR, S1).refused(SeriesInAnotherStudy)
    album.when(add_report, reporting(SCRIBE), MR, S1).refused(SeriesInAnotherStudy)
    gone = given(OPEN, CT_IN, SeriesRemoved(CT, S1))
    gone.when(import_series, ALICE, MR, S1).then(SeriesImported(MR, S1))


@pytest.mark.parametrize(
    ("study_uid", "series_uid", "field"),
    [("1.02", S1, "study"), ("", S1, "study"), (CT, "series", "series"), (CT, "", "series")],
)
def test_import_refuses_what_is_no_uid(
    study_uid: StudyUID, series_uid: SeriesUID, field: str
) -> None:
    """DICOM PS3.5 section 9.1; once it is known that the source may bring anything."""
    album = given(opened(add_series=False), BOB_IN, SCRIBE_IN)
    album.when(import_study, ALICE, study_uid, [series_uid]).refused(Invalid, field)
    album.when(import_study, ALICE, study_uid, [S2, series_uid]).refused(Invalid, field)
    album.when(import_series, ALICE, study_uid, series_uid).refused(Invalid, field)
    album.when(add_report, reporting(SCRIBE), study_uid, series_uid).refused(Invalid, field)
    album.when(import_series, BOB, study_uid, series_uid).refused(Forbidden)


def test_import_series_brings_one() -> None:
    """Repeating it changes nothing (Kheops API 14, rule 47)."""
    imported = given(OPEN, CT_IN).when(import_series, ALICE, CT, S3)
    assert imported.then(SeriesImported(CT, S3)).state.studies == {CT: {S1, S2, S3}}
    imported.then(SeriesImported(CT, S3)).again().then()


def test_import_series_opens_its_study() -> None:
    """The first series of a study brings the study."""
    imported = given(OPEN).when(import_series, ALICE, MR, S1).then(SeriesImported(MR, S1))
    assert imported.state.studies == {MR: {S1}}


def test_import_by_a_plain_member_needs_the_flag() -> None:
    """Kheops API 2, ADD_SERIES."""
    allowed = given(opened(add_series=True), BOB_IN)
    allowed.when(import_study, BOB, CT, [S1]).then(StudyImported(CT, (S1,)))
    allowed.when(import_series, BOB, CT, S1).then(SeriesImported(CT, S1))
    barred = given(opened(add_series=False), BOB_IN, CT_IN)
    barred.when(import_study, BOB, CT, [S1]).refused(Forbidden)
    barred.when(import_series, BOB, CT, S1).refused(Forbidden)


def test_import_through_a_capability_token_needs_write() -> None:
    """Kheops API 2 and 4.5."""
    writing = given(OPEN, issued(Grants(write=True)))
    writing.when(import_study, through(KEY), CT, [S1]).then(StudyImported(CT, (S1,)))
    writing.when(import_series, through(KEY), CT, S1).then(SeriesImported(CT, S1))
    others = given(OPEN, issued(Grants(read=True, download=True, appropriate=True)))
    others.when(import_study, through(KEY), CT, [S1]).refused(Forbidden)
    others.when(import_series, through(KEY), CT, S1).refused(Forbidden)


def test_import_by_a_stranger_finds_no_album() -> None:
    """Also for a series that is there."""
    given(OPEN, CT_IN).when(import_study, DAVE, CT, [S1]).refused(AlbumNotFound)
    given(OPEN, CT_IN).when(import_series, DAVE, CT, S1).refused(AlbumNotFound)


# Reports


def test_add_report_brings_one_series() -> None:
    """Kheops API 14, rule 38, by its documented name; a report there already changes nothing."""
    added = given(OPEN, CT_IN, SCRIBE_IN).when(add_report, reporting(SCRIBE), CT, S3)
    assert added.then(ReportAdded(CT, S3)).state.studies == {CT: {S1, S2, S3}}
    added.then(ReportAdded(CT, S3)).again().then()


def test_add_report_needs_no_member_flag() -> None:
    """A report provider adds whatever plain members may do (Kheops API 2)."""
    album = given(opened(add_series=False), BOB_IN, SCRIBE_IN)
    album.when(add_report, reporting(SCRIBE, BOB.user), CT, S1).then(ReportAdded(CT, S1))


def test_add_report_in_person_is_refused() -> None:
    """Reports come from report providers, not from members, admins or capability tokens."""
    album = given(OPEN, BOB_IN, issued(Grants(read=True, write=True)))
    for source in (ALICE, BOB, through(KEY)):
        album.when(add_report, source, CT, S1).refused(Forbidden)


def test_add_report_by_a_stranger_finds_no_album() -> None:
    """In person, or through a report provider of another album."""
    album = given(OPEN, SCRIBE_IN)
    album.when(add_report, DAVE, CT, S1).refused(AlbumNotFound)
    album.when(add_report, reporting(READER), CT, S1).refused(AlbumNotFound)


def test_add_report_by_a_removed_provider_is_refused() -> None:
    """Kheops API 1: removed providers are shut out, also from what is there."""
    album = given(OPEN, CT_IN, SCRIBE_IN, ReportProviderDeleted(SCRIBE))
    album.when(add_report, reporting(SCRIBE), CT, S1).refused(Forbidden)


def test_import_by_a_report_provider_is_refused() -> None:
    """What it brings is a report, and is told as one (Kheops API 4.5)."""
    album = given(OPEN, SCRIBE_IN)
    album.when(import_series, reporting(SCRIBE), CT, S1).refused(Forbidden)
    album.when(import_study, reporting(SCRIBE), CT, [S1]).refused(Forbidden)
    album.when(import_series, reporting(READER), CT, S1).refused(AlbumNotFound)


# Removing


def test_remove_study_lists_every_series_that_went() -> None:
    """Kheops API 14, rule 36, in the order of their UIDs; a second time it is not there (rule 52)."""
    album = given(OPEN, StudyImported(CT, (S3, S1, S2)), StudyImported(MR, (S1,)))
    removed = album.when(remove_study, ALICE, CT).then(StudyRemoved(CT, (S1, S2, S3)))
    assert removed.state.studies == {MR: {S1}}
    removed.again().refused(SeriesNotFound)


def test_remove_series_leaves_the_others() -> None:
    """A second time it is not there (Kheops API 14, rule 52)."""
    removed = given(OPEN, CT_IN).when(remove_series, ALICE, CT, S1)
    assert removed.then(SeriesRemoved(CT, S1)).state.studies == {CT: {S2}}
    removed.then(SeriesRemoved(CT, S1)).again().refused(SeriesNotFound)


def test_remove_the_last_series_takes_the_study_out() -> None:
    """A study without series is not in the album."""
    album = given(OPEN, CT_IN, SeriesRemoved(CT, S1))
    removed = album.when(remove_series, ALICE, CT, S2).then(SeriesRemoved(CT, S2))
    assert removed.state.studies == {}


def test_what_was_removed_can_come_back() -> None:
    """And is new again."""
    album = given(OPEN, CT_IN, StudyRemoved(CT, (S1, S2)))
    album.when(import_study, ALICE, CT, [S1]).then(StudyImported(CT, (S1,)))


def test_remove_what_is_not_there_is_not_found() -> None:
    """Kheops API 14, rule 52: neither study nor series, nor a series of another study."""
    album = given(OPEN, CT_IN)
    album.when(remove_study, ALICE, MR).refused(SeriesNotFound)
    album.when(remove_series, ALICE, CT, S3).refused(SeriesNotFound)
    album.when(remove_series, ALICE, MR, S1).refused(SeriesNotFound)


def test_remove_by_a_plain_member_needs_the_flag() -> None:
    """Kheops API 2, DELETE_SERIES; what is there is not told to who may not remove it."""
    allowed = given(opened(delete_series=True), BOB_IN, CT_IN)
    allowed.when(remove_study, BOB, CT).then(StudyRemoved(CT, (S1, S2)))
    allowed.when(remove_series, BOB, CT, S1).then(SeriesRemoved(CT, S1))
    barred = given(opened(delete_series=False), BOB_IN, CT_IN)
    barred.when(remove_study, BOB, MR).refused(Forbidden)
    barred.when(remove_series, BOB, CT, S3).refused(Forbidden)


@pytest.mark.parametrize(
    ("grants", "allowed"),
    [
        (Grants(read=True, write=True), True),
        (Grants(write=True), False),
        (Grants(read=True, download=True, appropriate=True), False),
    ],
)
def test_remove_through_a_capability_token_needs_read_and_write(
    grants: Grants, allowed: bool
) -> None:
    """Kheops API 2, DELETE_SERIES."""
    album = given(OPEN, CT_IN, issued(grants))
    study = album.when(remove_study, through(KEY), CT)
    series = album.when(remove_series, through(KEY), CT, S1)
    if allowed:
        study.then(StudyRemoved(CT, (S1, S2)))
        series.then(SeriesRemoved(CT, S1))
    else:
        study.refused(Forbidden)
        series.refused(Forbidden)


def test_remove_by_a_report_provider_is_refused() -> None:
    """It adds, and takes nothing away."""
    album = given(opened(delete_series=True), CT_IN, SCRIBE_IN)
    album.when(remove_study, reporting(SCRIBE), CT).refused(Forbidden)
    album.when(remove_series, reporting(SCRIBE), CT, S1).refused(Forbidden)
