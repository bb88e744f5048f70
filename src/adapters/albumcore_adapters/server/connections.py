"""One client's connection, in the place of the socket that gunicorn reads requests from and writes answers to."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from attrs import frozen
from gunicorn.http.errors import InvalidChunkSize

from albumcore_adapters.server.requests import (
    COLLECTED,
    Arrived,
    Body,
    Chunks,
    arrived,
    asks_first,
)

T = TypeVar("T")
_KIB = 1024
_MIB = 1024 * _KIB

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SCRAP = bytearray(256 * _KIB)  # what is read off goes here
_IN_A_ROW = 16  # reads from one connection, before the others have their turn
_LEFT_BEHIND = 64 * _KIB  # of a refused body: as much is worth reading off to keep the connection


@frozen(kw_only=True)
class Limits:
    """How long clients are waited for, and how many.

    Attributes:
        header: Time for the header of a request, in seconds.
        keepalive: Time that a connection is kept open for the next request, in seconds.
        grace: Time after which the pace counts, in seconds.
        pace: Least bytes a second of a body, and of an answer that is read.
        stall: Longest pause of a client that was ahead of the pace, in seconds.
        read_off: Bytes of a refused body that are read after the answer, so that its client comes to read the answer.
        silence: Longest pause while these are read, in seconds.
        longest_read_off: Time for all of them, in seconds.
        closing: Time for the client to close its side, or to send a last request to a worker that stops, in seconds.
        connections: Open connections of a worker; with more, the one that has been idle longest is closed.
        uploads: Requests of a worker whose body is read while it arrives.
        unsent: Bytes of answers that wait for their clients, in a worker.
        unread: Pause of a client after which its connection is closed for the room of its answer, in seconds.
        tick: How often all this is looked after, in seconds.
    """

    header: float = 10.0
    keepalive: float = 5.0
    grace: float = 10.0
    pace: int = _KIB
    stall: float = 60.0
    read_off: int = 256 * _MIB
    silence: float = 10.0
    longest_read_off: float = 600.0
    closing: float = 2.0
    connections: int = 4096
    uploads: int = 64
    unsent: int = 128 * _MIB
    unread: float = 0.2
    tick: float = 0.5


class Budget:
    """So many bytes that threads may take, and give back."""

    def __init__(self, size: int, make_room: Callable[[int], None] = lambda size: None) -> None:
        self._left = size
        self._lock = threading.Lock()
        self._make_room = make_room

    def lacks(self, size: int) -> int:
        """How many bytes must be given back before so many can be taken."""
        with self._lock:
            return max(0, size - self._left)

    def take(self, size: int) -> bool:
        """Take bytes, if there are as many left or room can be made for them."""
        if lacking := self.lacks(size):
            self._make_room(lacking)
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._left += size


class Connection:
    """A socket that never waits, but for a body that is read while it arrives.

    Attributes:
        raw: The socket itself, which does not block.
        client, server: The addresses of both sides.
        received: What has arrived and was not read yet.
        failure: Raised in the place of waiting for more than was received.
        is_patient: Whether a read may wait for the client, at the pace of the limits.
        is_kept: Whether another request may follow.
        is_asked: Whether the client was asked for the body, before the application was.
        is_whole: Whether the whole body of the request was read.
        request: The request that is answered.
        chunks: Where its body is, if that comes in chunks.
        unsent: What of the answer the client had no room for, in pieces.
        taken: Bytes of the budget that these take.
        moved: When the client was last seen to take something of them, by the monotonic clock.
        due: When what is waited for must have come, by the monotonic clock.
        late: What is done if it has not.
        left: Bytes that are still read off.
        ends: When reading off ends at the latest.
    """

    def __init__(
        self, raw: socket.socket, client: Any, server: Any, limits: Limits, budget: Budget
    ) -> None:
        raw.setblocking(False)
        self.raw, self.client, self.server = raw, client, server
        self.received = b""
        self.failure: Exception | None = None
        self.is_patient = self.is_kept = self.is_whole = self.is_asked = False
        self.request: Any = None
        self.chunks: Chunks | None = None
        self.unsent: deque[memoryview] = deque()
        self.taken = 0
        self.due = self.ends = self.moved = 0.0
        self.late: Callable[[Connection], None] | None = None
        self.left = 0
        self._limits = limits
        self._budget = budget
        self._passed_on = self._gone = 0
        self._held = self._interim = b""
        self._is_answering = self._is_over = self._is_given_up = False

    @property
    def sock(self) -> Connection:
        """What gunicorn takes for the socket."""
        return self

    def begin(self, *, is_patient: bool = False, failure: Exception | None = None) -> None:
        """Get ready for a request."""
        self.is_patient, self.failure = is_patient, failure
        self.is_kept = self.is_whole = False
        self.request = self.late = None
        self._interim = b""
        self._is_answering = False

    def allow(self, seconds: float) -> None:
        """Wait for the client so long from now."""
        self.due = monotonic() + seconds

    def keep_pace(self, count: int) -> None:
        """Give the client time for the bytes that it moved: a KiB earns a second, if that is the pace."""
        self.due = min(monotonic() + self._limits.stall, self.due + count / self._limits.pace)

    # What gunicorn does with a socket.

    def recv(self, size: int) -> bytes:
        """Read at most so many bytes; none at the end.

        Raises:
            TimeoutError: the client was slower than the pace.
            InvalidChunkSize: the client brings next to nothing in many bytes.
            BlockingIOError: there are none now, and this connection does not wait.
        """
        if self.received:
            piece, self.received = self.received[:size], self.received[size:]
            return piece
        if self.failure is not None:
            raise self.failure
        if self._is_over:
            return b""
        if not self.is_patient:
            return self.raw.recv(size)
        if self.chunks is not None and self.chunks.is_mostly_framing:
            raise InvalidChunkSize(b"the chunks are mostly framing")
        interim, self._interim = self._interim, b""
        if interim:
            self.raw.send(interim)
        piece = self._waiting(lambda: self.raw.recv(size))
        self.keep_pace(len(piece))
        if self.chunks is not None:
            self.chunks.feed(piece)
        return piece

    def send(self, data: bytes) -> int:
        """Hold an interim answer, 100 Continue, back until the body is read: one that is refused is not asked for."""
        self._interim = b"" if self.is_asked else data
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send, without waiting for the client; the beginning goes together with what follows it.

        What the client has no room for is sent later.

        Raises:
            OSError: the client is gone, or there is no room for what it has to be sent later.
        """
        if not self._is_answering:
            self._held, self._is_answering = bytes(data), True
            return
        if self.unsent and not self.send_on():
            self._put_off(memoryview(data))
            return
        held, self._held = self._held, b""
        try:
            sent = self.raw.sendmsg((held, data)) if held else self.raw.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(held):
            data, sent = held[sent:] + data, len(held)
        if rest := memoryview(data)[sent - len(held) :]:
            self.allow(self._limits.grace)
            self.moved = monotonic()
            self._passed_on, self._gone = 0, -_unacknowledged(self.raw)
            self._put_off(rest)

    def gettimeout(self) -> float:
        """Never waits, as gunicorn understands it."""
        return 0.0

    def settimeout(self, timeout: float | None) -> None:
        """How long is waited, is for the limits to say."""

    setblocking = settimeout

    def shutdown(self, how: int) -> None:
        """Read nothing more; the worker closes the socket itself, when its client has read the answer."""
        self._is_over = True

    def close(self) -> None:
        """See `shutdown`."""
        self._is_over = True

    # What the worker does with it.

    def arrived(self, count: int) -> Arrived:
        """Tell how much of a request is there, of which so many bytes have arrived just now."""
        what = arrived(self.received)
        if what is not Arrived.CHUNKS:
            return what
        if self.chunks is None:
            self.chunks = Chunks()
            count = len(self.received) - self.received.find(b"\r\n\r\n") - 4
        self.chunks.feed(self.received[len(self.received) - count :])
        if self.chunks.is_over:
            return Arrived.ALL
        return Arrived.PART_OF_BODY if self.chunks.wire <= COLLECTED else Arrived.HEAD

    def ask_for_body(self) -> None:
        """Send 100 Continue, if the client waits for it.

        Raises:
            OSError: the client is gone, or has not read the answers before.
        """
        self.is_asked = asks_first(self.received)
        if self.is_asked and self.raw.send(_CONTINUE) < len(_CONTINUE):
            raise BlockingIOError("the client reads nothing")

    def settle(self, body: Body) -> None:
        """Before an answer begins: read a little that is left of the body, or have the connection close after it."""
        self.is_patient, left = False, _LEFT_BEHIND
        try:
            while left > 0 and (piece := body.read(8 * _KIB)):
                left -= len(piece)
        except (
            Exception
        ):  # gunicorn has many for what is no chunk, and the request is refused already
            left = 0
        self.is_whole = left > 0 and not body.has_failed
        if not self.is_whole:
            self.request.force_close()

    def send_on(self) -> bool:
        """Send what is left of the answer, as much as the client has room for; whether that is all.

        Raises:
            OSError: the client is gone, or was given up.
        """
        if self._is_given_up:
            raise ConnectionAbortedError("there is no room for what the client does not read")
        if self._held:
            self.sendall(b"")
        while self.unsent:
            piece = self.unsent[0]
            try:
                sent = self.raw.send(piece)
            except BlockingIOError:
                return False
            self._passed_on += sent
            if sent < len(piece):
                self.unsent[0] = piece[sent:]
            else:
                self.unsent.popleft()
            self.look()
        self.forget_unsent()
        return True

    def is_read_off(self) -> bool:
        """Read and drop what is there; whether the client has closed its side, is gone, or sends more than is left."""
        try:
            for _ in range(_IN_A_ROW):
                count = self.raw.recv_into(_SCRAP)
                self.left -= count
                if not count or self.left < 0:
                    return True
        except BlockingIOError:
            pass
        except OSError:
            return True
        return False

    def look(self) -> None:
        """Count what the client has taken of the answer since the last look.

        That is what it has acknowledged, where the kernel tells. It takes a whole buffer at once, and nothing more
        before a third of that is gone, which with a slow client is minutes later.
        """
        gone = self._passed_on - _unacknowledged(self.raw)
        if gone > self._gone:
            self.keep_pace(gone - self._gone)
            self._gone, self.moved = gone, monotonic()

    def forget_unsent(self) -> None:
        """Give back the room that the rest of an answer takes."""
        self.unsent.clear()
        self._budget.give(self.taken)
        self.taken = 0

    def _put_off(self, rest: memoryview) -> None:
        if not self._budget.take(len(rest)):
            self._is_given_up = True
            raise ConnectionAbortedError("there is no room for what the client does not read")
        self.taken += len(rest)
        self.unsent.append(rest)

    def _waiting(self, do: Callable[[], T]) -> T:
        left = self.due - monotonic()
        if left <= 0:
            raise TimeoutError("the client is too slow")
        self.raw.settimeout(left)
        try:
            return do()
        finally:
            self.raw.setblocking(False)


def _unacknowledged(raw: socket.socket) -> int:
    """How many bytes the kernel has and the other side has not acknowledged; 0 where it is not told."""
    left = 0
    if sys.platform == "linux":
        left = int(struct.unpack("i", fcntl.ioctl(raw, termios.TIOCOUTQ, bytes(4)))[0])
    return left
