"""Media types by magic numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from albumcore_adapters.blobs.media_types import sniff

BMP = b"BM" + (58).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"GIF87a\x01\0\x01\0", "image/gif"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"RIFF\x0a\x0d\x00\x00WEBPVP8 ", "image/webp"),
        (BMP + b"\x28\0\0\0", "image/bmp"),
        (BMP + b"\x7c\0\0\0", "image/bmp"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (b"II+\0\x08\0\0\0", "image/tiff"),
        (b"MM\0+\0\x08\0\0", "image/tiff"),
        (bytes(128) + b"DICM", "application/dicom"),
        (b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_sniff_of_a_known_start(content: bytes, media_type: str) -> None:
    """Each format is recognized by its first bytes, and only by all of them."""
    assert sniff(content) == media_type
    assert sniff(content + b"\n rest") == media_type
    assert sniff(b" " + content) == "application/octet-stream"


@pytest.mark.parametrize(
    "content",
    [b"", b"BM", b"BMI tables of the clinic", b"RIFF1234WAVE", b"GIF88a", b"ABCDEFG", b"\xff\xd8"],
)
def test_sniff_of_an_unknown_start(content: bytes) -> None:
    """Content of no known format is application/octet-stream, also if it begins similarly."""
    assert sniff(content) == "application/octet-stream"


def test_sniff_of_dicom_with_a_preamble_of_another_format() -> None:
    """A DICOM file whose preamble is that of a TIFF file is DICOM (PS3.10 section 7.1)."""
    assert sniff(b"II*\0".ljust(128, b"\0") + b"DICM") == "application/dicom"


def test_sniff_of_a_real_dicom_file() -> None:
    """A file of pydicom's test data is recognized as DICOM."""
    path = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(path, str)
    assert sniff(Path(path).read_bytes()) == "application/dicom"
