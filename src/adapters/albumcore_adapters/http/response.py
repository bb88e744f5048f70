"""The response of a responder: plain data, which the router writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
from attrs import field, frozen

NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
"""The header by which a browser takes a body for what its media type says (WHATWG Fetch section 3.6)."""

TOTAL = "X-Total-Count"
"""The header with the length of the whole list, where the body is one page of it."""

NEXT_CURSOR = "X-Next-Cursor"
"""The header with the cursor from which a list goes on that is followed."""


def json_bytes(value: Any) -> bytes:
    """JSON that takes no more memory than its length: orjson returns the start of a buffer of 8 kB or more."""
    return bytes(memoryview(orjson.dumps(value)))


@frozen(eq=False)
class BodyStream:
    """A body that is sent while it is made. It is read once.

    The router reads the first piece before the status is sent, so that what fails there is an ordinary error. What
    fails later ends the connection: the client then misses the rest of ``length``, or the last chunk.

    Attributes:
        pieces: The body, in pieces that are small enough to have several of them in memory.
        length: Length of the whole body, in bytes; None if it is not known beforehand.
    """

    pieces: Iterator[bytes] = field(repr=False)
    length: int | None = None


@frozen(eq=False)
class RangedBody:
    """A body of which a client may ask for a part, by ``Range`` (RFC 9110 section 14). It may be sent again.

    Attributes:
        length: Length of the whole body, in bytes.
        open: Yields its bytes from the first number to before the second, in pieces.
    """

    length: int
    open: Callable[[int, int], Iterator[bytes]] = field(repr=False)


@frozen(eq=False)
class TypedBody:
    """A body whose media type is known only when it is made.

    Attributes:
        content: The body.
        media_type: Its Content-Type, in place of that of the response.
    """

    content: bytes = field(repr=False)
    media_type: str


Body: TypeAlias = bytes | BodyStream | RangedBody | TypedBody


@frozen
class Response:
    """Status, headers and body.

    Attributes:
        status: The HTTP status.
        body: The body, or a function that gives it. The router calls the function after the read transaction has
            ended, so that bytes which come from elsewhere hold nothing open. A response with a `BodyStream` is not
            cached; one with a function that gives a new one each time may be.
        media_type: The Content-Type; None for JSON, that of the application.
        headers: Headers beside those that every response of the API has. With ``ETag``, the response to a client that
            has this version is 304.
        memory: Memory of a body that is not bytes, in bytes, while the response is cached.
        cookies: Values of ``Set-Cookie``, for a response that has other headers too.
    """

    status: int = 200
    body: Body | Callable[[], Body] = field(default=b"", repr=False)
    media_type: str | None = None
    headers: Mapping[str, str] = field(factory=dict)
    memory: int = 400
    cookies: Sequence[str] = ()

    @classmethod
    def json(cls, value: Any, status: int = 200, total: int | None = None) -> Response:
        """A JSON body; with ``total`` in ``X-Total-Count`` where it is one page of a list."""
        headers = {} if total is None else {TOTAL: str(total)}
        return cls(status, json_bytes(value), headers=headers)


CREATED = Response(201)
ACCEPTED = Response(202)
NO_CONTENT = Response(204)
