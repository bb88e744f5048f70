"""Image bytes as text: the lossless round trip of the field ``data`` of the TSCharts API.

Base64 is stored decoded. Every text is returned character by character as it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pybase64

from albumcore.errors import Invalid
from albumcore.image_sets.values import Encoding

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PADDING = "=\r\n"
_BASE64_TEXT = _ALPHABET + _PADDING.encode("ascii")


def decode_text(text: str) -> tuple[bytes, Encoding]:
    """Return the bytes to store for a text, and the encoding from which `encode_json` restores it.

    Canonical base64 is decoded ("base64"). Any other text, for instance base64 with line breaks or without padding,
    is stored as its UTF-8 ("verbatim").

    Raises:
        Invalid: the text contains a lone surrogate, which UTF-8 cannot encode.
    """
    try:
        content = pybase64.b64decode(text, validate=True)
        if pybase64.b64encode_as_string(content) == text:
            return content, "base64"
    except ValueError:
        pass  # not ASCII, or not base64
    try:
        return text.encode("utf-8"), "verbatim"
    except UnicodeEncodeError:
        raise Invalid("data", "the text holds half a surrogate pair") from None


def encode_json(content: bytes | bytearray, encoding: Encoding) -> Sequence[bytes]:
    """Return the text that `decode_text` decoded, as a JSON string in UTF-8, in pieces to be joined.

    Raises:
        ValueError: the content is not valid in this encoding; the store is damaged.
    """
    if encoding == "base64":
        # No character of base64 needs escaping, so the JSON encoder is not needed.
        return b'"', pybase64.b64encode(content), b'"'
    return (orjson.dumps(content.decode("utf-8")),)


def is_base64_text(text: str) -> bool:
    """Whether a text consists of base64's 64 characters, ``=``, CR and LF, with at least one of the 64.

    Padding may be wrong or missing: clients of the TSCharts API send such texts.
    """
    if not text.isascii() or not text.strip(_PADDING):
        return False
    return not text.encode("ascii").translate(None, _BASE64_TEXT)
