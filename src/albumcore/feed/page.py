"""A page of a feed, with the present status of the people and things named on it (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from albumcore.albums import Album
from albumcore.albums.comments import CommentWithdrawn
from albumcore.feed.entries import Entry, entry, with_withdrawn
from albumcore.feed.query import FeedQuery, matches
from albumcore.feed.visibility import visible_to
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)
from albumcore.kernel import RecordedEvent, shown_text


@frozen
class ReportProviderStatus:
    """Present name of a report provider, and whether it was removed."""

    name: str
    is_removed: bool


@frozen
class AlbumStatus:
    """Present status of an album, independent of the time of the entries shown with it.

    Attributes:
        admins: For each member, whether they are an admin.
        providers: The report providers, deleted ones included.
        tokens: Titles of the album's capability tokens.
        series: The series in the album.
    """

    admins: Mapping[UserId, bool] = field(factory=dict)
    providers: Mapping[ReportProviderId, ReportProviderStatus] = field(factory=dict)
    tokens: Mapping[CapabilityTokenId, str] = field(factory=dict)
    series: frozenset[SeriesUID] = frozenset()


@frozen
class FeedPage:
    """One page of a feed, newest entry first; with `FeedQuery.after`, oldest first.

    Attributes:
        entries: The entries of the page.
        total: How many entries the query selects for this viewer, on all pages.
        album_status: Present status of those named on the page; it may have more than these.
    """

    entries: tuple[Entry, ...]
    total: int
    album_status: AlbumStatus = AlbumStatus()

    @property
    def through(self) -> tuple[frozenset[ReportProviderId], frozenset[CapabilityTokenId]]:
        """The report providers that are named on the page, and the capability tokens."""
        sources = [one.recorded.act.source for one in self.entries]
        providers = {source.report_provider for source in sources}
        providers.update([one.provider_id for one in self.entries])
        tokens = {source.capability_token for source in sources}
        return (
            frozenset([one for one in providers if one is not None]),
            frozenset([one for one in tokens if one is not None]),
        )

    @property
    def users(self) -> frozenset[UserId]:
        """The users who are named on the page."""
        named = (sub for one in self.entries for sub in (one.author, one.target))
        return frozenset(sub for sub in named if sub is not None)

    @property
    def studies(self) -> frozenset[StudyUID]:
        """The studies that entries of the page are about."""
        return frozenset(one.study_uid for one in self.entries if one.study_uid is not None)

    @property
    def series(self) -> frozenset[SeriesUID]:
        """The series that entries of the page are about."""
        return frozenset(uid for one in self.entries for uid in one.series_uids)


def album_status_of(album: Album) -> AlbumStatus:
    """The status of an album, from its state."""
    return AlbumStatus(
        {user: member.is_admin for user, member in album.members.items()},
        {
            provider_id: ReportProviderStatus(shown_text(provider.name), provider.is_removed)
            for provider_id, provider in album.report_providers.items()
        },
        {token_id: shown_text(token.title) for token_id, token in album.capability_tokens.items()},
        frozenset(uid for series in album.studies.values() for uid in series),
    )


def select(
    history: Iterable[RecordedEvent[Any]], viewer: UserId | None, query: FeedQuery
) -> tuple[tuple[Entry, ...], int]:
    """One page of a history as a viewer sees it, and the number of entries selected in all.

    The newest entry is the first, or with `FeedQuery.after` the oldest one.

    It reads the whole history, and is used for the past. The index gives the same page of the present without that.
    """
    recorded = tuple(history)
    selected = [
        one
        for one in map(entry, recorded)
        if one is not None
        and one.recorded.version > (query.after or 0)
        and (query.before is None or one.recorded.version < query.before)
        and matches(query, one)
        and visible_to(viewer, one)
    ]
    if query.after is None:
        selected.reverse()
    end = None if query.limit is None else query.offset + query.limit
    page = with_withdrawn(selected[query.offset : end], withdrawn_by(recorded))
    return page, len(selected)


def withdrawn_by(history: Iterable[RecordedEvent[Any]]) -> frozenset[int]:
    """The versions of the comments that a history withdraws."""
    return frozenset(
        one.event.version for one in history if isinstance(one.event, CommentWithdrawn)
    )
