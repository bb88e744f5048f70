"""Claims: series that a place holds on the word of users alone (Kheops API 4.2 and 14, rule 53).

Any user may put a series that is not there yet into an inbox or an album: they name its UID, and that is all they
show. Such a holding is a claim. It keeps a place for the series, and what the images say of it later is not shown
through it, until one of those whose word it is brings images of the series, or the series comes to the place from
one that holds it in truth.

A holding without a row here is held in truth. Rows are written before the holding they are of, or in its transaction,
and stay when it ends: whatever is put there again writes anew what it rests on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NewType

from attrs import frozen

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.directory._instances import place as place_series
from albumcore_adapters.sql.database import Cursor, Database, Row, select_in

Place = NewType("Place", str)
"""An album or an inbox, as a place that holds series."""

UNKNOWN = UserId("")
"""Whose word a claim is that was made through the token of an album: those who have the token are not known."""


@frozen
class Held:
    """A series of a study in a place."""

    place: Place
    study: StudyUID
    series: SeriesUID


Claimed = Mapping[Held, bool]
"""Holdings that rest on claims alone, and whether each shows its study as long as no series of that has images."""


def album_place(album_id: str) -> Place:
    """The album, as a place."""
    return Place(f"album:{album_id}")


def inbox_place(sub: str) -> Place:
    """The inbox of a user, as a place."""
    return Place(f"inbox:{sub}")


_OF_ONE = "place = ? AND study_uid = ? AND series_uid = ?"
_INSERT = (
    "INSERT INTO directory_claim (place, study_uid, series_uid, claimed_by, shows_study) {}"
    " ON CONFLICT DO NOTHING"
)
_MAKE = _INSERT.format("VALUES (?, ?, ?, ?, ?)")
_JOIN = _INSERT.format(
    "SELECT place, study_uid, series_uid, ?, ? FROM directory_claim"  # noqa: S608
    f" WHERE {_OF_ONE} LIMIT 1"
)
_COPY = _INSERT.format(
    "SELECT ?, study_uid, series_uid, claimed_by, shows_study FROM directory_claim"  # noqa: S608
    f" WHERE {_OF_ONE}"
)
_END = f"DELETE FROM directory_claim WHERE {_OF_ONE}"  # noqa: S608
_BRING = "INSERT INTO directory_bringer (series_uid, sub) VALUES (?, ?) ON CONFLICT DO NOTHING"
_CLAIMS = (
    "SELECT place, study_uid, series_uid, max(shows_study) AS shows_study"
    " FROM directory_claim AS claim WHERE {} IN (:values) GROUP BY place, study_uid, series_uid"
    " HAVING max(CASE WHEN EXISTS (SELECT 1 FROM directory_bringer AS bringer"
    " WHERE bringer.series_uid = claim.series_uid AND bringer.sub = claim.claimed_by)"
    " THEN 1 ELSE 0 END) = 0"
)
_BY_SERIES, _BY_PLACE = _CLAIMS.format("series_uid"), _CLAIMS.format("place")


@frozen
class Claims:
    """Which of the series in albums and inboxes are there on claims alone."""

    database: Database

    def make(
        self,
        held: Held,
        claimed_by: UserId,
        *,
        is_new: bool,
        is_first: bool = False,
        may_show: bool = False,
    ) -> None:
        """Note that a place holds a series, or is about to, on the word of a user.

        A place that holds the series in truth goes on doing so. The claim shows the study if it is the first that was
        ever heard of that, or if it may show it.

        Args:
            held: The place, the study and the series, which becomes a placeholder where it is not known.
            claimed_by: The sub of the user, or `UNKNOWN`.
            is_new: Whether the place does not hold the series yet.
            is_first: Whether no place is seen to hold the study.
            may_show: Whether the user could have put the study there from a place that shows it.

        Raises:
            SeriesOfOtherStudy: the series has images of another study.
        """
        where = (held.place, held.study, held.series)
        with self.database.transaction(commit=True) as cursor:
            is_new_study = place_series(cursor, {(held.study, held.series)})
            shows = int(may_show or (is_first and is_new_study))
            if is_new:
                cursor.execute(_END, where)
                cursor.execute(_MAKE, (*where, claimed_by, shows))
            else:
                cursor.execute(_JOIN, (claimed_by, shows, *where))

    def pass_on(
        self,
        source: Place,
        target: Place,
        study: StudyUID,
        series: Collection[SeriesUID],
        new: Collection[SeriesUID],
    ) -> None:
        """Note that a place is given series of a study that another one holds.

        What the source holds in truth, the target holds in truth as well. What is a claim there is one of the same
        users here, unless the target holds the series in truth already.

        Args:
            source: Where the series are taken from.
            target: Where they are put.
            study: The study that they are held under.
            series: All of them.
            new: Those that the target does not hold yet.
        """
        if source == target or not self._concern(series, (source, target)):
            return
        with self.database.transaction(commit=True) as cursor:
            # Changes nothing, but makes the transaction begin with a write: it waits for its turn.
            cursor.execute("DELETE FROM directory_claim WHERE 1 = 0")
            mere = claims_on(cursor, series, (source,))
            for uid in series:
                there = (target, study, uid)
                is_claim = Held(source, study, uid) in mere
                if uid in new or not is_claim:
                    cursor.execute(_END, there)
                if uid in new and is_claim:
                    cursor.execute(_COPY, (target, source, study, uid))

    def _concern(self, series: Iterable[SeriesUID], places: Collection[Place]) -> bool:
        select = "SELECT DISTINCT place FROM directory_claim WHERE series_uid IN (:values)"
        with self.database.transaction(commit=False) as cursor:
            return any(row["place"] in places for row in select_in(cursor, select, series))

    def of(self, series: Iterable[SeriesUID], places: Collection[Place] | None = None) -> Claimed:
        """Return the holdings of some series that are but claims, in some places or in all."""
        with self.database.transaction(commit=False) as cursor:
            return claims_on(cursor, series, places)

    def at(self, places: Iterable[Place]) -> Claimed:
        """Return all holdings in some places that are but claims."""
        with self.database.transaction(commit=False) as cursor:
            return _claimed(select_in(cursor, _BY_PLACE, places))


def claims_on(
    cursor: Cursor, series: Iterable[SeriesUID], places: Collection[Place] | None = None
) -> Claimed:
    """Return the holdings of some series that are but claims, in some places or in all."""
    found = _claimed(select_in(cursor, _BY_SERIES, series))
    return {held: shows for held, shows in found.items() if places is None or held.place in places}


def _claimed(rows: Iterable[Row]) -> Claimed:
    return {
        Held(row["place"], row["study_uid"], row["series_uid"]): bool(row["shows_study"])
        for row in rows
    }


def bring(cursor: Cursor, sub: str, homes: Collection[tuple[StudyUID, SeriesUID]]) -> None:
    """Note that a user brings images of series: their word is good, and what is in their inbox is no claim."""
    cursor.executemany(_BRING, [(uid, sub) for _, uid in homes])
    cursor.executemany(_END, [(inbox_place(sub), *home) for home in homes])
