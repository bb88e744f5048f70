"""DICOM files as they are stored: the ones that pydicom brings along, and what reads them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pydicom.data
from attrs import frozen

from albumcore.ids import UserId
from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.blobs.sealed_drafts import SealedDraft
from albumcore_adapters.decoding import DecoderFailed, Header, NotAnInstance
from albumcore_adapters.directory.stored_instances import NewInstance, StoredInstances
from albumcore_adapters.service import Service

FOLDER = Path(str(pydicom.data.__file__)).parent
"""Where pydicom has its files."""


@cache
def pydicom_files() -> tuple[Path, ...]:
    """The files that pydicom brings along, and that are instances or look like them, by path."""
    return tuple(
        sorted(path for path in FOLDER.rglob("*") if path.is_file() and ".py" not in path.suffix)
    )


def pydicom_file(name: str) -> bytes:
    """The content of one of these files."""
    [path] = [one for one in pydicom_files() if one.name == name]
    return path.read_bytes()


@frozen
class StoredFile:
    """A file that was stored as an instance.

    Attributes:
        path: The address of the instance in the API, without a root.
        content: The file.
        header: What its header says.
    """

    path: str
    content: bytes
    header: Header


def store_file(
    service: Service, owner: UserId | None, content: bytes, *, with_header: bool = True
) -> StoredFile:
    """Store a file as an instance, in the inbox of a user if there is one.

    Raises:
        NotAnInstance, DecoderFailed: it is none.
    """
    draft = SealedDraft.of(service.blobs)
    draft.write(content)
    draft.finish()
    try:
        header = service.instance_reader.decoder.header(draft)
    except (NotAnInstance, DecoderFailed):
        draft.discard()
        raise
    digest, blob = draft.digest, draft.commit()
    record = header.record
    service.catalogue.store([record], owner=owner)
    with service.database.transaction(commit=True) as cursor:
        StoredInstances(service.database).add(
            cursor,
            [
                NewInstance(
                    record.sop_instance_uid,
                    record.series_uid,
                    text_value(record.study, "00100020") or "",
                    blob,
                    digest,
                    len(content),
                    header.transfer_syntax,
                    None if header.pixels is None else header.pixels.to_json().decode(),
                    header.json if with_header else None,
                )
            ],
            service.clock(),
        )
    series = f"/studies/{record.study_uid}/series/{record.series_uid}"
    return StoredFile(f"{series}/instances/{record.sop_instance_uid}", content, header)


@frozen
class _Bytes:
    """Bytes in memory as a byte source."""

    content: bytes

    @property
    def length(self) -> int:
        return len(self.content)

    def read(self, start: int, stop: int) -> bytes:
        return self.content[start:stop]


def store_pydicom_files(service: Service, owner: UserId) -> Iterator[StoredFile]:
    """Store every one of pydicom's files that is an instance; of those with one UID the first."""
    known = set()
    for path in pydicom_files():
        content = path.read_bytes()
        try:
            header = service.instance_reader.decoder.header(_Bytes(content))
        except (NotAnInstance, DecoderFailed):
            continue
        if header.record.sop_instance_uid not in known:
            known.add(header.record.sop_instance_uid)
            yield store_file(service, owner, content)
