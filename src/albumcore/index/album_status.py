"""The status of an album for a page of its feed, present or past, from index rows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from albumcore.albums.report_providers import ReportProviderDeleted
from albumcore.albums.studies import SeriesRemoved, StudyRemoved
from albumcore.feed import AlbumStatus, FeedPage, ReportProviderStatus
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    ReportProviderId,
    UserId,
)
from albumcore.index.postings import (
    MEMBERSHIP,
    Choice,
    member_term,
    provider_term,
    series_term,
)
from albumcore.index.rows import (
    CapabilityTokenRow,
    Index,
    MemberRow,
    ProviderRow,
    R,
    SeriesRow,
    Where,
)
from albumcore.kernel import STORED, RecordedEvent, shown_text, stored_name
from albumcore.streams import album_stream

_REMOVING = {stored_name(cls).name for cls in (StudyRemoved, SeriesRemoved)}
"""The stored names of the mutations about a series after which it is not in the album."""


def album_status_now(index: Index, album_id: AlbumId, page: FeedPage) -> AlbumStatus:
    """The present status of the people and things that a page of an album's feed names."""
    in_album = {"album_id": album_id}
    providers, tokens = page.through

    def rows(
        kind: type[R], column: str, named: Collection[Any], where: Where = in_album
    ) -> list[R]:
        return index.rows(kind, {**where, column: named}) if named else []

    found: dict[str, Any] = {
        "admins": {row.sub: row.is_admin for row in rows(MemberRow, "sub", page.users)},
        "providers": {
            row.provider_id: ReportProviderStatus(row.name, row.is_removed)
            for row in rows(ProviderRow, "provider_id", providers)
        },
        "tokens": {
            row.token_id: row.title
            for row in rows(
                CapabilityTokenRow,
                "token_id",
                tokens,
                {"stream": album_stream(album_id).name},
            )
        },
        "series": frozenset(row.series_uid for row in rows(SeriesRow, "series_uid", page.series)),
    }
    return AlbumStatus(**found)


def album_status_then(
    index: Index,
    album_id: AlbumId,
    version: int,
    viewer: UserId,
    page: FeedPage,
    read: Callable[[Any], RecordedEvent[Any]],
) -> AlbumStatus:
    """The status as of a version of a viewer, and of the people and things that a page up to that version names.

    The cost does not grow with the album, which must not be deleted: the posting lists go with it.

    Args:
        index: The index rows.
        album_id: The album.
        version: The version.
        viewer: The viewer.
        page: The page.
        read: Reads a stored event.
    """
    stream = album_stream(album_id).name
    providers, tokens = page.through
    members = {member_term(user): user for user in (viewer, *page.users)}
    in_album = {series_term(uid): uid for uid in page.series}
    last = index.latest(stream, [*members, *in_album], version)
    admins = {
        user: MEMBERSHIP[STORED[last[term][1]]] for term, user in members.items() if term in last
    }
    where = {"stream": stream, "token_id": tokens}
    titles = index.rows(CapabilityTokenRow, where) if tokens else []
    return AlbumStatus(
        {user: is_admin for user, is_admin in admins.items() if is_admin is not None},
        {one: _provider_then(index, stream, version, one, read) for one in providers},
        # A title never changes.
        {CapabilityTokenId(row.token_id): row.title for row in titles},
        frozenset(
            uid for term, uid in in_album.items() if term in last and last[term][1] not in _REMOVING
        ),
    )


def _provider_then(
    index: Index,
    stream: str,
    version: int,
    provider_id: ReportProviderId,
    read: Callable[[Any], RecordedEvent[Any]],
) -> ReportProviderStatus:
    about = Choice(((provider_term(provider_id),),), is_simple=True)
    # The last event has its name, or the one before: a provider is deleted once.
    found, _ = index.feed_page(stream, [about], (0, version), 2, 0)
    events = [read(one).event for one in found]
    is_removed = isinstance(events[0], ReportProviderDeleted)
    return ReportProviderStatus(shown_text(events[1 if is_removed else 0].name), is_removed)
