"""The comments on a study, as they are read: newest first, private ones by author and target (Kheops API 7.3)."""

from __future__ import annotations

import pytest

from albumcore import (
    Albumcore,
    FeedQuery,
    StudyComments,
    album_stream,
    create_album,
    import_series,
    post_study_comment,
    study_stream,
)
from albumcore.errors import Invalid, StudyNotFound
from albumcore.feed import PUBLIC
from albumcore.ids import AlbumId, StudyUID, UserId
from albumcore.index import AlbumRow
from support.album import BOB, CAROL, CT, MR, S1, alice, bob, carol, dave
from support.given import ALICE

A1 = album_stream(AlbumId("A1"))
ALL = frozenset({alice, bob, carol})


@pytest.fixture(autouse=True)
def said(app: Albumcore) -> None:
    """Something to all, something in private, and something of another study; the study is in an album too."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, import_series, ALICE, CT, S1)
    say = post_study_comment
    app.handle(study_stream(CT), say, ALICE, ALL, "to all")
    app.handle(study_stream(CT), say, BOB, ALL, "to Alice", alice)
    app.handle(study_stream(MR), say, ALICE, ALL, "of another")
    app.handle(study_stream(CT), say, CAROL, ALL, "to all too")
    app.handle(study_stream(CT), say, CAROL, ALL, "to herself", carol)


def read(app: Albumcore, viewer: UserId, study_uid: StudyUID = CT) -> list[object]:
    """What a viewer reads; the total counts it."""
    found, total = app.study_comments(study_uid, viewer)
    assert total == len(found)
    return [one.comment for one in found]


def test_who_reads_which_comments(app: Albumcore) -> None:
    """Kheops API 14, rules 20 and 22; a viewer who is no user reads the public comments."""
    assert read(app, alice) == ["to all too", "to Alice", "to all"]
    assert read(app, bob) == ["to all too", "to Alice", "to all"]
    assert read(app, carol) == ["to herself", "to all too", "to all"]
    assert read(app, dave) == read(app, PUBLIC) == ["to all too", "to all"]
    assert read(app, alice, MR) == ["of another"]
    assert read(app, alice, StudyUID("1.2.3")) == []


@pytest.mark.parametrize("viewer", ["", "\ud800", "x" * 999])
def test_a_viewer_that_cannot_be_reads_what_is_said_to_all(app: Albumcore, viewer: str) -> None:
    """There are no private comments for them."""
    assert read(app, UserId(viewer)) == ["to all too", "to all"]


def test_a_page_of_the_comments(app: Albumcore) -> None:
    """The total does not depend on the page, and the filters of a feed hold here too."""
    found, total = app.study_comments(CT, alice, FeedQuery(limit=1, offset=1))
    assert ([one.comment for one in found], total) == (["to Alice"], 3)
    found, total = app.study_comments(CT, alice, FeedQuery(users=[alice]))
    assert ([one.comment for one in found], total) == (["to Alice", "to all"], 2)


def test_comments_on_a_study_are_no_affair_of_its_albums(app: Albumcore) -> None:
    """Kheops API 14, rule 27: neither in their feeds, nor their latest events."""
    assert app.feed(AlbumId("A1"), alice).total == 2
    (row,) = app.index.rows(AlbumRow, {})
    assert row.last_event_at == list(app.history(A1))[-1].at


def test_a_refused_comment_leaves_nothing(app: Albumcore) -> None:
    """The error is the decision's own."""
    before = app.follow()
    with pytest.raises(StudyNotFound):
        app.handle(study_stream(CT), post_study_comment, BOB, {alice}, "Hm")
    assert app.follow() == before
    assert app.load(study_stream(CT)) == StudyComments()
    assert app.verify() == []


@pytest.mark.parametrize("study_uid", ["", "1.02", "\ud800", "1" * 65])
def test_comments_on_no_study(app: Albumcore, study_uid: str) -> None:
    """A UID by DICOM PS3.5 section 9.1."""
    with pytest.raises(Invalid) as refused:
        app.study_comments(StudyUID(study_uid), alice)
    assert refused.value.field == "study"
