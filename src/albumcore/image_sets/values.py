"""Values of a patient's image set (TSCharts image API)."""

from __future__ import annotations

import re
from enum import Enum
from typing import Literal, get_args

from attrs import field, frozen

from albumcore.errors import Invalid
from albumcore.ids import is_digest
from albumcore.kernel import ERASED, PERSONAL, Erased

Encoding = Literal["base64", "verbatim"]


class ImageType(Enum):
    """What an image shows; the values are those of the API, case-sensitive."""

    HEADSHOT = "Headshot"
    XRAY = "Xray"
    SURGERY = "Surgery"
    AUDIOGRAM = "Audiogram"


@frozen
class Content:
    """Reference to the bytes of an image, which are in the blob store.

    Attributes:
        digest: SHA-256 of the stored bytes, 64 hexadecimal digits. Of sealed bytes, the sealed ones are stored.
        length: Number of bytes, before they were sealed.
        media_type: Detected from the first bytes, such as ``image/jpeg``.
        encoding: ``base64`` where the client's text was canonical base64 and the bytes are what it stands for;
            ``verbatim`` where the bytes are the client's text itself.
    """

    digest: str
    length: int | Erased = field(metadata=PERSONAL)
    media_type: str
    encoding: Encoding = "base64"


@frozen
class Image:
    """One image of a patient. Clinic and station are absent only where upstream behaviour lets them be."""

    clinic: int | None
    station: int | None
    type: ImageType
    content: Content


_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+\Z")


def check_content(content: Content) -> Content:
    """Check a reference to image bytes.

    Raises:
        Invalid: the digest is no SHA-256, the length is 0, or the encoding or media type is unknown.
    """
    if not is_digest(content.digest):
        raise Invalid("data", "the digest is not a SHA-256 in hexadecimal")
    if content.length is ERASED or content.length < 1:
        raise Invalid("data", "an image has at least one byte")
    if content.encoding not in get_args(Encoding) or not _MEDIA_TYPE.match(content.media_type):
        raise Invalid("data", "its encoding or media type is none that there is")
    return content


def check_key(key: str | Erased | None) -> str | None:
    """Check the key of sealed bytes; None stands for bytes in clear.

    Raises:
        Invalid: it is empty, or was erased.
    """
    if key == "" or key is ERASED:
        raise Invalid("data", "its key is empty, or was erased")
    return key
