"""Instances with their bytes, as an upload stores them, without reading any DICOM."""

from __future__ import annotations

from datetime import UTC, datetime

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.blobs import Blobs
from albumcore_adapters.blobs.sealed_blobs import SealedBlob
from albumcore_adapters.blobs.sealed_drafts import SealedDraft
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.stored_instances import (
    NewInstance,
    StoredInstances,
    Thumbnail,
)
from albumcore_adapters.sql.database import Database

STUDY, SERIES = StudyUID("1.3.7"), SeriesUID("1.3.7.1")
SYNTAX = "1.2.840.10008.1.2.1"


def store_instance(
    database: Database,
    blobs: Blobs,
    uid: str,
    content: bytes,
    *,
    study_uid: StudyUID = STUDY,
    series_uid: SeriesUID = SERIES,
    dicom_patient_id: str = "MRN 7",
    patient_name: str = "Doe^Jane",
    owner: UserId | None = None,
    at: datetime = datetime(2026, 3, 1, tzinfo=UTC),
) -> SealedBlob:
    """Store an instance with its bytes, a header with the name, and a thumbnail of its series with the bytes."""
    draft = SealedDraft.of(blobs)
    draft.write(content)
    draft.finish()
    digest, blob = draft.digest, draft.commit()
    study = {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": patient_name}]},
        "00100020": {"vr": "LO", "Value": [dicom_patient_id]},
    }
    Catalogue(database).store(
        [InstanceRecord(study_uid, series_uid, uid, study, {}, {})], owner=owner
    )
    instance = NewInstance(
        *(uid, series_uid, dicom_patient_id, blob, digest, len(content), SYNTAX),
        pixels=f'{{"of": "{patient_name}"}}',
        header=f'{{"00100010": "{patient_name}"}}'.encode(),
    )
    stored = StoredInstances(database)
    with database.transaction(commit=True) as cursor:
        stored.add(cursor, [instance], at)
    stored.put_thumbnail(series_uid, Thumbnail("image/png", content[:1000]))
    return blob
