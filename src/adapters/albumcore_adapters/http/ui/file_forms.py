"""Forms with files: ``multipart/form-data`` (RFC 7578)."""

from __future__ import annotations

from collections.abc import Mapping

import falcon

from albumcore.errors import Invalid
from albumcore_adapters.base.multipart import FORM_DATA, MalformedBody, MediaType, read_parts
from albumcore_adapters.http.body import body_reader
from albumcore_adapters.http.kheops.parameters import Fields

MOST_FIELDS = 100
"""The most fields that a form with files may have."""

_LONGEST_TEXT = 64 * 1024


def has_files(req: falcon.Request) -> bool:
    """Whether the body of a request is a form with files."""
    return MediaType.of(req.content_type).name == FORM_DATA


def read_file_form(req: falcon.Request, longest: int) -> tuple[Fields, Mapping[str, bytes]]:
    """The fields of a form with files: the texts, and the bytes of the files by name.

    Args:
        req: The request.
        longest: The most bytes that the files may have together.

    Raises:
        falcon.HTTPContentTooLarge: they have more.
        Invalid: the body is malformed, ends early, or has too many fields.
        falcon.HTTPError: 408, the body came too slowly.
    """
    texts: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    left = longest + _LONGEST_TEXT
    if (req.content_length or 0) > left:
        raise _too_large(longest)
    try:
        parts = read_parts(MediaType.of(req.content_type), body_reader(req))
        for number, part in enumerate(parts):
            if number >= MOST_FIELDS or part.name is None:
                raise Invalid(
                    "form", f"up to {MOST_FIELDS} fields with names are expected", rule="malformed"
                )
            content = bytearray()
            for piece in part.pieces():
                left -= len(piece)
                if left < 0:
                    raise _too_large(longest)
                content += piece
            # Browsers send the media type of files alone.
            if part.file_name == "":
                continue  # the field was left empty
            if part.media_type.name:
                files[part.name] = bytes(content)
            else:
                texts.setdefault(part.name, []).append(content.decode("utf-8"))
    except (MalformedBody, UnicodeDecodeError):
        raise Invalid("form", "it is malformed, or it ended early", rule="malformed") from None
    return Fields(texts, Invalid), files


def _too_large(longest: int) -> falcon.HTTPContentTooLarge:
    return falcon.HTTPContentTooLarge(description=f"a file of at most {longest} bytes is expected")
