"""Media types of image bytes, by their first bytes (magic numbers)."""

from __future__ import annotations

import re

OCTET_STREAM = "application/octet-stream"

# The first match wins. DICOM comes first because its 128-byte preamble may hold the start of
# another format, for instance TIFF (DICOM PS3.10 section 7.1).
_MAGIC = tuple(
    (re.compile(magic, re.DOTALL), media_type)
    for magic, media_type in (
        (rb".{128}DICM", "application/dicom"),
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"RIFF.{4}WEBP", "image/webp"),
        # "BM" alone also matches plain text, so the size of the second header is compared too.
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "image/bmp"),
        (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", "image/tiff"),
        (rb"%PDF-", "application/pdf"),
    )
)


def sniff(content: bytes) -> str:
    """Return the media type of the format that the content begins with, or ``application/octet-stream``."""
    for magic, media_type in _MAGIC:
        if magic.match(content):
            return media_type
    return OCTET_STREAM
