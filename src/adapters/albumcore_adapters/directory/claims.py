"""Claims: holdings of series that no image confirms (Kheops API 4.2 and 14, rule 53).

Any user may put an unknown series into an inbox or an album by naming its UID. Such a holding is a *claim* of that
user. It shows nothing of the images of the series until it is *confirmed*: one of its claimants imports images of the
series, or the series is put there from a holder whose holding is confirmed.

A holding without a row here is confirmed. Rows are written in the transaction of the holding or before it, and remain
when the holding ends; a new holding replaces them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NewType, TypeAlias

from attrs import frozen

from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore_adapters.directory.instances import place_series
from albumcore_adapters.sql.database import Cursor, Database, Row, rows_of, select_in

Holder = NewType("Holder", str)
"""What holds series: an album or an inbox."""

UNKNOWN_USER = UserId("")
"""The claimant of a claim made through the capability token of an album, whose bearer is not known."""


@frozen
class Holding:
    """A series of a study in an album or inbox."""

    holder: Holder
    study: StudyUID
    series: SeriesUID


Claimed: TypeAlias = Mapping[Holding, bool]
"""Claims that are not confirmed, and whether each shows its study while no series of that study has images."""


def album_holder(album_id: str) -> Holder:
    """Return the holder of an album."""
    return Holder(f"album:{album_id}")


def album_held_by(holder: Holder) -> AlbumId | None:
    """Return the album that a holder is; None for an inbox."""
    kind, _, key = holder.partition(":")
    return AlbumId(key) if kind == "album" else None


def inbox_holder(user: UserId) -> Holder:
    """Return the holder of a user's inbox."""
    return Holder(f"inbox:{user}")


_ONE = "place = ? AND study_uid = ? AND series_uid = ?"
_INSERT = (
    "INSERT INTO directory_claim (place, study_uid, series_uid, claimed_by, shows_study) {}"
    " ON CONFLICT DO NOTHING"
)
_CLAIM = _INSERT.format("VALUES (?, ?, ?, ?, ?)")
_JOIN = _INSERT.format(
    "SELECT place, study_uid, series_uid, ?, ? FROM directory_claim"  # noqa: S608
    f" WHERE {_ONE} LIMIT 1"
)
_COPY = _INSERT.format(
    "SELECT ?, study_uid, series_uid, claimed_by, shows_study FROM directory_claim"  # noqa: S608
    f" WHERE {_ONE}"
)
_CONFIRM = f"DELETE FROM directory_claim WHERE {_ONE}"  # noqa: S608
_IMPORTED_BY = (
    "INSERT INTO directory_bringer (series_uid, sub) VALUES (?, ?) ON CONFLICT DO NOTHING"
)
_CLAIMS = (
    "SELECT place, study_uid, series_uid, max(shows_study) AS shows_study"
    " FROM directory_claim AS claim WHERE {} IN (:values) GROUP BY place, study_uid, series_uid"
    " HAVING max(CASE WHEN EXISTS (SELECT 1 FROM directory_bringer AS bringer"
    " WHERE bringer.series_uid = claim.series_uid AND bringer.sub = claim.claimed_by)"
    " THEN 1 ELSE 0 END) = 0"
)
_BY_SERIES, _BY_HOLDER = _CLAIMS.format("series_uid"), _CLAIMS.format("place")


