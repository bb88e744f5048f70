"""The inboxes: the series that a user has outside of any album, and their favourites (Kheops API 6 and 9).

Inboxes are plain tables without events: the documented API has no history of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from attrs import frozen

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore.text import is_text
from albumcore_adapters.sql.database import (
    Database,
    Row,
    number_changed,
    rows_of,
    select_in,
)

PUT_INTO_INBOX = (
    "INSERT INTO directory_inbox (sub, study_uid, series_uid) VALUES (?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_ONE = "WHERE sub = ? AND study_uid = ? AND series_uid = ?"


@frozen
class Inbox:
    """The inboxes of all users. The column ``sub`` has the user id."""

    database: Database

    def add(self, user: UserId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]) -> int:
        """Put known series of a study into an inbox; return how many were not there yet.

        A series that is there is unchanged, also as a favourite.
        """
        return self._change(PUT_INTO_INBOX, [(user, study_uid, uid) for uid in series_uids])

    def remove(self, user: UserId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]) -> int:
        """Remove series of a study from an inbox, and with them the favourites; return how many were there."""
        return self._change(
            f"DELETE FROM directory_inbox {_ONE}",  # noqa: S608
            [(user, study_uid, uid) for uid in series_uids],
        )

    def set_favorites(
        self,
        user: UserId,
        study_uid: StudyUID,
        series_uids: Iterable[SeriesUID],
        *,
        is_favorite: bool,
    ) -> int:
        """Add series in an inbox to the favourites, or remove them from the favourites.

        Returns:
            How many of the series are in the inbox, whether changed or not.
        """
        return self._change(
            f"UPDATE directory_inbox SET favorite = ? {_ONE}",  # noqa: S608
            [(int(is_favorite), user, study_uid, uid) for uid in series_uids],
        )

    def contents(self, user: UserId) -> dict[StudyUID, set[SeriesUID]]:
        """Return the series in an inbox, by study."""
        return _by_study(
            self._rows("SELECT study_uid, series_uid FROM directory_inbox WHERE sub = ?", user)
        )

    def favorites(self, user: UserId) -> dict[StudyUID, set[SeriesUID]]:
        """Return the favourites in an inbox, by study, without studies that have none."""
        return _by_study(
            self._rows(
                "SELECT study_uid, series_uid FROM directory_inbox WHERE sub = ? AND favorite = 1",
                user,
            )
        )

    def studies(self, user: UserId) -> set[StudyUID]:
        """Return the studies with at least one series in an inbox."""
        rows = self._rows("SELECT DISTINCT study_uid FROM directory_inbox WHERE sub = ?", user)
        return {row["study_uid"] for row in rows}

    def series(self, user: UserId, study_uid: StudyUID) -> set[SeriesUID]:
        """Return the series of a study in an inbox."""
        rows = self._rows(
            "SELECT series_uid FROM directory_inbox WHERE sub = ? AND study_uid = ?",
            user,
            study_uid,
        )
        return {row["series_uid"] for row in rows}

    def holds(self, user: UserId, series_uid: SeriesUID) -> bool:
        """Whether a series is in an inbox."""
        select = "SELECT 1 FROM directory_inbox WHERE series_uid = ? AND sub = ?"
        return bool(self._rows(select, series_uid, user))

    def held(self, series_uids: Iterable[SeriesUID]) -> list[tuple[UserId, StudyUID, SeriesUID]]:
        """Return the inboxes that hold these series: user, study and series of each holding."""
        return self._holdings("series_uid", series_uids)

    def holdings(self, study_uids: Iterable[StudyUID]) -> list[tuple[UserId, StudyUID, SeriesUID]]:
        """Return the inboxes that hold series of these studies: user, study and series of each holding."""
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

    def _change(self, statement: str, rows: list[tuple[str | int, ...]]) -> int:
        # A text that no database can store is the UID of no series.
        rows = [row for row in rows if all(is_text(str(value)) for value in row)]
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
