"""The DICOM catalogue: which studies, series and instances there are.

This is where descriptions and what is personal about a study live: events name studies and series
by UID alone. UIDs are taken to be well formed (DICOM PS3.5 section 9.1): they are checked where
they enter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory._instances import InstanceRecord, place, write
from albumcore_adapters.directory.claims import bring
from albumcore_adapters.directory.inbox import PUT_IN
from albumcore_adapters.sql.database import Database, Row, rows_of, select_in

# What has a column is searched, sorted or shown often; the rest is read from the attributes, which
# are kept in the DICOM JSON Model.


@frozen
class SeriesFacts:
    """What albums need to know of a series.

    Attributes:
        modality: Modality, (0008,0060), if known.
        populated: Whether anything but its UIDs is known.
        instances: How many instances of it are in the catalogue.
    """

    study_uid: StudyUID
    modality: str | None
    populated: bool
    instances: int


@frozen
class Catalogue:
    """The studies, series and instances that are known."""

    database: Database

    def store(self, records: Iterable[InstanceRecord], *, owner: str | None = None) -> None:
        """Take up instances, all or none; taking up the same ones again changes nothing.

        Where two instances describe their study or series differently, the later one counts, and
        what it leaves out stays as it was.

        Args:
            records: The instances.
            owner: The sub of the person who brings them. Their series go into this person's inbox in the same
                transaction, and what this person claimed of them is held in truth from then on.

        Raises:
            SeriesOfOtherStudy: a series belongs to another study.
            InstanceOfOtherSeries: an instance belongs to another series.
        """
        records = tuple(records)
        homes = {(record.study_uid, record.series_uid) for record in records}
        with self.database.transaction(commit=True) as cursor:
            place(cursor, homes)
            write(cursor, records)
            if owner is not None:
                cursor.executemany(PUT_IN, [(owner, *home) for home in homes])
                bring(cursor, owner, homes)

    def claim(self, study_uid: StudyUID, series_uid: SeriesUID) -> None:
        """Note a series, as a placeholder that is not populated yet unless it is known.

        Raises:
            SeriesOfOtherStudy: the series belongs to another study.
        """
        with self.database.transaction(commit=True) as cursor:
            place(cursor, {(study_uid, series_uid)})

    def study_exists(self, study_uid: StudyUID) -> bool:
        """Whether the study is known, populated or not."""
        return bool(self._rows("SELECT 1 FROM directory_study WHERE study_uid = ?", study_uid))

    def series_exists(self, series_uid: SeriesUID) -> bool:
        """Whether the series is known, populated or not."""
        return bool(self._rows("SELECT 1 FROM directory_series WHERE series_uid = ?", series_uid))

    def series_of(self, study_uid: StudyUID) -> set[SeriesUID]:
        """Return every known series of a study."""
        rows = self._rows("SELECT series_uid FROM directory_series WHERE study_uid = ?", study_uid)
        return {row["series_uid"] for row in rows}

    def populated(self, study_uids: Iterable[StudyUID]) -> set[tuple[StudyUID, SeriesUID]]:
        """Return the series of some studies that are populated, each with its study."""
        rows = self._rows_in(
            "SELECT study_uid, series_uid FROM directory_series"
            " WHERE study_uid IN (:values) AND populated = 1",
            study_uids,
        )
        return {(row["study_uid"], row["series_uid"]) for row in rows}

    def study_descriptions(self, study_uids: Iterable[StudyUID]) -> dict[StudyUID, str]:
        """Return StudyDescription, (0008,1030), of those studies that have one."""
        rows = self._rows_in(
            "SELECT study_uid, description FROM directory_study"
            " WHERE study_uid IN (:values) AND description IS NOT NULL",
            study_uids,
        )
        return {row["study_uid"]: row["description"] for row in rows}

    def series_descriptions(self, series_uids: Iterable[SeriesUID]) -> dict[SeriesUID, str]:
        """Return SeriesDescription, (0008,103E), of those series that have one."""
        rows = self._rows_in(
            "SELECT series_uid, description FROM directory_series"
            " WHERE series_uid IN (:values) AND description IS NOT NULL",
            series_uids,
        )
        return {row["series_uid"]: row["description"] for row in rows}

    def facts(self, series_uids: Iterable[SeriesUID]) -> dict[SeriesUID, SeriesFacts]:
        """Return the facts of those series that are known."""
        rows = self._rows_in(
            "SELECT series_uid, study_uid, modality, populated, instances FROM directory_series"
            " WHERE series_uid IN (:values)",
            series_uids,
        )
        return {
            row["series_uid"]: SeriesFacts(
                row["study_uid"], row["modality"], bool(row["populated"]), row["instances"]
            )
            for row in rows
        }

    def numbers(self) -> Mapping[str, int]:
        """Count what there is (Kheops API 13.2).

        Returns:
            ``studies``, ``series`` and ``instances``; of the first two also those that are not populated, as
            ``unpopulated_studies`` and ``unpopulated_series``. A study is populated when a series of it is.
        """
        [row] = self._rows(
            "SELECT (SELECT count(*) FROM directory_study) AS studies,"
            " (SELECT count(*) FROM directory_study AS study WHERE NOT EXISTS"
            " (SELECT 1 FROM directory_series AS series"
            " WHERE series.study_uid = study.study_uid AND series.populated = 1))"
            " AS unpopulated_studies,"
            " count(*) AS series,"
            " count(CASE WHEN populated = 0 THEN 1 END) AS unpopulated_series,"
            " coalesce(sum(instances), 0) AS instances FROM directory_series"
        )
        return dict(row)

    def series_in_study_histogram(self) -> list[tuple[int, int]]:
        """Tell how many studies have how many series: pairs of both numbers, by the number of series.

        Series count whether they are populated or not.
        """
        rows = self._rows(
            "SELECT nb_series, count(*) AS nb_studies FROM"
            " (SELECT count(*) AS nb_series FROM directory_series GROUP BY study_uid) AS studies"
            " GROUP BY nb_series ORDER BY nb_series"
        )
        return [(row["nb_series"], row["nb_studies"]) for row in rows]

    def placeholders(self) -> set[SeriesUID]:
        """Return every known series that is not populated."""
        rows = self._rows("SELECT series_uid FROM directory_series WHERE populated = 0")
        return {row["series_uid"] for row in rows}

    def all_series(self) -> set[SeriesUID]:
        """Return every known series, populated or not."""
        return {row["series_uid"] for row in self._rows("SELECT series_uid FROM directory_series")}

    def _rows(self, select: str, *params: str) -> list[Row]:
        return rows_of(self.database, select, *params)

    def _rows_in(self, select: str, values: Iterable[str]) -> list[Row]:
        with self.database.transaction(commit=False) as cursor:
            return list(select_in(cursor, select, values))
