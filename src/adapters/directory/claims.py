"""Claims: series that a place holds on somebody's word alone (Kheops API 4.2 and 14, rule 53).

Any user may put a series that is not there yet into an inbox or an album: they name its UID, and that is all they
show. Such a holding is a claim. It keeps a place for the series, and what the images say of it later is not shown
through it, until the user whose word it was brings images of the series, or the series comes to the place from one
that holds it in truth. A holding without a row here is no claim.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NewType

from attrs import frozen

from adapters.directory._database import Cursor, Database, Row, is_storable, select_in
from albumcore.ids import SeriesUID, UserId

Place = NewType("Place", str)
"""An album or an inbox, as a place that holds series."""

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS directory_claim (
        place TEXT NOT NULL,
        series_uid TEXT NOT NULL,
        claimed_by TEXT NOT NULL,
        shows_study INTEGER NOT NULL,
        PRIMARY KEY (place, series_uid)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS directory_claim_series ON directory_claim (series_uid)",
)

Claimed = Mapping[tuple[Place, SeriesUID], bool]
"""The claims among some holdings, and whether each shows its study as long as no series of that has images."""


def album_place(album_id: str) -> Place:
    """The album, as a place."""
    return Place(f"album:{album_id}")


def inbox_place(sub: str) -> Place:
    """The inbox of a user, as a place."""
    return Place(f"inbox:{sub}")


_MAKE = (
    "INSERT INTO directory_claim (place, series_uid, claimed_by, shows_study) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (place, series_uid) DO UPDATE"
    " SET claimed_by = excluded.claimed_by, shows_study = excluded.shows_study"
)
_SETTLE = (
    "DELETE FROM directory_claim WHERE place = ? AND series_uid = ? AND NOT EXISTS"
    " (SELECT 1 FROM directory_claim AS there WHERE there.place = ?"
    " AND there.series_uid = directory_claim.series_uid)"
)
_COPY = (
    "INSERT INTO directory_claim (place, series_uid, claimed_by, shows_study)"
    " SELECT ?, series_uid, claimed_by, shows_study FROM directory_claim"
    " WHERE place = ? AND series_uid = ?"
    " ON CONFLICT (place, series_uid) DO UPDATE"
    " SET claimed_by = excluded.claimed_by, shows_study = excluded.shows_study"
)
_BY_SERIES = (
    "SELECT place, series_uid, shows_study FROM directory_claim WHERE series_uid IN (:values)"
)
_BY_PLACE = "SELECT place, series_uid, shows_study FROM directory_claim WHERE place IN (:values)"


@frozen
class Claims:
    """Which of the series in albums and inboxes are there on a claim."""

    database: Database

    def make(
        self, place: Place, series_uid: SeriesUID, claimed_by: str, *, shows_study: bool
    ) -> None:
        """Note that a place holds a series, or is about to, on the word of a user.

        Args:
            place: The album or inbox.
            series_uid: SeriesInstanceUID, (0020,000E).
            claimed_by: The sub of the user.
            shows_study: Whether the claim shows the study while no series of it has images.
        """
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(_MAKE, (place, series_uid, claimed_by, int(shows_study)))

    def pass_on(
        self,
        source: Place,
        target: Place,
        series_uids: Collection[SeriesUID],
        new: Collection[SeriesUID],
    ) -> None:
        """Note that a place is given series that another one holds.

        What the source holds in truth, the target holds in truth as well; what is a claim there is a claim of the
        same user here, unless the target has held the series before.

        Args:
            source: Where the series are taken from.
            target: Where they are put.
            series_uids: All of them.
            new: Those that the target does not hold yet.
        """
        concerned = {uid for _, uid in self.of(series_uids, (source, target))}
        if source == target or not concerned:
            return
        with self.database.transaction(commit=True) as cursor:
            cursor.executemany(_SETTLE, [(target, uid, source) for uid in sorted(concerned)])
            cursor.executemany(
                _COPY, [(target, source, uid) for uid in sorted(concerned & set(new))]
            )

    def of(
        self, series_uids: Iterable[SeriesUID], places: Collection[Place] | None = None
    ) -> Claimed:
        """Return the claims on some series, in some places or in all."""
        with self.database.transaction(commit=False) as cursor:
            return claims_on(cursor, series_uids, places)

    def at(self, places: Iterable[Place]) -> Claimed:
        """Return all claims in some places."""
        with self.database.transaction(commit=False) as cursor:
            return _claimed(select_in(cursor, _BY_PLACE, places))


def claims_on(
    cursor: Cursor, series_uids: Iterable[SeriesUID], places: Collection[Place] | None = None
) -> Claimed:
    """Return the claims on some series, in some places or in all."""
    found = _claimed(select_in(cursor, _BY_SERIES, series_uids))
    return {one: shows for one, shows in found.items() if places is None or one[0] in places}


def _claimed(rows: Iterable[Row]) -> Claimed:
    return {(row["place"], row["series_uid"]): bool(row["shows_study"]) for row in rows}


def begin(database: Database, holdings: Iterable[tuple[Place, SeriesUID, UserId]]) -> None:
    """Create the tables in a store that is older than they are, together with the claims that it holds.

    Args:
        database: The store.
        holdings: Where each is, the series, and the user whose word it is; they show what they have shown before.
    """
    rows = [(place, uid, sub, 1) for place, uid, sub in holdings]
    with database.transaction(commit=True) as cursor:
        for statement in TABLES:
            cursor.execute(statement)
        cursor.executemany(_MAKE, rows)


def make_good(cursor: Cursor, sub: str, series_uids: Iterable[SeriesUID]) -> None:
    """Note that a user has brought images of series: what they claimed, and what is in their inbox, is no claim now."""
    cursor.executemany(
        "DELETE FROM directory_claim WHERE series_uid = ? AND (claimed_by = ? OR place = ?)",
        [(uid, sub, inbox_place(sub)) for uid in series_uids if is_storable(uid)],
    )