@frozen
class SeriesClaims:
    """The claims in albums and inboxes."""

    database: Database

    def add(
        self,
        holding: Holding,
        claimed_by: UserId,
        *,
        is_new: bool,
        is_first: bool = False,
        may_show: bool = False,
    ) -> None:
        """Record that a user claims a holding that exists or is about to. A confirmed holding stays confirmed.

        An unknown series is added to the catalogue as a placeholder. The claim shows its study if the study is new to
        the catalogue and to all holders, or if ``may_show`` is true.

        Args:
            holding: The holding.
            claimed_by: The user, or `UNKNOWN_USER`.
            is_new: Whether the holder does not hold the series yet.
            is_first: Whether no holder visibly holds the study.
            may_show: Whether the user could have put the study there from a holder that shows it.

        Raises:
            SeriesOfOtherStudy: the series has images of another study.
        """
        where = (holding.holder, holding.study, holding.series)
        with self.database.transaction(commit=True) as cursor:
            is_new_study = place_series(cursor, {(holding.study, holding.series)})
            shows = int(may_show or (is_first and is_new_study))
            if is_new:
                cursor.execute(_CONFIRM, where)
                cursor.execute(_CLAIM, (*where, claimed_by, shows))
            else:
                cursor.execute(_JOIN, (claimed_by, shows, *where))

    def propagate(
        self,
        source: Holder,
        target: Holder,
        study: StudyUID,
        series: Collection[SeriesUID],
        new: Collection[SeriesUID],
    ) -> None:
        """Record that series of a study are put from one holder into another.

        A confirmed holding of the source confirms that of the target. A claim of the source becomes a claim of the
        same users in the target, if the series is new there.

        Args:
            source: The holder they are taken from.
            target: The holder they are put into.
            study: The study of the holdings.
            series: All of the series.
            new: Those that the target does not hold yet.
        """
        if source == target or not self._concern(series, (source, target)):
            return
        with self.database.transaction(commit=True) as cursor:
            # Changes nothing, but the transaction then begins with a write and waits for the write lock.
            cursor.execute("DELETE FROM directory_claim WHERE 1 = 0")
            claims = claims_on_series(cursor, series, (source,))
            for uid in series:
                there = (target, study, uid)
                is_claim = Holding(source, study, uid) in claims
                if uid in new or not is_claim:
                    cursor.execute(_CONFIRM, there)
                if uid in new and is_claim:
                    cursor.execute(_COPY, (target, source, study, uid))

    def confirm(
        self,
        holder: Holder,
        series: Collection[tuple[StudyUID, SeriesUID]],
        sent_by: UserId | None,
    ) -> None:
        """Record that images of series, given with their studies, are put into a holder.

        It confirms the holdings of this holder, and all claims of the user who sends the images, if they are known.
        """
        with self.database.transaction(commit=True) as cursor:
            cursor.executemany(_CONFIRM, [(holder, *one) for one in series])
            if sent_by is not None:
                confirm_by_import(cursor, sent_by, series)

    def has_brought(self, user: UserId, series: SeriesUID) -> bool:
        """Whether a user has sent or imported images of a series."""
        select = "SELECT 1 FROM directory_bringer WHERE series_uid = ? AND sub = ?"
        return bool(rows_of(self.database, select, series, user))

    def _concern(self, series: Iterable[SeriesUID], holders: Collection[Holder]) -> bool:
        select = "SELECT DISTINCT place FROM directory_claim WHERE series_uid IN (:values)"
        with self.database.transaction(commit=False) as cursor:
            return any(row["place"] in holders for row in select_in(cursor, select, series))

    def on_series(
        self, series: Iterable[SeriesUID], holders: Collection[Holder] | None = None
    ) -> Claimed:
        """Return the claims on these series, in all holders or in some."""
        with self.database.transaction(commit=False) as cursor:
            return claims_on_series(cursor, series, holders)

    def in_holders(self, holders: Iterable[Holder]) -> Claimed:
        """Return the claims in these holders."""
        with self.database.transaction(commit=False) as cursor:
            return _claimed(select_in(cursor, _BY_HOLDER, holders))


def claims_on_series(
    cursor: Cursor, series: Iterable[SeriesUID], holders: Collection[Holder] | None = None
) -> Claimed:
    """Return the claims on these series in a transaction, in all holders or in some."""
    found = _claimed(select_in(cursor, _BY_SERIES, series))
    return {
        holding: shows
        for holding, shows in found.items()
        if holders is None or holding.holder in holders
    }


def _claimed(rows: Iterable[Row]) -> Claimed:
    return {
        Holding(row["place"], row["study_uid"], row["series_uid"]): bool(row["shows_study"])
        for row in rows
    }


def confirm_by_import(
    cursor: Cursor, user: UserId, series: Collection[tuple[StudyUID, SeriesUID]]
) -> None:
    """Record that a user imports images of series: it confirms their claims on them, and the holdings of their inbox.

    Args:
        cursor: The transaction of the import.
        user: The user.
        series: The series with their studies.
    """
    cursor.executemany(_IMPORTED_BY, [(uid, user) for _, uid in series])
    cursor.executemany(_CONFIRM, [(inbox_holder(user), *one) for one in series])
