"""Bodies of responses that are made while they are sent: no more of them is made than the client takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import define, field

_MOST_BUFFERS = 64  # the system takes some more at once

_LAST_CHUNK = b"0\r\n\r\n"


@define(eq=False)
class ResponseRest:
    """The rest of a body, whose beginning was sent.

    Attributes:
        is_chunked: Whether it has the chunked transfer coding (RFC 9112 section 7.1).
        is_made: Whether all of it was made.
    """

    _pieces: Iterator[bytes] = field(repr=False)
    is_chunked: bool
    is_made: bool = field(default=False, init=False)

    def next(self, size: int = 1) -> list[bytes]:
        """Make what is sent next, in one or more pieces.

        Args:
            size: Pieces are made until they have so many bytes together, or there are a few dozen of them.
        """
        made: list[bytes] = []
        length = 0
        while length < size and len(made) < _MOST_BUFFERS:
            piece = next(self._pieces, None)
            if piece is None:
                self.is_made = True
                return [*made, _LAST_CHUNK] if self.is_chunked else made
            if piece:
                made += (b"%X\r\n" % len(piece), piece, b"\r\n") if self.is_chunked else (piece,)
                length += len(piece)
        return made


def leave_rest(
    app: Callable[..., Iterable[bytes]], environ: dict[str, Any], start_response: Any
) -> Iterable[bytes]:
    """Call a WSGI application; of a body that is made while it is sent, return the first piece.

    The connection gets the rest, which the worker sends as far as the client is ready for it.
    """
    body = app(environ, start_response)
    if isinstance(body, list):
        return body
    return _taken(iter(body), environ["gunicorn.socket"], start_response.__self__)


def _taken(pieces: Iterator[bytes], connection: Any, response: Any) -> Iterator[bytes]:
    for piece in pieces:
        yield bytes(piece)  # gunicorn sends it, and the header before it
        connection.rest = ResponseRest(pieces, response.chunked)
        return
