"""What a viewer sees of a history: which entries, in which order, on which page; and what stands now."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from albumcore import (
    CommentPosted,
    MemberRemoved,
    NotificationsSet,
    ReportProviderDeleted,
    ReportProviderEdited,
    SeriesRemoved,
)
from albumcore.albums import Album
from albumcore.errors import Invalid
from albumcore.feed import (
    AlbumStatus,
    EntryKind,
    FeedPage,
    FeedQuery,
    ReportProviderStatus,
    album_status_of,
    select,
)
from albumcore.ids import UserId
from albumcore.kernel import Act, Event, RecordedEvent, Source
from support.album import (
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    CT_IN,
    KEY,
    OPEN,
    S1,
    S2,
    SCRIBE,
    SCRIBE_IN,
    alice,
    bob,
    carol,
    dave,
    issued,
)
from support.given import ALICE, START, folded

COMMENTS = frozenset({EntryKind.COMMENT})
MUTATIONS = frozenset({EntryKind.MUTATION})

TOLD: list[tuple[Source, Event[Album]]] = [
    (ALICE, OPEN),  # 1
    (ALICE, BOB_IN),  # 2
    (ALICE, CAROL_ADMIN),  # 3
    (BOB, CommentPosted("to all")),  # 4
    (BOB, CommentPosted("to Alice", alice)),  # 5
    (CAROL, NotificationsSet(new_series=True, new_comment=False)),  # 6
    (ALICE, CommentPosted("to herself", alice)),  # 7
    (CAROL, CommentPosted("to Bob", bob)),  # 8
    (CAROL, CT_IN),  # 9
]
HISTORY = [
    RecordedEvent("album-A1", version, Act(source, START), event)
    for version, (source, event) in enumerate(TOLD, 1)
]


def seen(viewer: UserId, **query: Any) -> tuple[list[int], int]:
    """The versions on the page, and the total."""
    entries, total = select(HISTORY, viewer, FeedQuery(**query))
    return [one.recorded.version for one in entries], total


@pytest.mark.parametrize(
    ("viewer", "versions"),
    [
        (alice, [9, 7, 5, 4, 3, 2, 1]),
        (bob, [9, 8, 5, 4, 3, 2, 1]),
        (carol, [9, 8, 4, 3, 2, 1]),
        (dave, [9, 4, 3, 2, 1]),
    ],
)
def test_private_comments_are_for_author_and_target(viewer: UserId, versions: list[int]) -> None:
    """Kheops API 14, rules 20 to 22 and 31: an admin who is neither does not see them, nor count them."""
    assert seen(viewer) == (versions, len(versions))


@pytest.mark.parametrize(
    ("kinds", "versions"),
    [
        (COMMENTS, [8, 5, 4]),
        (MUTATIONS, [9, 3, 2, 1]),
        (COMMENTS | MUTATIONS, [9, 8, 5, 4, 3, 2, 1]),
        (frozenset(), []),
    ],
)
def test_kinds_are_asked_for(kinds: frozenset[EntryKind], versions: list[int]) -> None:
    """Comments, mutations, both, or none."""
    assert seen(bob, kinds=kinds) == (versions, len(versions))


@pytest.mark.parametrize(
    ("limit", "offset", "versions"),
    [
        (None, 0, [9, 8, 5, 4, 3, 2, 1]),
        (None, 5, [2, 1]),
        (2, 0, [9, 8]),
        (2, 1, [8, 5]),
        (2, 6, [1]),
        (2, 7, []),
        (0, 0, []),
        (10**30, 10**30, []),
        (10**30, 0, [9, 8, 5, 4, 3, 2, 1]),
    ],
)
def test_a_page_of_the_feed(limit: int | None, offset: int, versions: list[int]) -> None:
    """Kheops API 14, rule 45: the total does not depend on the page."""
    assert seen(bob, limit=limit, offset=offset) == (versions, 7)


@pytest.mark.parametrize(
    ("before", "versions", "total"),
    [(10, [9, 8], 7), (8, [5, 4], 5), (7, [5, 4], 5), (2, [1], 1), (1, [], 0), (0, [], 0)],
)
def test_a_page_before_a_version(before: int, versions: list[int], total: int) -> None:
    """It is the same however many entries come after; the total is that of the entries before."""
    assert seen(bob, limit=2, before=before) == (versions, total)


@pytest.mark.parametrize(
    ("after", "limit", "versions"),
    [(0, 2, [1, 2]), (3, 2, [4, 5]), (5, None, [8, 9]), (9, 2, [])],
)
def test_what_came_after_a_version_is_oldest_first(
    after: int, limit: int | None, versions: list[int]
) -> None:
    """As who follows the album reads it; the total is that of what came since."""
    came = [version for version in [1, 2, 3, 4, 5, 8, 9] if version > after]
    assert seen(bob, after=after, limit=limit) == (versions, len(came))


@pytest.mark.parametrize(
    "query",
    [{"limit": -1}, {"offset": -1}, {"after": -1}, {"before": -1}, {"offset": 1, "after": 1}],
)
def test_a_negative_page_is_refused(query: dict[str, int]) -> None:
    """Before anything is read."""
    with pytest.raises(Invalid) as refused:
        FeedQuery(**query)  # type: ignore[arg-type]
    assert refused.value.field == next(iter(query))


def test_the_album_status_tells_what_holds_now() -> None:
    """Kheops API 14, rules 28, 32 and 33: of members, report providers, tokens and series."""
    album = folded(
        Album(),
        [
            OPEN,
            BOB_IN,
            CAROL_ADMIN,
            MemberRemoved(bob),
            CT_IN,
            SeriesRemoved(CT_IN.study_uid, S1),
            SCRIBE_IN,
            ReportProviderEdited(SCRIBE, "Pen", "u"),
            ReportProviderDeleted(SCRIBE),
            issued(),
        ],
    )
    assert album_status_of(album) == AlbumStatus(
        {alice: True, carol: True},
        {SCRIBE: ReportProviderStatus("Pen", is_removed=True)},
        {KEY: "Scanner 2"},
        frozenset({S2}),
    )
    assert album_status_of(Album()) == AlbumStatus()


def test_a_plain_member_stands_as_such() -> None:
    """Absent is who is no member; a member is there, with what he is."""
    assert album_status_of(folded(Album(), [OPEN, BOB_IN])).admins == {alice: True, bob: False}


def test_a_page_that_was_passed_on_is_the_same() -> None:
    """From one process to another, with all that it tells."""
    history = [RecordedEvent("album-A1", 1, Act(ALICE, START), OPEN)]
    entries, total = select(history, None, FeedQuery())
    page = FeedPage(entries, total, AlbumStatus({alice: True}))
    assert pickle.loads(pickle.dumps(page)) == page
    assert hash(pickle.loads(pickle.dumps(entries))) == hash(entries)
