"""``Accept`` with parameters of media types (RFC 9110 section 12.5.1; DICOM PS3.18 section 8.7).

A client names what it wants inside a media type, as in ``multipart/related; type="application/dicom";
transfer-syntax=*``. Quotes are optional, although a slash or an asterisk needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import frozen

_ANY = "*/*"

# A range ends at a comma and a parameter at a semicolon, unless these are in quotes.
_PIECE = re.compile(r'((?:[^",;\\]|\\.|"(?:[^"\\]|\\.)*")*)([,;]|$)')
_ESCAPED = re.compile(r"\\(.)")
_MEDIA_TYPE = re.compile(r"[!#-'*+.^-z|~\w-]+/[!#-'*+.^-z|~\w-]+")
_QUALITY = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")
_LONGEST = 8192  # characters; a longer one is cut
_MOST = 64  # ranges; the others are ignored


@frozen
class MediaRange:
    """What a client accepts: a media type or several, by an asterisk, with parameters.

    Attributes:
        media_type: Type and subtype in lower case, such as ``image/*``.
        parameters: The parameters but ``q``, their names in lower case.
        quality: Its preference, from 0, which excludes it, to 1.
    """

    media_type: str
    parameters: Mapping[str, str]
    quality: float = 1.0

    def matches(self, media_type: str) -> bool:
        """Whether it includes a media type, apart from parameters."""
        return includes(self.media_type, media_type)

    @property
    def parts(self) -> str:
        """The media type of the parts that a multipart type is wanted with; ``*/*`` if it does not say."""
        return self.parameters.get("type", _ANY).lower()

    @property
    def transfer_syntax(self) -> str | None:
        """The transfer syntax that is wanted: a UID, or ``*`` for that of the stored file; None if it does not say."""
        return self.parameters.get("transfer-syntax") or None


def includes(wanted: str, media_type: str) -> bool:
    """Whether a media type, with an asterisk or without, includes another."""
    if wanted in (_ANY, media_type):
        return True
    kind, _, subtype = wanted.partition("/")
    return subtype == "*" and media_type.startswith(f"{kind}/")


def media_ranges(accept: str | None) -> list[MediaRange]:
    """The media ranges of ``Accept``, those of higher quality first; in the order of the text among equals.

    What is malformed is left out, as is what has the quality 0. Without a header all is accepted.
    """
    if accept is None or not accept.strip():
        return [MediaRange(_ANY, {})]
    found = [one for one in _parsed(accept[:_LONGEST]) if one.quality > 0][:_MOST]
    return sorted(found, key=lambda one: -one.quality)


def _parsed(accept: str) -> Iterator[MediaRange]:
    pieces: list[str] = []
    place = 0
    while (match := _PIECE.match(accept, place)) is not None:
        pieces.append(match[1].strip())
        if match[2] != ";":
            if one := _range(pieces):
                yield one
            pieces = []
        if not match[2]:
            return
        place = match.end()


def _range(pieces: list[str]) -> MediaRange | None:
    media_type, *rest = pieces
    parameters = {}
    for piece in rest:
        name, equals, value = piece.partition("=")
        if equals:
            parameters[name.strip().lower()] = _unquoted(value.strip())
    quality = parameters.pop("q", "1")
    if not _MEDIA_TYPE.fullmatch(media_type) or not _QUALITY.fullmatch(quality):
        return None
    return MediaRange(media_type.lower(), parameters, float(quality))


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return value.strip()
