"""What is added to the catalogue of an instance whose header was read."""

from __future__ import annotations

from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.blobs.port import Digest
from albumcore_adapters.blobs.sealed_blobs import SealedBlob
from albumcore_adapters.decoding import Header
from albumcore_adapters.directory.stored_instances import NewInstance

_PATIENT_ID = "00100020"


def new_instance(
    header: Header, digest: Digest, length: int, blob: SealedBlob | None
) -> NewInstance:
    """Return the rows of an instance.

    Args:
        header: Its header.
        digest: SHA-256 of its file.
        length: Length of its file, in bytes.
        blob: Its file, sealed; None if it is in an existing archive.
    """
    record = header.record
    return NewInstance(
        sop_instance_uid=record.sop_instance_uid,
        series_uid=record.series_uid,
        dicom_patient_id=text_value(record.study, _PATIENT_ID) or "",
        blob=blob,
        digest=digest,
        length=length,
        transfer_syntax=header.transfer_syntax,
        pixels=None if header.pixels is None else header.pixels.to_json().decode(),
        header=header.json,
    )
