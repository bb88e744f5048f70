"""Request bodies: read up to a limit, taken as JSON, and what nobody reads dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon
import orjson

DROPPED = 64 * 1024 * 1024
"""At most this much of a body that nobody wants is read and dropped, in bytes."""

_PIECE = 1024 * 1024


def json_object(req: falcon.Request, limit: int) -> dict[str, Any]:
    """Return the JSON object in the body, whatever Content-Type says.

    Of a key that is there twice, the last value counts.

    Args:
        req: The request.
        limit: Largest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is larger.
        falcon.HTTPBadRequest: it ended early, or does not hold a JSON object.

    """
    try:
        value = orjson.loads(_read(req, limit))
    except orjson.JSONDecodeError as error:
        raise falcon.HTTPBadRequest(description=f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise falcon.HTTPBadRequest(description="the body is not a JSON object")
    return value


def _read(req: falcon.Request, limit: int) -> bytes:
    length, read = req.content_length, _reader(req)
    pieces, seen = [], 0
    try:
        while piece := read(min(_PIECE, limit + 1 - seen)):
            pieces.append(piece)
            seen += len(piece)
    # Each server has exceptions of its own for a malformed chunk and for a client that is gone.
    except Exception:
        raise falcon.HTTPBadRequest(description="the body could not be read to its end") from None
    if seen > limit:
        raise falcon.HTTPContentTooLarge(description=f"the body is larger than {limit} bytes")
    if length is not None and seen < length:
        raise falcon.HTTPBadRequest(description="the body ended early")
    return b"".join(pieces)


def drop_rest(req: falcon.Request) -> None:
    """Read what is left of the body and drop it, up to `DROPPED` bytes.

    A server that closes a connection with unread bytes resets it. A client that is still sending
    then sees a broken connection in place of the answer, such as the 413 for its large upload.
    """
    left = DROPPED
    try:
        read = _reader(req)
        while piece := read(min(_PIECE, left)):
            left -= len(piece)
    except Exception:  # as above; the answer is settled, and whoever is gone needs none
        return


def _reader(req: falcon.Request) -> Callable[[int], bytes]:
    """Reads up to a number of bytes of the body; nothing any more at its end."""
    # A body in chunks has no Content-Length. Servers that mark its end themselves say so; with the
    # others, reading beyond Content-Length would wait for ever.
    if req.env.get("wsgi.input_terminated"):
        read: Callable[[int], bytes] = req.env["wsgi.input"].read
        return read
    return req.bounded_stream.read
