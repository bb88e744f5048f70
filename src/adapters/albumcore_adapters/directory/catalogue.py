"""The DICOM catalogue: the studies, series and instances that are known.

Descriptions and personal data of studies are here; events refer to studies and series by UID alone. UIDs are valid
(DICOM PS3.5 section 9.1): callers check them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from attrs import frozen

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.base.dicom_matching import date_value
from albumcore_adapters.directory.claims import confirm_by_import
from albumcore_adapters.directory.inbox import PUT_INTO_INBOX
from albumcore_adapters.directory.instances import InstanceRecord, place_series, write_instances
from albumcore_adapters.sql.database import Database, Row, rows_of, select_in

# Attributes that are searched, sorted or returned often have columns; all are stored in the DICOM JSON Model.


@frozen
class CatalogueSeries:
    """A series in the catalogue.

    Attributes:
        study_uid: StudyInstanceUID, (0020,000D).
        modality: Modality, (0008,0060), if known.
        populated: Whether it has instances; otherwise it is a placeholder, of which only the UIDs are known.
        instances: The number of its instances in the catalogue.
    """

    study_uid: StudyUID
    modality: str | None
    populated: bool
    instances: int


@frozen
class Catalogue:
    """The catalogue of studies, series and instances. A series without instances is a *placeholder*."""

    database: Database

    def store(self, records: Iterable[InstanceRecord], *, owner: UserId | None = None) -> None:
        """Store instances in one transaction. Idempotent.

        Where instances have different attributes of their study or series, the later value replaces the earlier one;
        an attribute without a value in the later instance is unchanged.

        Args:
            records: The instances.
            owner: The user who imports them. The same transaction puts the series into their inbox, and
                confirms their claims on them.

        Raises:
            SeriesOfOtherStudy: a series belongs to another study.
            InstanceOfOtherSeries: an instance belongs to another series.
        """
        records = tuple(records)
        homes = {(record.study_uid, record.series_uid) for record in records}
        with self.database.transaction(commit=True) as cursor:
            place_series(cursor, homes)
            write_instances(cursor, records)
            if owner is not None:
                cursor.executemany(PUT_INTO_INBOX, [(owner, *home) for home in homes])
                confirm_by_import(cursor, owner, homes)

    def add_placeholder(self, study_uid: StudyUID, series_uid: SeriesUID) -> None:
        """Add a series as a placeholder, unless it is known.

        Raises:
            SeriesOfOtherStudy: the series belongs to another study.
        """
        with self.database.transaction(commit=True) as cursor:
            place_series(cursor, {(study_uid, series_uid)})

    def study_exists(self, study_uid: StudyUID) -> bool:
        """Whether the study is known, also if all of its series are placeholders."""
        return bool(self._rows("SELECT 1 FROM directory_study WHERE study_uid = ?", study_uid))

    def series_exists(self, series_uid: SeriesUID) -> bool:
        """Whether the series is known, also as a placeholder."""
        return bool(self._rows("SELECT 1 FROM directory_series WHERE series_uid = ?", series_uid))

    def series_of(self, study_uid: StudyUID) -> set[SeriesUID]:
        """Return every series of a study, placeholders included."""
        rows = self._rows("SELECT series_uid FROM directory_series WHERE study_uid = ?", study_uid)
        return {row["series_uid"] for row in rows}

    def populated_series(self, study_uids: Iterable[StudyUID]) -> set[tuple[StudyUID, SeriesUID]]:
        """Return the populated series of these studies, each with its study."""
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

    def study_dates(self, study_uids: Iterable[StudyUID]) -> dict[StudyUID, date]:
        """Return StudyDate, (0008,0020), of those studies that have a valid one."""
        rows = self._rows_in(
            "SELECT study_uid, date FROM directory_study"
            " WHERE study_uid IN (:values) AND date IS NOT NULL",
            study_uids,
        )
        found = {row["study_uid"]: date_value(row["date"]) for row in rows}
        return {uid: day for uid, day in found.items() if day is not None}

    def patient_names(
        self, series_uids: Iterable[SeriesUID]
    ) -> dict[tuple[StudyUID, SeriesUID], str]:
        """Return PatientName, (0010,0010), for those series that are populated, each with its study, and have one."""
        rows = self._rows_in(
            "SELECT study_uid, series_uid, patient_name FROM directory_series"
            " JOIN directory_study USING (study_uid)"
            " WHERE series_uid IN (:values) AND populated = 1 AND patient_name IS NOT NULL",
            series_uids,
        )
        return {(row["study_uid"], row["series_uid"]): row["patient_name"] for row in rows}

    def series_descriptions(self, series_uids: Iterable[SeriesUID]) -> dict[SeriesUID, str]:
        """Return SeriesDescription, (0008,103E), of those series that have one."""
        rows = self._rows_in(
            "SELECT series_uid, description FROM directory_series"
            " WHERE series_uid IN (:values) AND description IS NOT NULL",
            series_uids,
        )
        return {row["series_uid"]: row["description"] for row in rows}

    def series(self, series_uids: Iterable[SeriesUID]) -> dict[SeriesUID, CatalogueSeries]:
        """Return those series that are known, by UID."""
        rows = self._rows_in(
            "SELECT series_uid, study_uid, modality, populated, instances FROM directory_series"
            " WHERE series_uid IN (:values)",
            series_uids,
        )
        return {
            row["series_uid"]: CatalogueSeries(
                row["study_uid"], row["modality"], bool(row["populated"]), row["instances"]
            )
            for row in rows
        }

    def counts(self) -> Mapping[str, int]:
        """Return the numbers of objects (Kheops API 13.2).

        Returns:
            ``studies``, ``series`` and ``instances``; and as ``unpopulated_studies`` and ``unpopulated_series`` the
            placeholders among them. A study is populated if one of its series is.
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
        """Return pairs of a number of series and the number of studies with so many, in ascending order.

        Placeholders count.
        """
        rows = self._rows(
            "SELECT nb_series, count(*) AS nb_studies FROM"
            " (SELECT count(*) AS nb_series FROM directory_series GROUP BY study_uid) AS studies"
            " GROUP BY nb_series ORDER BY nb_series"
        )
        return [(row["nb_series"], row["nb_studies"]) for row in rows]

    def all_series(self) -> set[SeriesUID]:
        """Return every series, placeholders included."""
        return {row["series_uid"] for row in self._rows("SELECT series_uid FROM directory_series")}

    def _rows(self, select: str, *params: str) -> list[Row]:
        return rows_of(self.database, select, *params)

    def _rows_in(self, select: str, values: Iterable[str]) -> list[Row]:
        with self.database.transaction(commit=False) as cursor:
            return list(select_in(cursor, select, values))
