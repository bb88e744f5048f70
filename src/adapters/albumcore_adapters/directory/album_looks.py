"""Up to which event each user has looked at an album, so that what is new since can be marked."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from albumcore.ids import AlbumId, UserId
from albumcore_adapters.sql.database import Database, rows_of


@frozen
class AlbumLooks:
    """The newest version of each album that a user has seen on its page."""

    database: Database

    def of(self, user: UserId) -> Mapping[AlbumId, int]:
        """The versions that a user has looked at, by album."""
        select = "SELECT album_id, version FROM directory_album_look WHERE sub = ?"
        rows = rows_of(self.database, select, user)
        return {AlbumId(row["album_id"]): row["version"] for row in rows}

    def record(self, user: UserId, album: AlbumId, version: int) -> None:
        """Record that a user has looked at an album up to a version; an earlier one changes nothing."""
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_album_look (sub, album_id, version) VALUES (?, ?, ?)"
                " ON CONFLICT (sub, album_id) DO UPDATE SET version = excluded.version"
                " WHERE excluded.version > directory_album_look.version",
                (user, album, version),
            )
