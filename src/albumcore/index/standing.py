"""What index rows tell of the people and things named on a page of a feed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from albumcore.feed import Entry, ProviderStanding, Standing
from albumcore.ids import AlbumId, UserId
from albumcore.index.rows import CapabilityTokenRow, Index, MemberRow, ProviderRow, SeriesRow
from albumcore.streams import album_stream


def standing_now(index: Index, album_id: AlbumId, entries: Iterable[Entry]) -> Standing:
    """What holds now of everyone and everything named in some entries of an album's feed."""
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
    rows, in_album = index.rows, {"album_id": album_id}
    return Standing(
        {UserId(row.sub): row.is_admin for row in rows(MemberRow, {**in_album, "sub": subs})},
        cast(
            Any,
            {
                row.provider_id: ProviderStanding(row.name, row.is_removed)
                for row in rows(ProviderRow, {**in_album, "provider_id": providers})
            },
        ),
        cast(
            Any,
            {
                row.token_id: row.title
                for row in rows(
                    CapabilityTokenRow,
                    {"stream": album_stream(album_id).name, "token_id": tokens},
                )
            },
        ),
        cast(
            Any,
            frozenset(
                row.series_uid for row in rows(SeriesRow, {**in_album, "series_uid": series})
            ),
        ),
    )
