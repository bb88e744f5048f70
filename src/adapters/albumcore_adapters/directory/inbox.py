"""The inboxes: which series somebody has outside of any album, and which of them are favourites (Kheops API 6, 9).

Nothing about an inbox is an event: the documented API records none of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from attrs import frozen

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.sql.database import (
    Database,
    Row,
    is_storable,
    number_changed,
    rows_of,
    select_in,
)

PUT_IN = (
    "INSERT INTO directory_inbox (sub, study_uid, series_uid) VALUES (?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_OF_ONE = "WHERE sub = ? AND study_uid = ? AND series_uid = ?"


@frozen
class Inbox:
    """The inboxes of everybody. Whose it is is told by ``sub``."""

    database: Database

    def add(self, sub: str, study_uid: StudyUID, series_uids: Iterable[SeriesUID]) -> int:
        """Put known series of one study into somebody's inbox, and tell how many were not there yet.

        A series that is there stays as it is, a favourite or not.
        """
        return self._change(PUT_IN, [(sub, study_uid, uid) for uid in series_uids])

    def remove(self, sub: str, study_uid: StudyUID, series_uids: Iterable[SeriesUID]) -> int:
        """Take series of one study out of somebody's inbox, and tell how many were there.

        They stay wherever else they are; whether they were favourites is forgotten.
        """
        return self._change(
            f"DELETE FROM directory_inbox {_OF_ONE}",  # noqa: S608
            [(sub, study_uid, uid) for uid in series_uids],
        )

    def set_favorites(
        self, sub: str, study_uid: StudyUID, series_uids: Iterable[SeriesUID], *, is_favorite: bool
    ) -> int:
        """Make series in somebody's inbox favourites, or favourites no more.

        Returns:
            How many of them are in the inbox, whatever they were before.
        """
        return self._change(
            f"UPDATE directory_inbox SET favorite = ? {_OF_ONE}",  # noqa: S608
            [(int(is_favorite), sub, study_uid, uid) for uid in series_uids],
        )

    def contents(self, sub: str) -> dict[StudyUID, set[SeriesUID]]:
        """Return every series in somebody's inbox, by study."""
        return _by_study(
            self._rows("SELECT study_uid, series_uid FROM directory_inbox WHERE sub = ?", sub)
        )

    def favorites(self, sub: str) -> dict[StudyUID, set[SeriesUID]]:
        """Return the favourites in somebody's inbox, by study; a study without any is left out."""
        return _by_study(
            self._rows(
                "SELECT study_uid, series_uid FROM directory_inbox WHERE sub = ? AND favorite = 1",
                sub,
            )
        )

    def studies(self, sub: str) -> set[StudyUID]:
        """Return the studies that somebody has at least one series of in the inbox."""
        rows = self._rows("SELECT DISTINCT study_uid FROM directory_inbox WHERE sub = ?", sub)
        return {row["study_uid"] for row in rows}

    def series(self, sub: str, study_uid: StudyUID) -> set[SeriesUID]:
        """Return the series of a study that are in somebody's inbox."""
        rows = self._rows(
            "SELECT series_uid FROM directory_inbox WHERE sub = ? AND study_uid = ?", sub, study_uid
        )
        return {row["series_uid"] for row in rows}

    def holds(self, sub: str, series_uid: SeriesUID) -> bool:
        """Whether the series is in this person's inbox."""
        select = "SELECT 1 FROM directory_inbox WHERE series_uid = ? AND sub = ?"
        return bool(self._rows(select, series_uid, sub))

    def held(self, series_uids: Iterable[SeriesUID]) -> list[tuple[UserId, StudyUID, SeriesUID]]:
        """Return whose inboxes hold some series: the user, the study it is held under, and the series."""
        return self._holdings("series_uid", series_uids)

    def holdings(self, study_uids: Iterable[StudyUID]) -> list[tuple[UserId, StudyUID, SeriesUID]]:
        """Return whose inboxes hold series of some studies: the user, the study and the series."""
        return self._holdings("study_uid", study_uids)

    def _holdings(
        self, column: str, values: Iterable[str]
    ) -> list[tuple[UserId, StudyUID, SeriesUID]]:
        select = (
            f"SELECT sub, study_uid, series_uid FROM directory_inbox WHERE {column} IN (:values)"  # noqa: S608
        )
        with self.database.transaction(commit=False) as cursor:
            rows = select_in(cursor, select, values)
            return [(row["sub"], row["study_uid"], row["series_uid"]) for row in rows]

    def number_of_favorites(self) -> int:
        """Count the favourites in all inboxes; a series counts once for each inbox it is in."""
        [row] = self._rows("SELECT count(*) AS number FROM directory_inbox WHERE favorite = 1")
        number: int = row["number"]
        return number

    def _change(self, statement: str, rows: list[tuple[str | int, ...]]) -> int:
        # A text that no database can hold names no series that is known.
        rows = [row for row in rows if all(is_storable(str(value)) for value in row)]
        with self.database.transaction(commit=True) as cursor:
            cursor.executemany(statement, rows)
            return number_changed(cursor)

    def _rows(self, select: str, *params: str) -> list[Row]:
        return rows_of(self.database, select, *params)


def _by_study(rows: Iterable[Row]) -> dict[StudyUID, set[SeriesUID]]:
    found: defaultdict[StudyUID, set[SeriesUID]] = defaultdict(set)
    for row in rows:
        found[row["study_uid"]].add(row["series_uid"])
    return dict(found)
