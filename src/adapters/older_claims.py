"""Stores of a release that knew nothing of claims: what they hold without images is noted as claimed, once."""

from __future__ import annotations

from adapters.directory import Catalogue, Claims, Inbox, Place, album_place, inbox_place
from albumcore import Albumcore, FeedQuery, Kind
from albumcore.ids import AlbumId, SeriesUID, UserId
from albumcore.index import MemberRow, SeriesRow

_IMPORTS = frozenset({"IMPORT_STUDY", "IMPORT_SERIES", "NEW_REPORT"})


def note_older_claims(
    albums: Albumcore, catalogue: Catalogue, inbox: Inbox, claims: Claims
) -> None:
    """Note the holdings of a store that is opened for the first time since there are claims.

    A series without images was put where it is on somebody's word: on that of the inbox's user, or of the user who
    imported it into the album last. Until images come, it shows what it has shown before.
    """
    if claims.are_noted():
        return
    placeholders = catalogue.placeholders()
    found: list[tuple[Place, SeriesUID, UserId]] = [
        (inbox_place(sub), uid, sub)
        for uid, holders in inbox.held(placeholders).items()
        for sub in holders
    ]
    for row in albums.index.rows(SeriesRow, {"series_uid": placeholders}):
        album, uid = AlbumId(row.album_id), SeriesUID(row.series_uid)
        found.append((album_place(album), uid, _importer(albums, album, uid)))
    claims.note_older(found)


def _importer(albums: Albumcore, album: AlbumId, series: SeriesUID) -> UserId:
    member = albums.index.rows(MemberRow, {"album_id": album})[0].sub
    wanted = FeedQuery(frozenset({Kind.MUTATION}), limit=1, mutations=_IMPORTS, series={series})
    [entry] = albums.feed(album, UserId(member), wanted).entries
    return entry.author
