"""What the catalogue knows of the UIDs of instances, before these are added: their studies, series and files."""

from __future__ import annotations

import json
from collections.abc import Iterable

from attrs import define, field

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import Attributes
from albumcore_adapters.blobs.port import Digest
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.sql.database import select_in


@define
class KnownInstances:
    """What is known of some studies, series and instances.

    Attributes:
        studies: The attributes of each study that has images.
        series: The study and the attributes of each series that has images.
        instances: The series of each instance.
        digests: The SHA-256 of the file of each instance whose bytes are stored.
    """

    studies: dict[StudyUID, Attributes] = field(factory=dict)
    series: dict[SeriesUID, tuple[StudyUID, Attributes]] = field(factory=dict)
    instances: dict[str, SeriesUID] = field(factory=dict)
    digests: dict[str, Digest] = field(factory=dict)

    @classmethod
    def of(cls, stored: StoredInstances, records: Iterable[InstanceRecord]) -> KnownInstances:
        """Look up the UIDs of some records, in one transaction, or in the one that this thread is in."""
        found, records = cls(), list(records)
        sops = [record.sop_instance_uid for record in records]
        with stored.database.transaction(commit=False) as cursor:
            select = (
                "SELECT study_uid, attributes FROM directory_study AS study"
                " WHERE study_uid IN (:values) AND EXISTS (SELECT 1 FROM directory_series AS series"
                " WHERE series.study_uid = study.study_uid AND series.populated = 1)"
            )
            for row in select_in(cursor, select, [record.study_uid for record in records]):
                found.studies[row["study_uid"]] = json.loads(row["attributes"])
            select = (
                "SELECT series_uid, study_uid, attributes FROM directory_series"
                " WHERE series_uid IN (:values) AND populated = 1"
            )
            for row in select_in(cursor, select, [record.series_uid for record in records]):
                attributes = json.loads(row["attributes"])
                found.series[row["series_uid"]] = row["study_uid"], attributes
            select = (
                "SELECT sop_instance_uid, series_uid FROM directory_instance"
                " WHERE sop_instance_uid IN (:values)"
            )
            for row in select_in(cursor, select, sops):
                found.instances[row["sop_instance_uid"]] = row["series_uid"]
            found.digests.update(stored.known_digests(sops, cursor))
        return found

    def learn(self, record: InstanceRecord, digest: Digest) -> None:
        """Add an instance; what is known of its study and series already stays."""
        self.studies.setdefault(record.study_uid, record.study)
        self.series.setdefault(record.series_uid, (record.study_uid, record.series))
        self.instances[record.sop_instance_uid] = record.series_uid
        self.digests[record.sop_instance_uid] = digest
