"""Which series an existing archive (PACS) has from this service.

An archive may have images that are in no album and no inbox. A series of those is nothing that a user may add to, or
see by adding to it. So a series is noted here before its first image is sent to the archive, if the archive has none
of it.
"""

from __future__ import annotations

from attrs import frozen

from albumcore.ids import SeriesUID
from albumcore_adapters.sql.database import Database, rows_of


@frozen
class PacsSeries:
    """The series that the archive has from this service, or that the catalogue knows images of."""

    database: Database

    def knows(self, series_uid: SeriesUID) -> bool:
        """Whether the series is one of these."""
        select = (
            "SELECT series_uid FROM directory_pacs_series WHERE series_uid = ? UNION"
            " SELECT series_uid FROM directory_series WHERE series_uid = ? AND populated = 1"
        )
        return any(True for _ in rows_of(self.database, select, series_uid, series_uid))

    def note(self, series_uid: SeriesUID) -> None:
        """Note that images of a series are sent to the archive, which has none."""
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_pacs_series (series_uid) VALUES (?) ON CONFLICT DO NOTHING",
                (series_uid,),
            )
