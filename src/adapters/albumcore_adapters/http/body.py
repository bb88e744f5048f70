"""Request bodies: read whole up to a limit, and the unread rest dropped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import falcon

DROPPED = 64 * 1024 * 1024
"""Limit of the unread rest of a body that is read and dropped, in bytes."""

READ_OFF = "albumcore_adapters.body_is_read_off"
"""The key in the WSGI environ by which a server says that it reads the rest of the body after the response."""

_DROPPED_SECONDS = 10.0
_PIECE = 1024 * 1024
_ENDED_EARLY = "the body ended early"


def read_body(req: falcon.Request, limit: int) -> bytes:
    """Return the whole body, by Content-Length or in chunks.

    Args:
        req: The request.
        limit: Largest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is larger.
        falcon.HTTPBadRequest: it ended early, or its chunks are malformed.
        falcon.HTTPError: 408, it arrived too slowly.
    """
    length, read = req.content_length, _reader(req)
    too_large = falcon.HTTPContentTooLarge(description=f"the body is larger than {limit} bytes")
    if length is not None and length > limit:
        raise too_large
    pieces, seen = [], 0
    try:
        while piece := read(min(_PIECE, limit + 1 - seen)):
            pieces.append(piece)
            seen += len(piece)
    # Each server has different exceptions for a malformed chunk and for a client that disconnected.
    except Exception as error:
        raise _unreadable(error) from None
    if seen > limit:
        raise too_large
    if length is not None and seen < length:
        raise falcon.HTTPBadRequest(description=_ENDED_EARLY)
    return b"".join(pieces)


def body_reader(req: falcon.Request) -> Callable[[int], bytes]:
    """Return a function that reads up to a number of bytes of the body, by Content-Length or in chunks.

    At the end of the body it returns none. It raises:

    - ``falcon.HTTPBadRequest``: the body ended early, or its chunks are malformed.
    - ``falcon.HTTPError``: 408, it arrived too slowly.
    """
    left, read = req.content_length or 0, _reader(req)

    def read_piece(size: int) -> bytes:
        nonlocal left
        try:
            piece = read(size)
        except Exception as error:  # as above
            raise _unreadable(error) from None
        left -= len(piece)
        if not piece and left > 0:
            raise falcon.HTTPBadRequest(description=_ENDED_EARLY)
        return piece

    return read_piece


def _unreadable(error: Exception) -> falcon.HTTPError:
    if isinstance(error, TimeoutError):
        slow = "the body arrived too slowly, or is incomplete"
        return falcon.HTTPError(falcon.HTTP_408, description=slow)
    return falcon.HTTPBadRequest(description="the body could not be read completely")


class DropsBodies:
    """Reads the rest of the body of every request and drops it: at most `DROPPED` bytes, for ten seconds at most.

    A server that closes a connection with unread bytes resets it. A client that is still sending
    then sees a broken connection in place of the response, such as the 413 for a large upload.
    A server that reads the rest itself says so by `READ_OFF`.
    """

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        """Drain the rest."""
        if READ_OFF not in req.env and announces_body(req.env):
            _drop_rest(req)


def announces_body(environ: Mapping[str, Any]) -> bool:
    """Whether a request announces a body (RFC 9112 section 6): by its length, or as chunks."""
    return bool(environ.get("CONTENT_LENGTH")) or "HTTP_TRANSFER_ENCODING" in environ


def _drop_rest(req: falcon.Request) -> None:
    left, until = DROPPED, time.monotonic() + _DROPPED_SECONDS
    try:
        read = _reader(req)
        while time.monotonic() < until and (piece := read(min(_PIECE, left))):
            left -= len(piece)
    except Exception:  # as above; the response is settled
        return


def _reader(req: falcon.Request) -> Callable[[int], bytes]:
    """A function that reads up to a number of bytes of the body; at its end, none."""
    # A body in chunks has no Content-Length. Servers that mark its end themselves say so; with the
    # others, reading beyond Content-Length would wait for ever.
    if req.env.get("wsgi.input_terminated"):
        read: Callable[[int], bytes] = req.env["wsgi.input"].read
        return read
    return req.bounded_stream.read
