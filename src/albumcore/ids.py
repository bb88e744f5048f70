"""The identifiers of the domain: their types, and the rules their text must keep.

Nothing here makes an id: whoever needs a new one passes it in.
"""

from __future__ import annotations

import re
from typing import NewType

from albumcore.errors import Invalid

__all__ = [
    "AlbumId",
    "CapabilityTokenId",
    "ImageId",
    "PatientId",
    "ReportProviderId",
    "SeriesUID",
    "StudyUID",
    "UserId",
    "WebhookId",
    "album_id",
    "series_uid",
    "study_uid",
    "user_id",
]


AlbumId = NewType("AlbumId", str)
"""Ten characters of ``[A-Za-z0-9]`` (Kheops API, identifier formats)."""

UserId = NewType("UserId", str)
"""A person, by the ``sub`` claim of the identity provider; opaque, compared as it is."""

StudyUID = NewType("StudyUID", str)
"""StudyInstanceUID, (0020,000D)."""

SeriesUID = NewType("SeriesUID", str)
"""SeriesInstanceUID, (0020,000E)."""

ReportProviderId = NewType("ReportProviderId", str)
"""A report provider of one album; ``client_id`` in upstream Kheops."""

CapabilityTokenId = NewType("CapabilityTokenId", str)
"""The public name of a capability token; never its secret."""

WebhookId = NewType("WebhookId", str)
"""A webhook of one album."""

PatientId = NewType("PatientId", int)
ImageId = NewType("ImageId", int)
"""A small positive integer, unique over all patients: clients keep it in 32 bits."""

_ALBUM_ID = re.compile(r"[A-Za-z0-9]{1,64}\Z")
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*\Z")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
MAX_IMAGE_ID = 2**31 - 1
MAX_UID = 64
MAX_USER_ID = 255


def album_id(text: str) -> AlbumId:
    """Take ``text`` as an album id.

    Raises:
        Invalid: it is not made of letters and digits alone.
    """
    if not _ALBUM_ID.match(text):
        raise Invalid("album", "an album id is made of letters and digits")
    return AlbumId(text)


def user_id(text: str) -> UserId:
    """Take ``text`` as the sub of a user: 1 to 255 characters, none of them a control character.

    Raises:
        Invalid: it breaks the rule.
    """
    if not is_user_id(text):
        raise Invalid("user", "a sub has 1 to 255 characters and no control characters")
    return UserId(text)


def is_user_id(text: str) -> bool:
    """Whether ``text`` can be the sub of a user."""
    return 0 < len(text) <= MAX_USER_ID and (
        text.isprintable() or _UNPRINTABLE.search(text) is None
    )


def is_digest(text: str) -> bool:
    """Whether ``text`` is a SHA-256 as it is written here: in 64 lower-case hexadecimal digits."""
    return len(text) == 64 and not text.strip("0123456789abcdef")


def study_uid(text: str) -> StudyUID:
    """Take ``text`` as a StudyInstanceUID, (0020,000D), by DICOM PS3.5 section 9.1.

    Raises:
        Invalid: it is no UID.
    """
    return StudyUID(_uid("study", text))


def series_uid(text: str) -> SeriesUID:
    """Take ``text`` as a SeriesInstanceUID, (0020,000E), by DICOM PS3.5 section 9.1.

    Raises:
        Invalid: it is no UID.
    """
    return SeriesUID(_uid("series", text))


def is_uid(text: str) -> bool:
    """Whether ``text`` is a UID by DICOM PS3.5 section 9.1: at most 64 characters, components without leading zeros.

    The first component is not held to 0, 1 or 2: the documented API has a series below 3.
    """
    return len(text) <= MAX_UID and _UID.match(text) is not None


def _uid(field: str, text: str) -> str:
    if not is_uid(text):
        raise Invalid(
            field, "a UID has at most 64 characters: numbers without leading zeros, joined by dots"
        )
    return text
