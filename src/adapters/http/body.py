"""Request bodies: read up to a limit and to their end, and what nobody reads dropped."""

from __future__ import annotations

from collections.abc import Callable

import falcon

DROPPED = 64 * 1024 * 1024
"""At most this much of a body that nobody wants is read and dropped, in bytes."""

_PIECE = 1024 * 1024


def read_body(req: falcon.Request, limit: int) -> bytes:
    """Return the whole body, by Content-Length or in chunks.

    Args:
        req: The request.
        limit: Largest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is larger.
        falcon.HTTPBadRequest: it ended early, or its chunks are malformed.
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
    # Each server has exceptions of its own for a malformed chunk and for a client that is gone.
    except Exception:
        raise falcon.HTTPBadRequest(description="the body could not be read to its end") from None
    if seen > limit:
        raise too_large
    if length is not None and seen < length:
        raise falcon.HTTPBadRequest(description="the body ended early")
    return b"".join(pieces)


def drop_rest(req: falcon.Request) -> None:
    """Read what is left of the body and drop it, up to `DROPPED` bytes.

    A server that closes a connection with unread bytes resets it. A client that is still sending
    then sees a broken connection in place of the answer, such as the 413 for its large upload.
    """
    if not has_body(req):
        return
    left = DROPPED
    try:
        read = _reader(req)
        while piece := read(min(_PIECE, left)):
            left -= len(piece)
    except Exception:  # as above; the answer is settled, and whoever is gone needs none
        return


def has_body(req: falcon.Request) -> bool:
    """Whether a request announces a body (RFC 9112 section 6): by its length, or as chunks."""
    return bool(req.env.get("CONTENT_LENGTH")) or "HTTP_TRANSFER_ENCODING" in req.env


def _reader(req: falcon.Request) -> Callable[[int], bytes]:
    """Reads up to a number of bytes of the body; nothing any more at its end."""
    # A body in chunks has no Content-Length. Servers that mark its end themselves say so; with the
    # others, reading beyond Content-Length would wait for ever.
    if req.env.get("wsgi.input_terminated"):
        read: Callable[[int], bytes] = req.env["wsgi.input"].read
        return read
    return req.bounded_stream.read
