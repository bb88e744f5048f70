"""Responses with parts, which are sent while they are read, one after the other (DICOM PS3.18 section 8.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from attrs import field, frozen

from albumcore_adapters.base.multipart import Framing
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.response import Body, BodyStream, RangedBody, Response

_PART_MEMORY = 1500  # bytes of a part that is cached, with what opens it

PartContent: TypeAlias = RangedBody | Callable[[], Iterable[bytes]]
"""What is stored, or a function that makes it, in pieces."""


@frozen
class Part:
    """One part of a response.

    Attributes:
        media_type: Its Content-Type, with the transfer syntax of what it has.
        content: Its content.
        location: Its Content-Location, an absolute URL; None without one.
    """

    media_type: str
    content: PartContent = field(repr=False)
    location: str | None = None

    @property
    def length(self) -> int | None:
        """Length of its content, in bytes; None if it is not known before it is made."""
        return self.content.length if isinstance(self.content, RangedBody) else None

    def pieces(self) -> Iterable[bytes]:
        """Open its content."""
        if isinstance(self.content, RangedBody):
            return self.content.open(0, self.content.length)
        return self.content()

    def body(self) -> Body | Callable[[], Body]:
        """Its content as the body of a response."""
        return self.content if isinstance(self.content, RangedBody) else self._made

    def _made(self) -> BodyStream:
        pieces = self.pieces()
        length = sum(map(len, pieces)) if isinstance(pieces, Sequence) else None
        return BodyStream(iter(pieces), length)

    def opened(self) -> Part:
        """The part itself."""
        return self


@frozen
class LatePart:
    """A part that is made when it is its turn, and whose length and media type are not known before.

    Attributes:
        opened: Makes it.
    """

    opened: Callable[[], Part]
    length: None = None


AnyPart: TypeAlias = Part | LatePart


def parts_response(
    parts: Sequence[AnyPart], media_type: str, tags: Iterable[str], *, is_multipart: bool
) -> Response:
    """A response with some parts, in their order, each opened when the one before it is sent; or with the only one.

    A message has its length if those of all parts are known. Of a stored part by itself a client may ask for a range.

    Args:
        parts: The parts; at least one.
        media_type: The media type of the parts, without parameters, for the ``type`` of a message.
        tags: What the entity tag is made of.
        is_multipart: Whether it is a message ``multipart/related``; otherwise the only part is sent by itself.
    """
    headers = {ETAG: etag_of(*tags, is_weak=is_multipart)}
    if not is_multipart:
        [part] = (one.opened() for one in parts)
        if part.location is not None:
            headers["Content-Location"] = part.location
        return Response(200, part.body(), part.media_type, headers)
    framing = Framing()
    return Response(
        200,
        lambda: BodyStream(_pieces(parts, framing), _length(parts, framing)),
        framing.content_type(media_type),
        headers,
        _PART_MEMORY * len(parts),
    )


def _pieces(parts: Iterable[AnyPart], framing: Framing) -> Iterator[bytes]:
    is_first = True
    for one in parts:
        part = one.opened()
        pieces = iter(part.pieces())
        # It is read first: what fails in the first part then fails before the status is sent.
        piece = next(pieces, b"")
        yield framing.before(part.media_type, part.location, is_first=is_first)
        yield piece
        del piece  # while the rest is sent, which may take long
        yield from pieces
        is_first = False
    yield framing.end


def _length(parts: Iterable[AnyPart], framing: Framing) -> int | None:
    length, is_first = len(framing.end), True
    for part in parts:
        if isinstance(part, LatePart) or part.length is None:
            return None
        before = framing.before(part.media_type, part.location, is_first=is_first)
        length, is_first = length + len(before) + part.length, False
    return length
