"""Multipart responses: parts that are sent while they are read, one after the other (DICOM PS3.18 section 8.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from attrs import field, frozen

from albumcore_adapters.base.random_ids import random_id
from albumcore_adapters.http.response import BodyStream, RangedBody, Response

_BOUNDARY = 32  # characters, of more than 190 bits: no content has them by chance

_PART_MEMORY = 1500  # bytes of a part that is cached, with what opens it


@frozen
class Part:
    """One part of a multipart response.

    Attributes:
        media_type: Its Content-Type, with the transfer syntax of what it has.
        pieces: Opens its content: yields it in pieces.
        length: Length of its content, in bytes; None if it is not known before it is made.
        location: Its Content-Location, an absolute URL; None without one.
    """

    media_type: str
    pieces: Callable[[], Iterable[bytes]] = field(repr=False)
    length: int | None = None
    location: str | None = None

    @classmethod
    def of(cls, media_type: str, body: RangedBody, location: str | None = None) -> Part:
        """The part with the whole of a body."""
        return cls(media_type, partial(body.open, 0, body.length), body.length, location)

    def opened(self) -> Part:
        """The part itself."""
        return self

    def header(self) -> bytes:
        """The lines before the content, in the spelling that viewers expect, and the empty line after them."""
        location = "" if self.location is None else f"Content-Location: {self.location}\r\n"
        return f"Content-Type: {self.media_type}\r\n{location}\r\n".encode("latin-1")


@frozen
class LatePart:
    """A part that is made when it is its turn, and whose length and media type are not known before.

    Attributes:
        opened: Makes it.
    """

    opened: Callable[[], Part]
    length: None = None


AnyPart: TypeAlias = Part | LatePart


def multipart(
    parts: Sequence[AnyPart], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A response ``multipart/related`` with some parts, in their order; of its length, if those of all parts are known.

    The content of a part is opened when the one before it is sent.

    Args:
        parts: The parts; at least one.
        media_type: The media type of the parts, without parameters, for the ``type`` of the whole.
        headers: Headers of the response.
    """
    # Unquoted, of letters and digits: some clients take the boundary from the header, some from the body.
    boundary = random_id(_BOUNDARY)
    return Response(
        200,
        lambda: BodyStream(_pieces(parts, boundary), _length(parts, boundary)),
        f'multipart/related; type="{media_type}"; boundary={boundary}',
        headers or {},
        _PART_MEMORY * len(parts),
    )


def _delimiter(boundary: str, *, is_first: bool) -> bytes:
    return (b"" if is_first else b"\r\n") + f"--{boundary}\r\n".encode("ascii")


def _end(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode("ascii")


def _pieces(parts: Iterable[AnyPart], boundary: str) -> Iterator[bytes]:
    is_first = True
    for one in parts:
        part = one.opened()
        before = _delimiter(boundary, is_first=is_first) + part.header()
        pieces = iter(part.pieces())
        # It is read first: what fails in the first part then fails before the status is sent.
        piece = next(pieces, b"")
        yield before
        yield piece
        yield from pieces
        is_first = False
    yield _end(boundary)


def _length(parts: Iterable[AnyPart], boundary: str) -> int | None:
    length = len(_end(boundary)) - len(_delimiter(boundary, is_first=False))
    length += len(_delimiter(boundary, is_first=True))
    for part in parts:
        if isinstance(part, LatePart) or part.length is None:
            return None
        length += len(_delimiter(boundary, is_first=False)) + len(part.header()) + part.length
    return length
