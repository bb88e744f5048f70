"""The DICOM catalogue: which studies, series and instances there are, and the inboxes.

This is where descriptions and what is personal about a study live: events name studies and series
by UID alone. UIDs are taken to be well formed (DICOM PS3.5 section 9.1): they are checked where
they enter.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Row

from attrs import frozen

from adapters.directory._database import Database, select_in
from adapters.directory._instances import InstanceRecord, place, write
from albumcore.ids import SeriesUID, StudyUID

# What has a column is searched, sorted or shown often; the rest is read from the attributes, which
# are kept in the DICOM JSON Model.
TABLES = (
    """
    CREATE TABLE IF NOT EXISTS directory_study (
        study_uid TEXT PRIMARY KEY,
        description TEXT,
        date TEXT,
        time TEXT,
        timezone_offset TEXT,
        accession_number TEXT,
        referring_physician_name TEXT,
        patient_name TEXT,
        patient_id TEXT,
        patient_birth_date TEXT,
        patient_sex TEXT,
        study_id TEXT,
        attributes TEXT NOT NULL DEFAULT '{}'
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS directory_series (
        series_uid TEXT PRIMARY KEY,
        study_uid TEXT NOT NULL,
        modality TEXT,
        description TEXT,
        number INTEGER,
        body_part TEXT,
        instances INTEGER NOT NULL DEFAULT 0,
        populated INTEGER NOT NULL DEFAULT 0,
        attributes TEXT NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX IF NOT EXISTS directory_series_study ON directory_series (study_uid)",
    """
    CREATE TABLE IF NOT EXISTS directory_instance (
        sop_instance_uid TEXT PRIMARY KEY,
        series_uid TEXT NOT NULL,
        sop_class_uid TEXT,
        number INTEGER,
        attributes TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS directory_instance_series ON directory_instance (series_uid)",
    """
    CREATE TABLE IF NOT EXISTS directory_inbox (
        sub TEXT NOT NULL,
        study_uid TEXT NOT NULL,
        series_uid TEXT NOT NULL,
        PRIMARY KEY (sub, study_uid, series_uid)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS directory_inbox_series ON directory_inbox (series_uid, sub)",
)

_ADD_TO_INBOX = (
    "INSERT INTO directory_inbox (sub, study_uid, series_uid) VALUES (?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)


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
    """The studies, series and instances that are known, and in whose inbox they are."""

    database: Database

    def store(self, records: Iterable[InstanceRecord], *, owner: str | None = None) -> None:
        """Take up instances, all or none; taking up the same ones again changes nothing.

        Where two instances describe their study or series differently, the later one counts, and
        what it leaves out stays as it was.

        Args:
            records: The instances.
            owner: The sub of a person into whose inbox their series go in the same moment, for a
                series that is in no album and no inbox may be claimed by anyone (Kheops API 14).

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
                cursor.executemany(_ADD_TO_INBOX, [(owner, *home) for home in homes])

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

    def add_to_inbox(self, sub: str, study_uid: StudyUID, series_uids: Iterable[SeriesUID]) -> None:
        """Put known series of one study into somebody's inbox, where they may be already."""
        with self.database.transaction(commit=True) as cursor:
            cursor.executemany(_ADD_TO_INBOX, [(sub, study_uid, uid) for uid in series_uids])

    def inbox_studies(self, sub: str) -> set[StudyUID]:
        """Return the studies that somebody has at least one series of in the inbox."""
        rows = self._rows("SELECT DISTINCT study_uid FROM directory_inbox WHERE sub = ?", sub)
        return {row["study_uid"] for row in rows}

    def inbox_series(self, sub: str, study_uid: StudyUID) -> set[SeriesUID]:
        """Return the series of a study that are in somebody's inbox."""
        rows = self._rows(
            "SELECT series_uid FROM directory_inbox WHERE sub = ? AND study_uid = ?", sub, study_uid
        )
        return {row["series_uid"] for row in rows}

    def in_inbox(self, sub: str, series_uid: SeriesUID) -> bool:
        """Whether the series is in this person's inbox."""
        select = "SELECT 1 FROM directory_inbox WHERE series_uid = ? AND sub = ?"
        return bool(self._rows(select, series_uid, sub))

    def in_any_inbox(self, series_uid: SeriesUID) -> bool:
        """Whether the series is in anybody's inbox."""
        select = "SELECT 1 FROM directory_inbox WHERE series_uid = ? LIMIT 1"
        return bool(self._rows(select, series_uid))

    def _rows(self, select: str, *params: str) -> list[Row]:
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(select, params)
            return cursor.fetchall()

    def _rows_in(self, select: str, values: Iterable[str]) -> list[Row]:
        with self.database.transaction(commit=False) as cursor:
            return list(select_in(cursor, select, values))
