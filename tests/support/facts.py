"""What albums, feeds and index rows say, in the plain words of `support.naive`, so that they can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import asdict, evolve

from albumcore import Album, Albumcore, FeedPage, RecordedEvent, Source
from albumcore.feed import WITHDRAWN, Entry
from albumcore.ids import AlbumId
from albumcore.index import (
    ROWS,
    AlbumRow,
    CapabilityTokenRow,
    Change,
    Drop,
    Enter,
    FeedLaneRow,
    IndexRow,
    MemberRow,
    ProviderRow,
    Put,
    SeriesRow,
    Set,
    changes,
)
from albumcore.kernel import ERASED, shown_text
from albumcore.streams import album_stream
from support.naive import NaiveAlbum
from support.naive_state import ERASED as NAIVELY_ERASED
from support.naive_state import Fact
from support.naive_undo import WITHDRAWN as NAIVELY_WITHDRAWN

PLACEHOLDERS: Mapping[Any, str] = {WITHDRAWN: NAIVELY_WITHDRAWN, ERASED: NAIVELY_ERASED}
"""What the naive model has in the place of a comment that is not shown."""


def facts_of(album: Album) -> Fact:
    """All that an album's state says."""
    return {
        "phase": album.phase.value,
        "name": shown_text(album.name),
        "description": shown_text(album.description),
        "flags": asdict(album.flags),
        "members": {
            user: {
                "admin": member.is_admin,
                "series": member.notification_new_series,
                "comments": member.notification_new_comment,
                "favorite": member.is_favorite,
            }
            for user, member in album.members.items()
        },
        "studies": {study: sorted(series) for study, series in album.studies.items()},
        "favorites": {
            (study, uid)
            for study, series in album.studies.items()
            for uid in series & album.favorites
        },
        "lost favorites": album.favorites.difference(*album.studies.values()),
        "providers": {
            name: {
                "name": shown_text(one.name),
                "url": shown_text(one.url),
                "removed": one.is_removed,
            }
            for name, one in album.report_providers.items()
        },
        "tokens": {
            name: {
                "digest": one.digest,
                "title": shown_text(one.title),
                "creator": one.creator,
                "grants": {grant for grant, given in asdict(one.grants).items() if given},
                "from": one.not_before,
                "until": one.expires_at,
                "revoked by": one.revoked_by,
            }
            for name, one in album.capability_tokens.items()
        },
        "webhooks": {
            name: {
                "name": shown_text(one.name),
                "url": shown_text(one.url),
                "events": [event.value for event in one.events],
                "enabled": one.enabled,
                "secret": one.secret,
            }
            for name, one in album.webhooks.items()
        },
    }


def facts_predicted(naive: NaiveAlbum) -> Fact:
    """All that the naive album says."""
    return {
        "phase": naive.phase,
        "name": naive.name,
        "description": naive.description,
        "flags": naive.flags,
        "members": naive.members,
        "studies": {study: sorted(series) for study, series in naive.studies.items()},
        "favorites": naive.favorites,
        "lost favorites": frozenset(),
        "webhooks": naive.webhooks,
        "providers": naive.providers,
        "tokens": naive.tokens,
    }


def row_facts(store: Albumcore, album_id: AlbumId) -> Fact:
    """What the index rows say of an album."""
    of_album, rows = {"album_id": album_id}, store.index.rows
    stream = {"stream": album_stream(album_id).name}
    return {
        "album": [
            (row.name, row.description, row.last_event_at, _flags_of(row))
            for row in rows(AlbumRow, of_album)
        ],
        "members": {
            row.sub: {
                "admin": row.is_admin,
                "series": row.notification_new_series,
                "comments": row.notification_new_comment,
                "favorite": row.is_favorite,
            }
            for row in rows(MemberRow, of_album)
        },
        "series": {
            (row.study_uid, row.series_uid): row.is_favorite for row in rows(SeriesRow, of_album)
        },
        "providers": {
            row.provider_id: (row.name, row.is_removed) for row in rows(ProviderRow, of_album)
        },
        "tokens": {
            row.token_id: {
                "digest": row.digest,
                "title": row.title,
                "creator": row.creator,
                "until": row.expires_at,
                "revoked": row.is_revoked,
            }
            for row in rows(CapabilityTokenRow, stream)
        },
    }


def _flags_of(row: AlbumRow) -> dict[str, bool]:
    return {flag: getattr(row, flag) for flag in NaiveAlbum().flags}


