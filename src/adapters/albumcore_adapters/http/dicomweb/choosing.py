"""Which form of an instance, of its frames or of its bulk data a client gets, by ``Accept`` (DICOM PS3.18 section 8.7).

As stored is what the transfer syntax ``*`` asks for, or that of the file. Without a transfer syntax, DICOM and
``application/octet-stream`` mean Explicit VR Little Endian, for which frames are decoded. A client that accepts
anything gets what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import falcon
from attrs import frozen

from albumcore_adapters.dicom.transfer_syntaxes import (
    DEFLATED,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
)
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.http.accept import DICOM, MULTIPART, OCTETS
from albumcore_adapters.http.dicomweb.media_ranges import MediaRange, includes, media_ranges
from albumcore_adapters.http.kheops.request import ApiRequest

_COMPRESSED = "1.2.840.10008.1.2.4."
_IMAGES: Mapping[str, Sequence[str]] = {
    "image/jpeg": ("50", "51", "57", "70"),
    "image/jls": ("80", "81"),
    "image/jp2": ("90", "91"),
    "image/jpx": ("92", "93"),
    "image/jphc": ("201", "202", "203"),
    "image/jxl": ("110", "111", "112"),
    "video/mpeg": ("100", "100.1", "101", "101.1"),
    "video/mp4": ("102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1"),
    "video/H265": ("107", "108"),
}
IMAGE_TYPES: Mapping[str, str] = {
    f"{_COMPRESSED}{number}": media_type
    for media_type, numbers in _IMAGES.items()
    for number in numbers
} | {"1.2.840.10008.1.2.5": "image/dicom-rle"}
"""The media types of encapsulated frames, by transfer syntax (DICOM PS3.18 section 8.7.3.3)."""

_ALSO_NAMED = {"image/x-dicom-rle": "image/dicom-rle", "video/h265": "video/H265"}


@frozen
class Representation:
    """The form in which something is sent.

    Attributes:
        media_type: The media type of each part, or of the one that is sent alone.
        transfer_syntax: The transfer syntax of what is sent.
        is_decoded: Whether it is not what is stored.
        is_multipart: Whether it is sent in parts, also if there is only one.
        is_required: Whether the client named the transfer syntax, and takes no other.
    """

    media_type: str
    transfer_syntax: str
    is_decoded: bool
    is_multipart: bool
    is_required: bool = True

    @property
    def content_type(self) -> str:
        """The media type with the transfer syntax."""
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax}"


def accepted(request: ApiRequest) -> list[MediaRange]:
    """What the client accepts: by ``accept`` in the query, where browsers cannot set a header, or by the header."""
    named = [one for one in request.query.texts("accept") if one.strip()]
    return media_ranges(", ".join(named) if named else request.header("Accept"))


def not_acceptable(offered: str) -> falcon.HTTPNotAcceptable:
    """The error where a client accepts none of the forms that there are.

    Args:
        offered: What there is, as media types.
    """
    return falcon.HTTPNotAcceptable(
        description=f"the response is {offered}, which Accept does not allow"
    )


def syntax_of(instance: StoredInstance) -> str:
    """The transfer syntax of the file of an instance; that of files that do not say it, if it is not known."""
    return instance.transfer_syntax or IMPLICIT_LITTLE_ENDIAN


def instance_choice(
    ranges: Iterable[MediaRange], stored: str, *, is_alone: bool
) -> Representation | None:
    """The form of an instance; None if the client accepts none.

    Args:
        ranges: What the client accepts.
        stored: The transfer syntax of the file.
        is_alone: Whether it is the only one that is asked for, and may be sent without a multipart message.
    """
    for one in ranges:
        is_multipart = one.matches(MULTIPART) and includes(one.parts, DICOM)
        if not is_multipart and not (is_alone and one.matches(DICOM)):
            continue
        named = one.parts if is_multipart else one.media_type
        wanted = one.transfer_syntax or (EXPLICIT_LITTLE_ENDIAN if named == DICOM else "*")
        if wanted in ("*", stored):
            return Representation(DICOM, stored, False, is_multipart)
        if wanted == EXPLICIT_LITTLE_ENDIAN:
            is_required = one.transfer_syntax is not None
            return Representation(DICOM, wanted, True, is_multipart, is_required)
    return None


def frame_choice(
    ranges: Iterable[MediaRange], stored: str, *, is_alone: bool, is_place_known: bool = True
) -> Representation | None:
    """The form of frames; None if the client accepts none.

    Args:
        ranges: What the client accepts.
        stored: The transfer syntax of the file.
        is_alone: Whether one frame is asked for, which may be sent without a multipart message.
        is_place_known: Whether frames can be sent as stored. Those of a deflated file cannot.
    """
    image = IMAGE_TYPES.get(stored)
    # Native frames are the same bytes in every little-endian transfer syntax.
    is_explicit = stored in (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN, DEFLATED)
    for one in ranges:
        is_multipart = one.matches(MULTIPART)
        if not is_multipart and not is_alone:
            continue
        named = one.parts if is_multipart else _ALSO_NAMED.get(one.media_type, one.media_type)
        named = _ALSO_NAMED.get(named, named)
        wanted = one.transfer_syntax
        is_own = image is not None and includes(named, image) and wanted in (None, "*", stored)
        if image is not None and is_own and is_place_known:
            return Representation(image, stored, False, is_multipart)
        if includes(named, OCTETS):
            if wanted is None:
                wanted = "*" if named != OCTETS else EXPLICIT_LITTLE_ENDIAN
            if wanted in ("*", stored) and is_place_known:
                syntax = stored if stored != DEFLATED else EXPLICIT_LITTLE_ENDIAN
                return Representation(OCTETS, syntax, False, is_multipart)
            if wanted in ("*", stored, EXPLICIT_LITTLE_ENDIAN):
                is_decoded = not (is_explicit and is_place_known)
                return Representation(OCTETS, EXPLICIT_LITTLE_ENDIAN, is_decoded, is_multipart)
    return None


def bulk_choice(ranges: Iterable[MediaRange], own: str | None) -> tuple[str, bool] | None:
    """The media type of bulk data, and whether it is sent in a multipart message; None if the client accepts none.

    Args:
        ranges: What the client accepts.
        own: The media type that the bulk data say they have, if they do.
    """
    for one in ranges:
        is_multipart = one.matches(MULTIPART)
        named = one.parts if is_multipart else one.media_type
        if own is not None and includes(named, own):
            return own, is_multipart
        if includes(named, OCTETS):
            return OCTETS, is_multipart
    return None
