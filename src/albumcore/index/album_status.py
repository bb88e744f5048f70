"""The status of an album for a page of its feed, present or past, from index rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from albumcore.albums.report_providers import ReportProviderDeleted
from albumcore.albums.studies import SeriesRemoved, StudyRemoved
from albumcore.feed import AlbumStatus, Entry, ReportProviderStatus
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
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
from albumcore.kernel import STORED, RecordedEvent, stored_name
from albumcore.streams import album_stream

_REMOVING = {stored_name(cls).name for cls in (StudyRemoved, SeriesRemoved)}
"""The stored names of the mutations about a series after which it is not in the album."""


def album_status_now(index: Index, album_id: AlbumId, entries: Iterable[Entry]) -> AlbumStatus:
    """The present status of the people and things that entries of an album's feed name."""
    subs, series, providers, tokens = _named_in(entries)
    in_album = {"album_id": album_id}

    def rows(kind: type[R], column: str, named: set[Any], where: Where = in_album) -> list[R]:
        return index.rows(kind, {**where, column: named}) if named else []

    found: dict[str, Any] = {
        "admins": {row.sub: row.is_admin for row in rows(MemberRow, "sub", subs)},
        "providers": {
            row.provider_id: ReportProviderStatus(row.name, row.is_removed)
            for row in rows(ProviderRow, "provider_id", providers)
        },
        "tokens": {
            row.token_id: row.title
            for row in rows(
                CapabilityTokenRow, "token_id", tokens, {"stream": album_stream(album_id).name}
            )
        },
        "series": frozenset(row.series_uid for row in rows(SeriesRow, "series_uid", series)),
    }
    return AlbumStatus(**found)


def album_status_then(
    index: Index,
    album_id: AlbumId,
    version: int,
    entries: Iterable[Entry],
    read: Callable[[Any], RecordedEvent[Any]],
) -> AlbumStatus:
    """The status as of a version of the people and things that entries up to that version name.

    The cost does not grow with the album, which must not be deleted: the posting lists go with it.

    Args:
        index: The index rows.
        album_id: The album.
        version: The version.
        entries: The entries.
        read: Reads a stored event.
    """
    stream = album_stream(album_id).name
    subs, series, providers, tokens = _named_in(entries)
    terms = {series_term(uid): uid for uid in series}
    latest = index.latest(stream, terms, version) if terms else {}
    where = {"stream": stream, "token_id": tokens}
    titles = index.rows(CapabilityTokenRow, where) if tokens else []
    return AlbumStatus(
        admins_then(index, album_id, version, subs),
        {one: _provider_then(index, stream, version, one, read) for one in providers},
        # A title never changes.
        {CapabilityTokenId(row.token_id): row.title for row in titles},
        frozenset(terms[term] for term, (_, name) in latest.items() if name not in _REMOVING),
    )


def _named_in(
    entries: Iterable[Entry],
) -> tuple[set[UserId], set[SeriesUID], set[ReportProviderId], set[CapabilityTokenId]]:
    """The users, series, report providers and capability tokens that entries name."""
    subs: set[UserId] = set()
    series: set[SeriesUID] = set()
    providers: set[ReportProviderId] = set()
    tokens: set[CapabilityTokenId] = set()
    for one in entries:
        source = one.recorded.act.source
        subs.add(source.user)
        subs.update([one.target] if one.target else ())
        series.update(one.series_uids)
        providers.update(name for name in (one.provider_id, source.report_provider) if name)
        tokens.update([source.capability_token] if source.capability_token else ())
    return subs, series, providers, tokens


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
    return ReportProviderStatus(events[1 if is_removed else 0].name, is_removed)


def admins_then(
    index: Index, album_id: AlbumId, version: int, users: Collection[UserId]
) -> Mapping[UserId, bool]:
    """Those of some users who were members as of a version, each with whether they were an admin."""
    terms = {member_term(user): user for user in users}
    found = index.latest(album_stream(album_id).name, terms, version) if terms else {}
    after = {terms[term]: MEMBERSHIP[STORED[name]] for term, (_, name) in found.items()}
    return {user: is_admin for user, is_admin in after.items() if is_admin is not None}
