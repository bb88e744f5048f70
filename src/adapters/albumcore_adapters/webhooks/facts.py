"""What the catalogue knows of a study and series that are told of, in the words of the contract (Kheops API 11)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore_adapters.directory import album_place, claims_on
from albumcore_adapters.directory.dicom_json import text
from albumcore_adapters.sql.database import Cursor, Database, select_in

Json = dict[str, Any]

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


def populated(
    cursor: Cursor, album_id: AlbumId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> set[SeriesUID]:
    """Those of some series of a study of which an album may be told more than their UIDs.

    They have images, and the album holds them on more than a claim.
    """
    rows = list(select_in(cursor, _POPULATED, series_uids))
    claimed = claims_on(cursor, [row["series_uid"] for row in rows], {album_place(album_id)})
    known = {row["series_uid"] for row in rows if row["study_uid"] == study_uid}
    return known - {one.series for one in claimed if one.study == study_uid}


def study_facts(
    database: Database, album_id: AlbumId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> tuple[Json, list[Json]]:
    """What an album is told of a study and of series of it, which stay in their order; what is unknown has no key.

    Anybody may claim a series that is not there yet, of any study. That alone tells nothing: of a study of
    which none of these series is `populated` for the album, there is the UID and nothing else. So it is with a
    series of another study.
    """
    with database.transaction(commit=False) as cursor:
        wanted = tuple(series_uids)
        told = populated(cursor, album_id, study_uid, wanted)
        known = {
            row["series_uid"]: _series(dict(row))
            for row in select_in(cursor, _SERIES, sorted(told))
        }
        study: Json = {"study_uid": study_uid}
        if known:
            cursor.execute(_STUDY, (study_uid,))
            study |= _present(dict(cursor.fetchone() or ()))
    return study, [known.get(uid, {"series_uid": uid}) for uid in wanted]


def _series(row: Json) -> Json:
    attributes = json.loads(row.pop("attributes"))
    return _present({**row, "time_zone_offset_from_utc": text(attributes, "00080201")})


def _present(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None}
