"""The response of a responder: plain data, which the router writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from attrs import field, frozen

TOTAL = "X-Total-Count"
"""The header with the length of the whole list, where the body is one page of it."""


def json_bytes(value: Any) -> bytes:
    """JSON that takes no more memory than its length: orjson returns the start of a buffer of 8 kB or more."""
    return bytes(memoryview(orjson.dumps(value)))


@frozen
class Response:
    """Status, headers and body.

    Attributes:
        status: The HTTP status.
        body: The body, or a function that gives it. The router calls the function after the read transaction has
            ended, so that bytes which come from elsewhere hold nothing open.
        media_type: The Content-Type; None for JSON, that of the application.
        headers: Headers beside those that every response of the API has.
    """

    status: int = 200
    body: bytes | Callable[[], bytes] = field(default=b"", repr=False)
    media_type: str | None = None
    headers: Mapping[str, str] = field(factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, total: int | None = None) -> Response:
        """A JSON body; with ``total`` in ``X-Total-Count`` where it is one page of a list."""
        headers = {} if total is None else {TOTAL: str(total)}
        return cls(status, json_bytes(value), headers=headers)


CREATED = Response(201)
ACCEPTED = Response(202)
NO_CONTENT = Response(204)
