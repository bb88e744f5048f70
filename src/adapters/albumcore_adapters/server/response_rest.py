"""Bodies of responses that are made while they are sent: no more of them is made than the client takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import field, frozen

PIECES_PER_TURN = 32
"""Pieces of one body that a thread makes before other requests get a turn."""

LAST_CHUNK = b"0\r\n\r\n"


@frozen(eq=False)
class ResponseRest:
    """The rest of a body, whose beginning was sent.

    Attributes:
        pieces: What makes its pieces.
        is_chunked: Whether it has the chunked transfer coding (RFC 9112 section 7.1).
    """

    pieces: Iterator[bytes] = field(repr=False)
    is_chunked: bool

    def next(self) -> bytes | None:
        """Make the next piece, as it is sent; None after the last one."""
        for piece in self.pieces:
            if piece:
                return b"%X\r\n%b\r\n" % (len(piece), piece) if self.is_chunked else piece
        return None


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
        yield piece  # gunicorn sends it, and the header before it
        connection.rest = ResponseRest(pieces, response.chunked)
        return
