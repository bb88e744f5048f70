"""DICOM attributes of studies and series, by the names that webhook bodies have for them (Kheops API 11)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore.json_object import Json, present
from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.directory.claims import album_holder, claims_on_series
from albumcore_adapters.sql.database import Cursor, Database, select_in

_STUDY = """
    SELECT patient_name, patient_id AS "patient_ID", study_uid, date AS study_date,
        time AS study_time, timezone_offset AS timezone_offset_from_utc,
        description AS study_description, study_id, accession_number,
        referring_physician_name, patient_birth_date, patient_sex
    FROM directory_study WHERE study_uid = ?
"""
_SERIES = """
    SELECT modality, description AS series_description, series_uid,
        instances AS number_of_series_related_instances, number AS series_number,
        body_part AS body_part_examined, attributes
    FROM directory_series WHERE series_uid IN (:values)
"""
_POPULATED = "SELECT series_uid, study_uid FROM directory_series WHERE populated = 1 AND series_uid IN (:values)"


def populated_series(
    cursor: Cursor, album_id: AlbumId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> set[SeriesUID]:
    """Those of the series that have images, belong to the study, and are in the album on more than a claim.

    Of other series an album may be notified by UID alone.
    """
    rows = list(select_in(cursor, _POPULATED, series_uids))
    claimed = claims_on_series(
        cursor, [row["series_uid"] for row in rows], {album_holder(album_id)}
    )
    of_study = {row["series_uid"] for row in rows if row["study_uid"] == study_uid}
    return of_study - {one.series for one in claimed if one.study == study_uid}


def study_metadata(
    database: Database, album_id: AlbumId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> tuple[Json, list[Json]]:
    """The attributes of a study, and of series of it in the given order. Attributes without a value have no key.

    Any user may claim a series that has no images yet, of any study. A claim must not disclose a patient: a series
    that is not `populated_series` has its UID alone, and so has the study if none of the series is.
    """
    wanted = tuple(series_uids)
    with database.transaction(commit=False) as cursor:
        disclosed = populated_series(cursor, album_id, study_uid, wanted)
        found = {
            row["series_uid"]: _series(dict(row))
            for row in select_in(cursor, _SERIES, sorted(disclosed))
        }
        study: Json = {"study_uid": study_uid}
        if found:
            cursor.execute(_STUDY, (study_uid,))
            study |= present(**dict(cursor.fetchone() or ()))
    return study, [found.get(uid, {"series_uid": uid}) for uid in wanted]


def _series(row: Json) -> Json:
    attributes = json.loads(row.pop("attributes"))
    return present(**row, time_zone_offset_from_utc=text_value(attributes, "00080201"))
