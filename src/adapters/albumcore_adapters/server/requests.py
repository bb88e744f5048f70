"""What has arrived of a request, and what becomes of the rest of its body."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from gunicorn.http.errors import InvalidHeader, LimitRequestHeaders

from albumcore_adapters.http.body import READ_OFF, announces_body

_KIB = 1024

LONGEST_HEAD = 64 * _KIB
"""Longest request line and header fields together, in bytes."""

COLLECTED = 64 * _KIB
"""Longest body that is received in full before a thread is given to the request, in bytes."""


_FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect):[ \t]*([^\r\n]*)", re.IGNORECASE
)
_IN_CHUNKS = re.compile(rb"(?:[ \t]*(?:gzip|deflate|compress|identity)[ \t]*,)*[ \t]*chunked")
_ASKS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-f]+)[ \t]*(?:;|$)", re.IGNORECASE)
_MOST_DIGITS = 12  # of a length; more of them are no short body
_MOST_FRAMING = 4  # bytes of framing for a byte of content


class Arrived(Enum):
    """How much of a request has arrived."""

    PART_OF_HEAD = "a part of its header, or more than is taken"
    PART_OF_BODY = "its header and a part of a short body"
    CHUNKS = "its header and the beginning of a body in chunks"
    HEAD = "its header; the body is long, or the parser refuses it"
    ALL = "all of it"


def arrived(received: bytes) -> Arrived:
    """Tell how much of the request that these bytes begin with is there.

    It only decides where the request waits. What it means is for gunicorn's parser to say, which refuses a request
    that says its length in two ways.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0 or end + 4 > LONGEST_HEAD:
        return Arrived.PART_OF_HEAD
    framing = _FRAMING.findall(received, 0, end)
    if not framing:
        return Arrived.ALL
    values: dict[bytes, list[bytes]] = {}
    for name, value in framing:
        values.setdefault(name.lower(), []).append(value.rstrip(b" \t").lower())
    if not set(values.pop(b"expect", ())) <= {b"100-continue"}:
        return Arrived.HEAD
    match values:
        case {b"content-length": [digits]} if len(values) == 1 and digits.isdigit():
            return _by_length(digits.lstrip(b"0"), len(received) - end - 4)
        case {b"transfer-encoding": codings} if len(values) == 1 and _IN_CHUNKS.fullmatch(
            b",".join(codings)
        ):
            return Arrived.CHUNKS
    return Arrived.HEAD if values else Arrived.ALL


def _by_length(digits: bytes, there: int) -> Arrived:
    length = int(digits or b"0") if len(digits) <= _MOST_DIGITS else COLLECTED + 1
    if there >= length:
        return Arrived.ALL
    return Arrived.PART_OF_BODY if length <= COLLECTED else Arrived.HEAD


def asks_first(received: bytes) -> bool:
    """Whether a client waits for 100 Continue before it sends the body (RFC 9110 section 10.1.1)."""
    line = received[: received.find(b"\r\n")]
    end = received.find(b"\r\n\r\n")
    return line.endswith(b"HTTP/1.1") and _ASKS.search(received, 0, end + 2) is not None


class Chunks:
    """Follows a body in chunks while it arrives, to find its end (RFC 9112 section 7.1); it keeps nothing of it.

    It refuses nothing: where the framing is malformed it stops, and gunicorn's parser comes to the same place.

    Attributes:
        wire: Bytes that have arrived.
        content: How many of these are content.
        is_over: Whether the last chunk and its trailers have arrived, or what no parser takes.
    """

    def __init__(self) -> None:
        self.wire = self.content = 0
        self.is_over = False
        self._left = 0  # of a chunk
        self._line = b""  # which has not ended
        self._next = self._size

    @property
    def is_mostly_framing(self) -> bool:
        """Whether much more has arrived than the content: such a body keeps the pace, and never gets anywhere."""
        return self.wire > COLLECTED + _MOST_FRAMING * self.content

    def feed(self, piece: bytes) -> None:
        """Follow the next bytes."""
        self.wire += len(piece)
        data, at = self._line + piece, 0
        while not self.is_over:
            content = min(self._left, len(data) - at)
            self.content += content
            self._left -= content
            at += content
            end = data.find(b"\r\n", at)
            if end < 0 or self._left:
                break
            self._next(data[at:end])
            at = end + 2
        self._line = data[at:]
        if not self._left:
            is_after = self._next == self._after
            self.is_over |= b"\n" in self._line or (is_after and not b"\r\n".startswith(self._line))

    def _size(self, line: bytes) -> None:
        """A line before a chunk: its size, and extensions."""
        found = _CHUNK.match(line)
        self.is_over = found is None
        self._left = int(found[1], 16) if found else 0
        self._next = self._after if self._left else self._trailer

    def _after(self, line: bytes) -> None:
        """What follows the content of a chunk: the end of a line."""
        self.is_over = bool(line)
        self._next = self._size

    def _trailer(self, line: bytes) -> None:
        """A line after the last chunk: a trailer, or none."""
        self.is_over = not line


def refusal(received: bytes) -> Exception | None:
    """Why a header that has not ended, or is too long, will not be waited for, if there is a reason."""
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
