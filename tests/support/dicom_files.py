"""DICOM files for tests, and the messages that they are sent in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.dicom.data_sets import quiet_pydicom

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
BOUNDARY = "0f3cf5c0-70e0-41ef-baef-c6f9f65ec3e1"
RELATED = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def dicom_file(
    study: StudyUID, series: SeriesUID, sop: str, pixels: bytes = b"\0\1" * 32, **attributes: Any
) -> bytes:
    """An instance of 8 by 4 pixels (DICOM PS3.10), with more attributes by keyword; None leaves one out."""
    dataset = Dataset()
    usual = {
        "SOPClassUID": CT_STORAGE,
        "SOPInstanceUID": sop,
        "Modality": "CT",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 4,
        "Columns": 8,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": pixels,
    }
    with quiet_pydicom():
        for keyword, value in (usual | attributes).items():
            if value is not None:
                setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(CT_STORAGE)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = BytesIO()
    with quiet_pydicom():
        dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def message(
    parts: Iterable[bytes | tuple[Sequence[str], bytes]], boundary: str = BOUNDARY
) -> bytes:
    """A message in parts: instances, or contents with lines of header."""
    pieces = []
    for part in parts:
        lines, content = (
            part if isinstance(part, tuple) else (["Content-Type: application/dicom"], part)
        )
        head = "".join(f"{line}\r\n" for line in (f"--{boundary}", *lines))
        pieces.append(head.encode() + b"\r\n" + content + b"\r\n")
    return b"".join((*pieces, f"--{boundary}--".encode()))


def form(files: Iterable[bytes]) -> bytes:
    """A form with a file in each field; the fields are numbered in hexadecimal."""
    return message(
        (
            [
                f'Content-Disposition: form-data; name="{number:x}"; filename="a.dcm"',
                "Content-Type: text/plain",
            ],
            content,
        )
        for number, content in enumerate(files)
    )


def jpeg_of(
    rows: int = 3,
    columns: int = 5,
    samples: int = 3,
    bits: int = 8,
    frame: int = 0xC0,
    before: bytes = b"",
) -> bytes:
    """A JPEG image without its scan: its length is odd. The segments of ``before`` come first."""
    size = rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
    components = b"".join(bytes((number, 0x11, 0)) for number in range(1, samples + 1))
    segment = bytes((bits,)) + size + bytes((samples,)) + components
    length = (len(segment) + 2).to_bytes(2, "big")
    head = b"\xff\xd8" + before + bytes((0xFF, frame)) + length + segment
    return head + b"\xff\xd9" + bytes(1 - len(head) % 2)
