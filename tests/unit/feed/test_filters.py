"""The filters of the feed, each by itself and several together (Kheops API 7.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import fields_dict

from albumcore import (
    CommentPosted,
    FavoriteAdded,
    MemberRemoved,
    NotificationsSet,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    WebhookCreated,
)
from albumcore.albums import Album, Webhook
from albumcore.errors import Invalid
from albumcore.feed import FILTERS, EntryKind, FeedQuery, select
from albumcore.kernel import Act, Event, RecordedEvent, Source
from support.album import (
    BELL,
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    CT,
    KEY,
    M1,
    MR,
    OPEN,
    OTHER_KEY,
    READER,
    S1,
    S2,
    S3,
    SCRIBE,
    SCRIBE_IN,
    alice,
    bob,
    carol,
    dave,
    reporting,
    through,
)
from support.given import ALICE, START

MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
MUTATIONS, COMMENTS = frozenset({EntryKind.MUTATION}), frozenset({EntryKind.COMMENT})

TOLD: list[tuple[Source, Event[Album]]] = [
    (ALICE, OPEN),  # 1
    (ALICE, BOB_IN),  # 2
    (ALICE, CAROL_ADMIN),  # 3
    (CAROL, SCRIBE_IN),  # 4
    (BOB, CommentPosted("to all")),  # 5
    (BOB, CommentPosted("to Carol", carol)),  # 6
    (CAROL, NotificationsSet(new_series=True, new_comment=False)),  # 7, hidden
    (through(KEY), StudyImported(CT, (S1, S2))),  # 8
    (reporting(SCRIBE, bob), ReportAdded(CT, S3)),  # 9
    (CAROL, SeriesImported(MR, M1)),  # 10
    (through(KEY), SeriesRemoved(CT, S1)),  # 11
    (BOB, FavoriteAdded(CT, (S2, S3))),  # 12
    (CAROL, MemberRemoved(bob)),  # 13
    (CAROL, WebhookCreated(BELL, Webhook("Bell", "http://bell.example"))),  # 14
]
HISTORY = [
    RecordedEvent("album-A1", version, Act(source, START + (version - 1) * MINUTE), event)
    for version, (source, event) in enumerate(TOLD, 1)
]
SHOWN = [14, 13, 12, 11, 10, 9, 8, 6, 5, 4, 3, 2, 1]


def found(**query: Any) -> list[int]:
    """The versions that whoever keeps the store finds; the total counts them."""
    entries, total = select(HISTORY, None, FeedQuery(**query))
    assert total == len(entries)
    return [one.recorded.version for one in entries]


@pytest.mark.parametrize(
    ("query", "versions"),
    [
        ({}, SHOWN),
        ({"kinds": COMMENTS}, [6, 5]),
        ({"kinds": frozenset()}, []),
        ({"mutations": ["ADD_USER"]}, [2]),
        ({"mutations": ["ADD_USER", "ADD_ADMIN"]}, [3, 2]),
        ({"mutations": ["ADD_FAV", "CREATE_WEBHOOK", "NEW_REPORT"]}, [14, 12, 9]),
        ({"mutations": ["add_user", "COMMENT", ""]}, []),
        ({"users": [bob]}, [13, 12, 9, 6, 5, 2]),
        ({"users": [carol]}, [14, 13, 10, 6, 4, 3]),
        ({"users": [alice, bob]}, [13, 12, 11, 9, 8, 6, 5, 3, 2, 1]),
        ({"users": [dave]}, []),
        ({"studies": [CT]}, [12, 11, 9, 8]),
        ({"studies": [MR]}, [10]),
        ({"studies": [MR, CT]}, [12, 11, 10, 9, 8]),
        ({"series": [S1]}, [11, 8]),
        ({"series": [S2]}, [12, 8]),
        ({"series": [S3]}, [12, 9]),
        ({"series": [S1, M1]}, [11, 10, 8]),
        ({"providers": [SCRIBE]}, [9, 4]),
        ({"providers": [READER]}, []),
        ({"capability_tokens": [KEY]}, [11, 8]),
        ({"capability_tokens": [OTHER_KEY]}, []),
        ({"since": START + 12 * MINUTE}, [14, 13]),
        ({"since": START + 12 * MINUTE + TICK}, [14]),
        ({"until": START + MINUTE}, [2, 1]),
        ({"until": START + MINUTE - TICK}, [1]),
        ({"since": START + MINUTE, "until": START + MINUTE}, [2]),
        ({"since": START + MINUTE, "until": START}, []),
    ],
    ids=str,
)
def test_a_filter_by_itself(query: Any, versions: list[int]) -> None:
    """Of the values of one filter any will do; both ends of a time count (Kheops API 14, rules 42 to 44)."""
    assert found(**query) == versions


@pytest.mark.parametrize(
    "name", ["mutations", "users", "studies", "series", "providers", "capability_tokens"]
)
@pytest.mark.parametrize("nothing", [(), [], frozenset()])
def test_a_filter_of_no_values_finds_nothing(name: str, nothing: Any) -> None:
    """It is asked for, and nothing will do; None does not ask."""
    assert found(**{name: nothing}) == []
    assert found(**{name: None}) == SHOWN


@pytest.mark.parametrize(
    ("query", "versions"),
    [
        ({"kinds": MUTATIONS, "users": [bob]}, [13, 12, 9, 2]),
        ({"kinds": COMMENTS, "users": [carol]}, [6]),
        ({"users": [bob], "studies": [CT]}, [12, 9]),
        ({"users": [bob], "studies": [CT], "mutations": ["ADD_FAV"]}, [12]),
        ({"series": [S1, S3], "providers": [SCRIBE]}, [9]),
        ({"series": [S1], "capability_tokens": [KEY], "since": START + 8 * MINUTE}, [11]),
        ({"kinds": COMMENTS, "studies": [CT]}, []),
        ({"studies": [MR], "series": [S1]}, []),
    ],
    ids=str,
)
def test_several_filters_must_all_hold(query: Any, versions: list[int]) -> None:
    """Kheops API 14, rule 43."""
    assert found(**query) == versions


def test_a_page_is_cut_from_what_is_chosen() -> None:
    """Kheops API 14, rule 45: the total does not depend on the page."""
    entries, total = select(HISTORY, None, FeedQuery(studies=[CT], limit=2, offset=1))
    assert ([one.recorded.version for one in entries], total) == ([11, 9], 4)


def test_a_filter_shows_nobody_what_he_may_not_see() -> None:
    """Other people's private comments are neither found nor counted (Kheops API 14, rule 22)."""
    query = FeedQuery(users=[bob], kinds=COMMENTS)
    for viewer, versions in ((alice, [5]), (bob, [6, 5]), (carol, [6, 5])):
        entries, total = select(HISTORY, viewer, query)
        assert ([one.recorded.version for one in entries], total) == (versions, len(versions))


def test_every_filter_is_a_field_of_the_query() -> None:
    """And every field but those of the page is a filter."""
    assert FILTERS.keys() == fields_dict(FeedQuery).keys() - {"limit", "offset", "after", "before"}


@pytest.mark.parametrize("name", ["since", "until"])
def test_a_moment_is_told_in_utc(name: str) -> None:
    """Whatever zone it was told in; one without a zone, or of no time there is in UTC, is refused."""

    def kept(at: datetime) -> datetime:
        asked: Any = {name: at}
        told: datetime = getattr(FeedQuery(**asked), name)
        return told

    told = kept(datetime(2026, 3, 1, 11, 30, tzinfo=timezone(timedelta(hours=2))))
    assert (told, told.utcoffset()) == (START, timedelta(0))
    assert kept(datetime.max.replace(tzinfo=UTC)) == datetime.max.replace(tzinfo=UTC)
    edge = datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))
    for unsound in (datetime(2026, 3, 1), edge):
        with pytest.raises(Invalid) as refused:
            kept(unsound)
        assert refused.value.field == name
