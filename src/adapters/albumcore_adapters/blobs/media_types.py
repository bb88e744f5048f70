"""What image bytes are, and how they travel as text.

Media types are told by magic bytes; a text that was sent comes back char for char.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson
import pybase64

from albumcore.errors import Invalid
from albumcore.image_sets.values import Encoding

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
        # "BM" alone would take in plain text; the size of the second header is one of a few.
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "image/bmp"),
        (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", "image/tiff"),
        (rb"%PDF-", "application/pdf"),
    )
)

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BESIDE_BASE64 = "=\r\n"
_BASE64_TEXT = _BASE64 + _BESIDE_BASE64.encode("ascii")


def sniff(content: bytes) -> str:
    """Return the media type that the first bytes show, or ``application/octet-stream``."""
    for magic, media_type in _MAGIC:
        if magic.match(content):
            return media_type
    return OCTET_STREAM


def decode_base64(text: str) -> tuple[bytes, Encoding]:
    """Return the bytes to store for ``text``, and the encoding with which `as_json` gives it back.

    Base64 in its one canonical form is stored decoded ("base64"). Anything else, such as base64
    with line breaks or without padding, is stored as the UTF-8 of the text itself ("verbatim").

    Raises:
        Invalid: the text holds half a surrogate pair, which no UTF-8 can hold.
    """
    try:
        content = pybase64.b64decode(text, validate=True)
        if pybase64.b64encode_as_string(content) == text:
            return content, "base64"
    except ValueError:
        pass  # not ASCII, or not base64 at all
    try:
        return text.encode("utf-8"), "verbatim"
    except UnicodeEncodeError:
        raise Invalid("data", "the text holds half a surrogate pair") from None


def as_json(content: bytes, encoding: Encoding) -> Sequence[bytes]:
    """Return the very text from which `decode_base64` made ``content`` and ``encoding``: a JSON string, in pieces.

    Raises:
        ValueError: the content is not of this encoding: the store is damaged.
    """
    if encoding == "base64":
        # None of its characters has to be escaped, so nobody looks for those that have.
        return b'"', pybase64.b64encode(content), b'"'
    return (orjson.dumps(content.decode("utf-8")),)


def is_base64_text(text: str) -> bool:
    """Whether ``text`` has at least one of base64's 64 characters, and else only ``=``, CR and LF.

    Padding may be wrong or missing: image clients send such texts, and get them back as they were.
    """
    if not text.isascii() or not text.strip(_BESIDE_BASE64):
        return False
    return not text.encode("ascii").translate(None, _BASE64_TEXT)