def row_facts_predicted(naive: NaiveAlbum) -> Fact:
    """What the index rows should say of the naive album."""
    about = (naive.name, naive.description, naive.last_event_at, naive.flags)
    return {
        "album": [about] if naive.phase == "open" else [],
        "members": naive.members,
        "series": {
            (study, uid): (study, uid) in naive.favorites
            for study, series in naive.studies.items()
            for uid in series
        },
        "providers": {name: (one["name"], one["removed"]) for name, one in naive.providers.items()},
        "tokens": {
            name: {
                "digest": one["digest"],
                "title": one["title"],
                "creator": one["creator"],
                "until": one["until"],
                "revoked": one["revoked by"] is not None,
            }
            for name, one in naive.tokens.items()
        },
    }


def fact_of(entry: Entry) -> Fact:
    """All that an entry of a feed says."""
    source: Source = entry.recorded.act.source
    return {
        "kind": entry.kind.value,
        "mutation": entry.type.mutation,
        "at": entry.recorded.at,
        "author": entry.author,
        "token": source.capability_token,
        "provider": source.report_provider,
        "target": entry.target,
        "comment": PLACEHOLDERS.get(entry.comment, entry.comment),
        "study": entry.study_uid,
        "series": list(entry.series_uids),
        "about provider": entry.provider_id,
        "undoes": entry.recorded.act.undoes,
    }


def standing_facts(page: FeedPage) -> list[Fact]:
    """What holds now of everyone and everything named on a page."""
    now, facts = page.album_status, map(fact_of, page.entries)
    return [
        {
            "author": now.admins.get(fact["author"]),
            "target": now.admins.get(fact["target"]),
            "token": now.tokens.get(fact["token"]),
            "providers": [
                (now.providers[name].name, now.providers[name].is_removed)
                for name in (fact["provider"], fact["about provider"])
                if name
            ],
            "series": [uid in now.series for uid in fact["series"]],
        }
        for fact in facts
    ]


def standing_predicted(naive: NaiveAlbum, page: Iterable[Fact]) -> list[Fact]:
    """What should hold now of everyone and everything named on a page of the naive feed."""
    is_admin = {user: member["admin"] for user, member in naive.members.items()}
    present = {uid for series in naive.studies.values() for uid in series}
    return [
        {
            "author": is_admin.get(fact["author"]),
            "target": is_admin.get(fact["target"]),
            "token": naive.tokens[fact["token"]]["title"] if fact["token"] else None,
            "providers": [
                (naive.providers[name]["name"], naive.providers[name]["removed"])
                for name in (fact["provider"], fact["about provider"])
                if name
            ],
            "series": [uid in present for uid in fact["series"]],
        }
        for fact in page
    ]


Rows = dict[type[IndexRow], list[IndexRow]]


def rows_of(store: Albumcore) -> Rows:
    """Every index row that a store keeps."""
    rows: Callable[[Any, Any], list[IndexRow]] = store.index.rows
    return {kind: rows(kind, {}) for kind in ROWS}


def rows_meant(history: Iterable[RecordedEvent[Any]]) -> Rows:
    """Every index row that a history means, carried out change by change on plain lists."""
    rows: Rows = {kind: [] for kind in ROWS}
    for recorded in history:
        for change in changes(recorded):
            _carry_out(rows, change)
    return {
        kind: sorted(found, key=lambda row: [getattr(row, name) for name in row.KEY])
        for kind, found in rows.items()
    }


def _carry_out(rows: Rows, change: Change) -> None:
    match change:
        case Put(row):
            keys = [[getattr(one, name) for name in row.KEY] for one in rows[type(row)]]
            assert [getattr(row, name) for name in row.KEY] not in keys, f"{row} is there already"
            rows[type(row)].append(row)
        case Enter(stream, lanes, version):
            for lane in lanes:
                where = {"stream": stream, "lane": lane}
                others = [one for one in rows[FeedLaneRow] if _matches(one, where)]
                rows[FeedLaneRow].append(FeedLaneRow(stream, lane, version, len(others) + 1))
        case Set(kind, where, values):
            rows[kind] = [
                evolve(row, **values) if _matches(row, where) else row for row in rows[kind]
            ]
        case Drop(kind, where):
            rows[kind] = [row for row in rows[kind] if not _matches(row, where)]


def _matches(row: IndexRow, where: Mapping[str, Any]) -> bool:
    return all(
        getattr(row, name) in value if isinstance(value, tuple) else getattr(row, name) == value
        for name, value in where.items()
    )
