"""Which form a client gets, of those that it accepts."""

from __future__ import annotations

import pytest

from albumcore_adapters.http.dicomweb.choosing import Representation, frame_choice
from albumcore_adapters.http.dicomweb.media_ranges import media_ranges
from albumcore_adapters.http.dicomweb.zip_download import prefers_zip

EXPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
AS_STORED = Representation("image/jpeg", JPEG, False, True)
DECODED = Representation("application/octet-stream", EXPLICIT, True, True)


@pytest.mark.parametrize(
    ("accept", "is_place_known", "expected"),
    [
        ("image/jpeg, multipart/related", True, AS_STORED),
        ("image/jpeg", True, None),
        ("multipart/related", False, DECODED),
        ("multipart/related; type=image/jpeg", False, None),
        ("multipart/related; type=image/jpeg, multipart/related; type=*/*", False, DECODED),
    ],
)
def test_several_frames(accept: str, is_place_known: bool, expected: Representation | None) -> None:
    """They come in parts; decoded, if their places in the file are not known."""
    ranges = media_ranges(accept)
    found = frame_choice(ranges, JPEG, is_alone=False, is_place_known=is_place_known)
    assert found == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/zip", True),
        ("image/png, application/zip", True),
        ("application/zip; q=0.5, multipart/related", False),
        ("application/dicom, application/zip", False),
        ("*/*", False),
        ("image/png", False),
    ],
)
def test_an_archive_has_to_be_named(accept: str, expected: bool) -> None:
    """And preferred to the files in parts."""
    assert prefers_zip(media_ranges(accept)) is expected
