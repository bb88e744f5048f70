"""Stores of a release that knew nothing of claims: what they hold without images is noted as claimed, once."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.directory import (
    Catalogue,
    Database,
    Held,
    Inbox,
    album_place,
    claims,
    columns_of,
    inbox_place,
)
from adapters.store import StoreError
from albumcore import Albumcore, FeedQuery, Kind
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import MemberRow, SeriesRow

_IMPORTS = frozenset({"IMPORT_STUDY", "IMPORT_SERIES", "NEW_REPORT"})


def begin_claims(database: Database, albums: Albumcore) -> None:
    """Note the claims of a store that is opened for the first time since there are claims; do nothing in any other.

    A series without images was put where it is on somebody's word: on that of the inbox's user, or of the user who
    imported it into the album last. Until images come, it shows what it has shown before.
    """
    if _has_table(database, "directory_series") and not _has_table(database, "directory_claim"):
        claims.begin(database, list(_holdings(database, albums)))


def _holdings(database: Database, albums: Albumcore) -> Iterator[tuple[Held, UserId]]:
    placeholders = Catalogue(database).placeholders()
    for sub, study, uid in Inbox(database).held(placeholders):
        yield Held(inbox_place(sub), study, uid), sub
    for row in albums.index.rows(SeriesRow, {"series_uid": placeholders}):
        album, uid = AlbumId(row.album_id), SeriesUID(row.series_uid)
        held = Held(album_place(album), StudyUID(row.study_uid), uid)
        yield held, _importer(albums, album, uid)


def _importer(albums: Albumcore, album: AlbumId, series: SeriesUID) -> UserId:
    member = albums.index.rows(MemberRow, {"album_id": album})[0].sub
    wanted = FeedQuery(frozenset({Kind.MUTATION}), limit=1, mutations=_IMPORTS, series={series})
    [entry] = albums.feed(album, UserId(member), wanted).entries
    return entry.author


def _has_table(database: Database, name: str) -> bool:
    try:
        with database.transaction(commit=False) as cursor:
            return bool(columns_of(cursor, name))
    except StoreError:
        return False
