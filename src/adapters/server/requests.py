"""What has arrived of a request, and what becomes of the rest of its body."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from gunicorn.http.errors import InvalidHeader, LimitRequestHeaders

from adapters.http.body import READ_OFF, announces_body

_KIB = 1024

LONGEST_HEAD = 64 * _KIB
"""Longest request line and header fields together, in bytes."""

COLLECTED = 64 * _KIB
"""Longest body that is received in full before a thread is given to the request, in bytes."""


_FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect):[ \t]*([0-9]{0,12})", re.IGNORECASE
)


class Arrived(Enum):
    """How much of a request has arrived."""

    PART_OF_HEAD = "a part of its header"
    PART_OF_BODY = "its header and a part of a short body"
    HEAD = "its header; the body is long, in chunks or still to be asked for"
    ALL = "all of it"


def arrived(received: bytes) -> Arrived:
    """Tell how much of the request that these bytes begin with is there.

    It only decides where the request waits. What it means is for gunicorn's parser to say, which refuses a request
    that says its length in two ways.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return Arrived.PART_OF_HEAD
    framing = _FRAMING.findall(received, 0, end)
    if not framing:
        return Arrived.ALL
    [(name, digits), *more] = framing
    if more or not digits or name.lower() != b"content-length":
        return Arrived.HEAD
    length = int(digits)
    if len(received) - end - 4 >= length:
        return Arrived.ALL
    return Arrived.PART_OF_BODY if length <= COLLECTED else Arrived.HEAD


def refusal(received: bytes) -> Exception | None:
    """Why a header that has not ended will not be waited for, if there is a reason."""
    if len(received) > LONGEST_HEAD:
        return LimitRequestHeaders("the header is too long")
    if received.count(b"\n") != received.count(b"\r\n"):
        return InvalidHeader("bare LF as line terminator")
    return None


class Body:
    """The body of a request as gunicorn gives it to the application, of which it is known whether a read has failed.

    Where the next request begins is unknown then, although gunicorn's reader of chunks tells the end from then on.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.has_failed = False

    def read(self, size: int = -1) -> bytes:
        """Read at most so many bytes; none at the end."""
        try:
            piece: bytes = self._inner.read(size)
        except Exception:
            self.has_failed = True
            raise
        return piece


def settled(
    app: Callable[..., Iterable[bytes]], environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Call the application, and settle what becomes of the body before its answer begins."""
    connection = environ["gunicorn.socket"]
    if not announces_body(environ):
        connection.is_whole = True
        return app(environ, start_response)
    environ[READ_OFF] = True
    body = environ["wsgi.input"] = Body(environ["wsgi.input"])

    def start(*answer: Any) -> Any:
        connection.settle(body)
        return start_response(*answer)

    return app(environ, start)
