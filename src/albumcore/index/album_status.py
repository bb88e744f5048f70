"""The present status of an album for a page of its feed, from index rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from albumcore.feed import AlbumStatus, Entry, ReportProviderStatus
from albumcore.ids import AlbumId
from albumcore.index.rows import (
    CapabilityTokenRow,
    Index,
    MemberRow,
    ProviderRow,
    R,
    SeriesRow,
    Where,
)
from albumcore.streams import album_stream


def album_status_now(index: Index, album_id: AlbumId, entries: Iterable[Entry]) -> AlbumStatus:
    """The present status of the people and things that entries of an album's feed name."""
    subs: set[str] = set()
    series: set[str] = set()
    providers: set[str] = set()
    tokens: set[str] = set()
    for one in entries:
        source = one.recorded.act.source
        subs.add(source.user)
        subs.update([one.target] if one.target else ())
        series.update(one.series_uids)
        providers.update(name for name in (one.provider_id, source.report_provider) if name)
        tokens.update([source.capability_token] if source.capability_token else ())
    in_album = {"album_id": album_id}

    def rows(kind: type[R], column: str, named: set[str], where: Where = in_album) -> list[R]:
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
