"""Pages and comments as JSON, where the documented examples do not go: what the application does not know."""

from __future__ import annotations

from albumcore import (
    UPSTREAM,
    Act,
    FeedPage,
    FeedQuery,
    Person,
    RecordedEvent,
    SeriesImported,
    Source,
    StudyCommentPosted,
    StudyUID,
    render_feed,
    render_study_comments,
)
from albumcore.feed import AlbumStatus, select
from support.album import BOB_IN, CT, OPEN, S1, alice, bob
from support.given import ALICE, START

CT_1_IN = SeriesImported(CT, S1)


def page_of(*events: object) -> FeedPage:
    """A page of all that Alice did."""
    history = [
        RecordedEvent("album-A1", version, Act(ALICE, START), event)  # type: ignore[type-var]
        for version, event in enumerate(events, 1)
    ]
    entries, total = select(history, None, FeedQuery())
    return FeedPage(entries, total, AlbumStatus({alice: True}))


def test_what_is_not_known_has_no_key() -> None:
    """Neither people nor studies: their ids are all that is told of them."""
    imported, added, created = render_feed(page_of(OPEN, BOB_IN, CT_1_IN), {})
    assert created["source"] == {"sub": "alice", "can_access": True, "is_admin": True}
    assert added["target"] == {"sub": "bob", "can_access": False}
    assert imported["study"] == {"UID": CT}
    assert imported["series"] == {"UID": S1}
    upstream, *_ = render_feed(page_of(OPEN, CT_1_IN), {}, form=UPSTREAM)
    listed = {"UID": S1, "is_present_in_album": False}
    assert upstream["study"] == {"UID": CT, "series": [listed]}


def test_a_study_is_called_by_what_its_entry_is_about() -> None:
    """The application is asked for each entry, with the series there: it may not tell of all of them."""
    asked: list[object] = []

    def called(study_uid: StudyUID, series_uids: object) -> str:
        asked.append((study_uid, series_uids))
        return "Knees"

    imported, _ = render_feed(page_of(OPEN, CT_1_IN), {}, called)
    assert imported["study"]["description"] == "Knees"
    assert asked == [(CT, (S1,))]


def test_a_page_tells_whom_and_what_it_names() -> None:
    """So that they are looked up at once."""
    page = page_of(OPEN, BOB_IN, CT_1_IN)
    assert page.users == frozenset({alice, bob})
    assert page.studies == frozenset({CT})
    assert page.series == frozenset({S1})


def test_comments_on_a_study_tell_who_sees_it() -> None:
    """Now, whoever wrote them; and by which name each goes."""
    said = StudyCommentPosted("Look", alice)
    recorded = RecordedEvent("study-1.2", 1, Act(Source(bob), START), said)
    entries, _ = select([recorded], alice, FeedQuery())
    people = {bob: Person(bob, "bob@clinic.example", "Bob")}
    assert render_study_comments(entries, people, {alice}) == [
        {
            "event_type": "Comment",
            "source": {
                "email": "bob@clinic.example",
                "name": "Bob",
                "sub": "bob",
                "can_access": False,
            },
            "comment": "Look",
            "post_date": "2026-03-01T09:30:00",
            "is_private": True,
            "target": {"sub": "alice", "can_access": True},
        }
    ]
