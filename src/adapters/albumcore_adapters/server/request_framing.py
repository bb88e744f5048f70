"""Message framing (RFC 9112 section 6): how much of a request has arrived, and the rest of an unread body."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any
from urllib.parse import unquote_to_bytes

from gunicorn.http.errors import InvalidHeader, LimitRequestHeaders

from albumcore_adapters.http.body import READ_OFF, announces_body
from albumcore_adapters.http.live import CLIENT_IS_GONE

_KIB = 1024

MAX_HEADER = 64 * _KIB
"""Longest request line and header fields together, in bytes."""

MAX_COLLECTED_BODY = 64 * _KIB
"""Longest body that the event loop receives in full before a thread handles the request, in bytes."""


_FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect):[ \t]*([^\r\n]*)", re.IGNORECASE
)
_IN_CHUNKS = re.compile(rb"(?:[ \t]*(?:gzip|deflate|compress|identity)[ \t]*,)*[ \t]*chunked")
_ASKS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-f]+)[ \t]*(?:;|$)", re.IGNORECASE)
_MAX_DIGITS = 12  # of a Content-Length; a longer one is not a short body
_MAX_FRAMING = 4  # bytes of framing for each byte of content


class Arrival(Enum):
    """How much of a request has arrived."""

    PART_OF_HEAD = "a part of the header, or a header that is too long"
    PART_OF_BODY = "the header and a part of a short body"
    CHUNKS = "the header and the beginning of a chunked body"
    HEAD = "the header; the body is long, or the parser refuses it"
    ALL = "the whole request"


def arrival_of(received: bytes) -> Arrival:
    """Return how much of the request at the beginning of these bytes has arrived.

    This decides only where the request waits. Gunicorn's parser decides what it means, and refuses a request with two
    lengths.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0 or end + 4 > MAX_HEADER:
        return Arrival.PART_OF_HEAD
    framing = _FRAMING.findall(received, 0, end)
    if not framing:
        return Arrival.ALL
    values: dict[bytes, list[bytes]] = {}
    for name, value in framing:
        values.setdefault(name.lower(), []).append(value.rstrip(b" \t").lower())
    if not set(values.pop(b"expect", ())) <= {b"100-continue"}:
        return Arrival.HEAD
    match values:
        case {b"content-length": [digits]} if len(values) == 1 and digits.isdigit():
            return _by_length(digits.lstrip(b"0"), len(received) - end - 4)
        case {b"transfer-encoding": codings} if len(values) == 1 and _IN_CHUNKS.fullmatch(
            b",".join(codings)
        ):
            return Arrival.CHUNKS
    return Arrival.HEAD if values else Arrival.ALL


def _by_length(digits: bytes, there: int) -> Arrival:
    length = int(digits or b"0") if len(digits) <= _MAX_DIGITS else MAX_COLLECTED_BODY + 1
    if there >= length:
        return Arrival.ALL
    return Arrival.PART_OF_BODY if length <= MAX_COLLECTED_BODY else Arrival.HEAD


def expects_continue(received: bytes) -> bool:
    """Return whether the client expects 100 Continue before it sends the body (RFC 9110 section 10.1.1)."""
    line = received[: received.find(b"\r\n")]
    end = received.find(b"\r\n\r\n")
    return line.endswith(b"HTTP/1.1") and _ASKS.search(received, 0, end + 2) is not None


class ChunkScanner:
    """Scans a body in the chunked transfer coding while it arrives, to find its end (RFC 9112 section 7.1).

    It stops where the framing is malformed, and leaves the error to gunicorn's parser. It stores no content.

    Attributes:
        wire: Bytes that have arrived.
        content: The number of these that are content.
        is_complete: Whether the last chunk and its trailers have arrived, or framing that no parser accepts.
    """

    def __init__(self) -> None:
        self.wire = self.content = 0
        self.is_complete = False
        self._left = 0  # bytes of the current chunk
        self._line = b""  # the beginning of an incomplete line
        self._next = self._size

    @property
    def is_mostly_framing(self) -> bool:
        """Whether the framing is much larger than the content, so that the body hardly advances at any rate."""
        return self.wire > MAX_COLLECTED_BODY + _MAX_FRAMING * self.content

    def feed(self, piece: bytes) -> None:
        """Scan the next bytes."""
        self.wire += len(piece)
        data, at = self._line + piece, 0
        while not self.is_complete:
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
            self.is_complete |= b"\n" in self._line or (
                is_after and not b"\r\n".startswith(self._line)
            )

    def _size(self, line: bytes) -> None:
        """Read the line before a chunk: its size, and extensions."""
        found = _CHUNK.match(line)
        self.is_complete = found is None
        self._left = int(found[1], 16) if found else 0
        self._next = self._after if self._left else self._trailer

    def _after(self, line: bytes) -> None:
        """Read the end of line after the content of a chunk."""
        self.is_complete = bool(line)
        self._next = self._size

    def _trailer(self, line: bytes) -> None:
        """Read a line after the last chunk: a trailer, or the empty line that ends the body."""
        self.is_complete = not line


def asks_to_wait(received: bytes) -> bool:
    """Whether a request reads, and its address has the parameter ``wait`` in the way that the application reads it."""
    line = _request_line(received)
    return line.startswith((b"GET ", b"HEAD ")) and b"wait=" in line


def may_store(received: bytes) -> bool:
    """Whether a request may store instances, by its method and its path: it waits for those that read their headers."""
    target = _request_line(received).partition(b"?")[0]
    if not target.startswith(b"POST "):
        return False
    path = unquote_to_bytes(target)
    return b"/studies" in path or b"/upload" in path


def _request_line(received: bytes) -> bytes:
    """The request line; gunicorn's parser skips an empty line before it (RFC 9112 section 2.2)."""
    return received.lstrip(b"\r\n").partition(b"\r\n")[0]


def refusal(received: bytes) -> Exception | None:
    """Return why an incomplete header is refused without waiting for the rest of it, or None."""
    if len(received) > MAX_HEADER:
        return LimitRequestHeaders("the header is too long")
    if received.count(b"\n") != received.count(b"\r\n"):
        return InvalidHeader("bare LF as line terminator")
    return None


class RequestBody:
    """``wsgi.input`` of gunicorn, which records whether a read has failed.

    After a failure the beginning of the next request is unknown, although gunicorn's reader of chunks then reports the
    end of the body.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.has_failed = False

    def read(self, size: int = -1) -> bytes:
        """Read at most so many bytes; none at the end of the body."""
        try:
            piece: bytes = self._inner.read(size)
        except Exception:
            self.has_failed = True
            raise
        return piece


def settle_body(
    app: Callable[..., Iterable[bytes]], environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Call a WSGI application, and deal with the unread rest of the body before the response begins."""
    connection = environ["gunicorn.socket"]
    environ[CLIENT_IS_GONE] = connection.is_gone
    if not announces_body(environ):
        connection.body_is_read = True
        return app(environ, start_response)
    environ[READ_OFF] = True
    body = environ["wsgi.input"] = RequestBody(environ["wsgi.input"])

    def start(*answer: Any) -> Any:
        connection.settle(body)
        return start_response(*answer)

    return app(environ, start)
