"""Forgetting: the rows of the directory that say something about a person, a patient or a study are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from albumcore.ids import PatientId, StudyUID, UserId
from albumcore.text import is_text
from albumcore_adapters.directory.accounts import ACCOUNT_PREFIX
from albumcore_adapters.directory.stored_instances import (
    DICOM_PATIENT,
    IN_PACS,
    INSTANCE_STREAM,
    KEY_VERSION,
)
from albumcore_adapters.sql.database import Cursor, Parameter, number_changed
from albumcore_adapters.store.sealing import KEYS_TABLE

_OF_PERSON = (
    "DELETE FROM directory_person WHERE pid = ?",
    f"DELETE FROM directory_account WHERE '{ACCOUNT_PREFIX}' || id = ?",  # noqa: S608
    "DELETE FROM directory_inbox WHERE sub = ?",
    "DELETE FROM directory_claim WHERE place = 'inbox:' || ?",
    "DELETE FROM directory_bringer WHERE sub = ?",
    "DELETE FROM directory_token_floor WHERE sub = ?",
    "DELETE FROM directory_session WHERE subject = ?",
    "DELETE FROM directory_album_look WHERE sub = ?",
    "DELETE FROM directory_token_use WHERE token_id IN"
    " (SELECT token_id FROM capability_token_row WHERE creator = ?)",
    # What they claimed for albums stays claimed, by an unknown user. One such claim is enough.
    "DELETE FROM directory_claim WHERE claimed_by = ? AND EXISTS (SELECT 1 FROM directory_claim AS other"
    " WHERE other.place = directory_claim.place AND other.study_uid = directory_claim.study_uid"
    " AND other.series_uid = directory_claim.series_uid AND other.claimed_by = '')",
    "UPDATE directory_claim SET claimed_by = '' WHERE claimed_by = ?",
)
"""Statements that forget a person, each by their user id."""

_STUDY = (
    "description",
    "date",
    "time",
    "timezone_offset",
    "accession_number",
    "referring_physician_name",
    "patient_name",
    "patient_id",
    "patient_birth_date",
    "patient_sex",
    "study_id",
)
_SERIES = ("modality", "description", "number", "body_part")
_ATTRIBUTES = "attributes <> '{}'"


_OF_STUDY = "series_uid IN (SELECT series_uid FROM directory_series WHERE study_uid = ?)"
_OF_STORED_INSTANCES = (
    f"DELETE FROM {KEYS_TABLE} WHERE version = {KEY_VERSION} AND stream IN"  # noqa: S608
    f" (SELECT '{INSTANCE_STREAM}' || sop_instance_uid FROM directory_stored_instance WHERE {_OF_STUDY})",
    f"DELETE FROM directory_stored_instance WHERE blob = '{IN_PACS}' AND {_OF_STUDY}",  # noqa: S608
    f"DELETE FROM directory_pacs_series WHERE {_OF_STUDY}",  # noqa: S608
    "UPDATE directory_stored_instance SET digest = NULL, transfer_syntax = NULL, pixels = NULL,"  # noqa: S608
    f" stored_at = NULL WHERE digest IS NOT NULL AND {_OF_STUDY}",
    f"DELETE FROM directory_header WHERE {_OF_STUDY}",  # noqa: S608
    f"DELETE FROM directory_thumbnail WHERE {_OF_STUDY}",  # noqa: S608
)
"""Statements that forget the stored instances of a study, each by its StudyInstanceUID."""


def forget_person(cursor: Cursor, user: UserId) -> int:
    """Delete the rows about a user, and return how many there were. Events go on naming them by their user id."""
    return _changed(cursor, [(text, [user]) for text in _OF_PERSON])


def forget_patient(cursor: Cursor, patient: PatientId) -> int:
    """Delete a patient, or one who was deleted and could be restored, and return how many rows there were.

    The id is never given to another one.
    """
    return _changed(
        cursor,
        [
            ("DELETE FROM directory_patient WHERE id = ?", [patient]),
            ("DELETE FROM directory_deleted_patient WHERE id = ?", [patient]),
        ],
    )


def forget_study(cursor: Cursor, study_uid: StudyUID) -> int:
    """Delete what the catalogue says of a study, the keys of its instances, and what was made of their bytes.

    Study and series stay as placeholders: albums and inboxes refer to them by UID. Of each instance whose bytes are
    stored, a row stays that says which blob is to be removed; none of those whose bytes are in an existing archive.

    Returns:
        How many rows were deleted or emptied.
    """
    instances = (
        "DELETE FROM directory_instance WHERE series_uid IN"
        " (SELECT series_uid FROM directory_series WHERE study_uid = ?)"
    )
    series = f"UPDATE directory_series SET {_without(_SERIES)}, instances = 0, populated = 0"  # noqa: S608
    study = f"UPDATE directory_study SET {_without(_STUDY)}"  # noqa: S608
    return _changed(
        cursor,
        [
            *((statement, [study_uid]) for statement in _OF_STORED_INSTANCES),
            (instances, [study_uid]),
            (f"{series} WHERE study_uid = ? AND ({_says(_SERIES)} OR populated = 1)", [study_uid]),
            (f"{study} WHERE study_uid = ? AND ({_says(_STUDY)})", [study_uid]),
        ],
    )


def instances_in_pacs(cursor: Cursor, study_uid: StudyUID) -> int:
    """The number of instances of a study whose bytes are in an existing archive."""
    select = f"SELECT count(*) AS number FROM directory_stored_instance WHERE blob = '{IN_PACS}' AND {_OF_STUDY}"  # noqa: S608
    cursor.execute(select, (study_uid,))
    return int(cursor.fetchall()[0]["number"])


def last_stored(cursor: Cursor, study_uid: StudyUID) -> datetime | None:
    """When an instance of a study was stored last (UTC), of those whose bytes are stored here; None if there are none.

    One whose time is missing counts as none.
    """
    select = (
        "SELECT max(stored_at) AS stored_at FROM directory_stored_instance"  # noqa: S608
        f" WHERE digest IS NOT NULL AND blob <> '{IN_PACS}' AND {_OF_STUDY}"
    )
    cursor.execute(select, (study_uid,))
    last = cursor.fetchall()[0]["stored_at"]
    return None if last is None else datetime.fromisoformat(last)


def studies_of_patient(cursor: Cursor, dicom_patient_id: str) -> list[StudyUID]:
    """The studies whose PatientID, (0010,0020), is this one, by UID; also those with only an instance that has it.

    An empty text is the PatientID of no study.
    """
    if not dicom_patient_id or not is_text(dicom_patient_id):
        return []
    cursor.execute(
        "SELECT study_uid FROM directory_study WHERE patient_id = ?"  # noqa: S608
        " UNION SELECT series.study_uid FROM directory_series AS series"
        " JOIN directory_stored_instance AS stored ON stored.series_uid = series.series_uid"
        f" JOIN {KEYS_TABLE} AS sealed ON stored.sop_instance_uid = substr(sealed.stream, {len(INSTANCE_STREAM) + 1})"
        " WHERE sealed.subject = ?"
        " UNION SELECT series.study_uid FROM directory_series AS series"
        " JOIN directory_stored_instance AS stored ON stored.series_uid = series.series_uid"
        " WHERE stored.dicom_patient_id = ? ORDER BY study_uid",
        (dicom_patient_id, DICOM_PATIENT + dicom_patient_id, dicom_patient_id),
    )
    return [StudyUID(row["study_uid"]) for row in cursor.fetchall()]


def _without(columns: Sequence[str]) -> str:
    return ", ".join([*(f"{column} = NULL" for column in columns), "attributes = '{}'"])


def _says(columns: Sequence[str]) -> str:
    return " OR ".join([*(f"{column} IS NOT NULL" for column in columns), _ATTRIBUTES])


def _changed(cursor: Cursor, statements: Sequence[tuple[str, Sequence[Parameter]]]) -> int:
    number = 0
    for text, values in statements:
        cursor.execute(text, values)
        number += number_changed(cursor)
    return number
