"""Headers of JPEG images: the attributes that an instance needs, whatever the bytes are."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.dicom.jpeg import JpegHeader, coded_size, jpeg_header
from support.dicom_files import jpeg_of

BASELINE, EXTENDED, LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57))
ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("content", "expected", "photometric"),
    [
        (jpeg_of(), JpegHeader(3, 5, 3, 8, False, BASELINE), "YBR_FULL_422"),
        (jpeg_of(samples=1), JpegHeader(3, 5, 1, 8, False, BASELINE), "MONOCHROME2"),
        (jpeg_of(before=ADOBE_RGB), JpegHeader(3, 5, 3, 8, True, BASELINE), "RGB"),
        (
            jpeg_of(before=b"\xff\xe0\x00\x04ab\xff"),
            JpegHeader(3, 5, 3, 8, False, BASELINE),
            "YBR_FULL_422",
        ),
        (jpeg_of(before=b"\xff\x01"), JpegHeader(3, 5, 3, 8, False, BASELINE), "YBR_FULL_422"),
        (
            jpeg_of(512, 600, samples=1, bits=12, frame=0xC1),
            JpegHeader(512, 600, 1, 12, False, EXTENDED),
            "MONOCHROME2",
        ),
        (jpeg_of(frame=0xC3), JpegHeader(3, 5, 3, 8, False, LOSSLESS), "RGB"),
    ],
)
def test_a_header(content: bytes, expected: JpegHeader, photometric: str) -> None:
    """Size, components, bits and process are those of the frame."""
    found = jpeg_header(BytesIO(content))
    assert found == expected
    assert found.photometric_interpretation == photometric


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n",
        jpeg_of(rows=0),
        jpeg_of(samples=4),
        jpeg_of(frame=0xC2),  # progressive: no transfer syntax has it
        jpeg_of(before=b"\xff\xda\x00\x02"),  # a scan before any frame
        b"\xff\xd8" + b"\xff" * 5000,
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 5000,
        jpeg_of()[:6],
    ],
)
def test_no_header(content: bytes) -> None:
    """What is no image of a process that DICOM has is none, in bounded time."""
    assert jpeg_header(BytesIO(content)) is None


SIZE = bytes((0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 1))
"""9 columns and 7 rows of the reference grid, of which the first 2 and the first one are not in the image."""


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (jpeg_of(65535, 7), (65535, 7)),
        (jpeg_of(frame=0xC2), (3, 5)),
        (jpeg_of(frame=0xF7), (3, 5)),
        (jpeg_of(before=b"\xff\xff\xff\xd0\xff\xc4\x00\x04ab"), (3, 5)),
        (b"\xff\x4f\xff\x51\x00\x29\x00\x00" + SIZE, (6, 7)),
        (bytes(100) + b"\xff\x4f\xff\x51\x00\x29\x00\x00" + SIZE, (6, 7)),
        (b"\xff\x4f\xff\x51", (0, 0)),
        (jpeg_of(before=b"\xff\xda\x00\x02"), None),
        (b"\xff\xd8" + b"\xff\xe0\x00\x02" * 5000, None),
        (b"\xff\xd8\xff", None),
        (b"\xff\xd8" + bytes(20), None),
        (bytes(64), None),
    ],
)
def test_the_size_that_a_frame_says_it_has(frame: bytes, expected: tuple[int, int] | None) -> None:
    """Of every process of JPEG, of JPEG-LS, and of JPEG 2000 with and without boxes; others do not say it."""
    assert coded_size(frame) == expected


@given(st.integers(0, 30), st.binary(max_size=4))
def test_any_damage_is_a_header_or_none(place: int, damage: bytes) -> None:
    """No bytes raise an error."""
    content = bytearray(jpeg_of(before=ADOBE_RGB))
    content[place : place + len(damage)] = damage
    found = jpeg_header(BytesIO(bytes(content)))
    assert found is None or found.rows > 0
