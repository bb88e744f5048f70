"""A client's connection, which gunicorn uses in place of a socket to read requests and write responses."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from time import monotonic
from typing import Any, TypeVar

from gunicorn.http.errors import InvalidChunkSize

from albumcore_adapters.server.limits import Limits, SendBudget
from albumcore_adapters.server.request_framing import (
    MAX_COLLECTED_BODY,
    Arrival,
    ChunkScanner,
    RequestBody,
    arrival_of,
    expects_continue,
)
from albumcore_adapters.server.response_rest import ResponseRest

T = TypeVar("T")
_KIB = 1024

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_DISCARDED = bytearray(256 * _KIB)  # drained bytes are read into this
_RECEIVED = 256 * _KIB
_READS_PER_TURN = 16  # from one connection, before the others get a turn
_PIECES_PER_TURN = 32  # of one response, before other requests get a turn
_TOGETHER = (
    2 * _KIB * _KIB
)  # bytes of a response: each send may wake the client, and a thread of the pool
_MUCH_ROOM = 64 * _KIB * _KIB  # bytes of the budget
_MAX_REST = 64 * _KIB  # bytes of a refused body that are read so that the connection can be kept


class Connection:
    """A non-blocking socket. Only the body of an upload may block, while it is read as it arrives.

    Attributes:
        raw: The socket.
        client, server: The addresses of both sides.
        received: Bytes that have arrived and were not read yet.
        failure: The exception that `recv` raises when these are used up.
        may_wait: Whether `recv` may wait for the client, within the least transfer rate.
        keep_alive: Whether another request may follow.
        continue_sent: Whether 100 Continue was sent before the application was called.
        body_is_read: Whether the whole body of the request was read.
        request: The request that is being answered.
        chunks: Scans the body of the request, if it has the chunked transfer coding.
        unsent: The part of the response that the socket did not accept yet, in pieces.
        rest: The part of the response that is not made yet; None if all of it is.
        reserved: Bytes of the budget that these take up.
        last_progress: When the client was last seen to read some of them, by the monotonic clock.
        deadline: When the wait for the client ends, by the monotonic clock.
        on_timeout: Called with the connection at the deadline.
        drain_left: Bytes that may still be drained.
        drain_deadline: When draining ends, by the monotonic clock.
    """

    def __init__(
        self, raw: socket.socket, client: Any, server: Any, limits: Limits, budget: SendBudget
    ) -> None:
        raw.setblocking(False)
        self.raw, self.client, self.server = raw, client, server
        self.received = b""
        self.failure: Exception | None = None
        self.may_wait = self.keep_alive = self.body_is_read = self.continue_sent = False
        self.request: Any = None
        self.chunks: ChunkScanner | None = None
        self.unsent: deque[memoryview] = deque()
        self.rest: ResponseRest | None = None
        self.reserved = 0
        self.deadline = self.drain_deadline = self.last_progress = 0.0
        self.on_timeout: Callable[[Connection], None] | None = None
        self.drain_left = 0
        self._limits = limits
        self._budget = budget
        self._passed_on = self._gone = 0
        self._held = self._interim = b""
        self._received_at: float | None = None
        self._is_answering = self._is_over = self._is_given_up = False

    @property
    def sock(self) -> Connection:
        """The socket, as gunicorn sees it."""
        return self

    def begin(self, *, may_wait: bool = False, failure: Exception | None = None) -> None:
        """Prepare for the next request."""
        self.may_wait, self.failure = may_wait, failure
        self.keep_alive = self.body_is_read = False
        self.request = self.on_timeout = None
        self._interim, self._received_at = b"", None
        self._is_answering = False

    def set_deadline(self, seconds: float) -> None:
        """Set the deadline to so many seconds from now."""
        self.deadline = monotonic() + seconds

    def extend_deadline(self, count: int) -> None:
        """Extend the deadline for bytes that were transferred, according to the least transfer rate."""
        self.deadline = min(
            monotonic() + self._limits.stall, self.deadline + count / self._limits.pace
        )

    # The socket interface, which gunicorn calls.

    def recv(self, size: int) -> bytes:
        """Read at most so many bytes; none at the end of the stream.

        Raises:
            TimeoutError: the client is slower than the least transfer rate.
            InvalidChunkSize: the body is mostly chunk framing.
            BlockingIOError: no bytes have arrived, and this connection may not wait.
        """
        if self.received:
            piece, self.received = self.received[:size], self.received[size:]
            return piece
        if self.failure is not None:
            raise self.failure
        if self._is_over:
            return b""
        if not self.may_wait:
            return self.raw.recv(size)
        if self.chunks is not None and self.chunks.is_mostly_framing:
            raise InvalidChunkSize(b"the chunks are mostly framing")
        interim, self._interim = self._interim, b""
        if interim:
            self.raw.send(interim)
        if self._received_at is not None:
            # While the application stored what came before, the client may have had to wait.
            self.deadline += monotonic() - self._received_at
        piece = self._wait_for(lambda: self.raw.recv(min(size, _RECEIVED)))
        self.extend_deadline(len(piece))
        self._received_at = monotonic()
        if self.chunks is not None:
            self.chunks.feed(piece)
        return piece

    def send(self, data: bytes) -> int:
        """Hold 100 Continue back until the body is read: the client need not send a body that is refused."""
        self._interim = b"" if self.continue_sent else data
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send without blocking. The header is sent together with the beginning of the body.

        The part that the socket does not accept is queued, and sent by `flush`. While there is a rest, what gunicorn
        sends is the end of the body, which `send_rest` sends in its place.

        Raises:
            OSError: the connection is broken, or the budget does not allow the queue.
        """
        if self.rest is None:
            self._send(data)

    def _send(self, *pieces: bytes) -> None:
        if not self._is_answering:
            self._held, self._is_answering = b"".join(pieces), True
            return
        if self.unsent and not self.flush():
            self._queue(pieces, 0)
            return
        held, self._held = self._held, b""
        try:
            sent = self.raw.sendmsg((held, *pieces))
        except BlockingIOError:
            sent = 0
        if sent < len(held) + sum(map(len, pieces)):
            self.set_deadline(self._limits.grace)
            self.last_progress = monotonic()
            self._passed_on, self._gone = 0, -_unacknowledged(self.raw)
            self._queue((held, *pieces), sent)

    def gettimeout(self) -> float:
        """Return 0: non-blocking."""
        return 0.0

    def settimeout(self, timeout: float | None) -> None:
        """Do nothing: `Limits` has the timeouts."""

    setblocking = settimeout

    def shutdown(self, how: int) -> None:
        """Read nothing more. The worker closes the socket when the client has read the response."""
        self._is_over = True

    def close(self) -> None:
        """See `shutdown`."""
        self._is_over = True

    # The interface of the worker.

    def is_gone(self) -> bool:
        """Return whether the client has closed its side, as far as is known; it does not block."""
        try:
            return not (self.received or self.raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False
        except OSError:
            return True

    def arrival(self, count: int) -> Arrival:
        """Return how much of a request has arrived, of which ``count`` bytes are new."""
        arrival = arrival_of(self.received)
        if arrival is not Arrival.CHUNKS:
            return arrival
        if self.chunks is None:
            self.chunks = ChunkScanner()
            count = len(self.received) - self.received.find(b"\r\n\r\n") - 4
        self.chunks.feed(self.received[len(self.received) - count :])
        if self.chunks.is_complete:
            return Arrival.ALL
        return Arrival.PART_OF_BODY if self.chunks.wire <= MAX_COLLECTED_BODY else Arrival.HEAD

    def send_continue(self) -> None:
        """Send 100 Continue, if the client expects it.

        Raises:
            OSError: the connection is broken, or the client has not read earlier responses.
        """
        self.continue_sent = expects_continue(self.received)
        if self.continue_sent and self.raw.send(_CONTINUE) < len(_CONTINUE):
            raise BlockingIOError("the client reads nothing")

    def settle(self, body: RequestBody) -> None:
        """Before a response begins, read the rest of the body if it is short; otherwise close after the response."""
        self.may_wait, left = False, _MAX_REST
        try:
            while left > 0 and (piece := body.read(8 * _KIB)):
                left -= len(piece)
        except (
            Exception
        ):  # gunicorn raises many for malformed chunks; the request is refused already
            left = 0
        self.body_is_read = left > 0 and not body.has_failed
        if not self.body_is_read:
            self.request.force_close()

    def flush(self) -> bool:
        """Send as much of the queued response as the socket accepts; return whether that is all of it.

        Raises:
            OSError: the connection is broken, or its response was given up.
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
            self.measure_progress()
        self.release_unsent()
        return True

    def send_rest(self, pool: Executor) -> None:
        """Make and send as much of the rest of the response as the socket accepts, or less, if other requests wait.

        Raises:
            OSError: the connection is broken, or the budget does not allow what the socket did not accept.
            Exception: a piece cannot be made.
        """
        rest = self.rest
        assert rest is not None
        if self.unsent:
            return
        if self._budget.lacks(_MUCH_ROOM):
            self._send_pieces(rest)
        else:
            self._send_ahead(rest, pool)
        if rest.is_made:
            self.rest = None

    def _send_pieces(self, rest: ResponseRest) -> None:
        for _ in range(_PIECES_PER_TURN):
            self._send(*rest.next())
            if self.unsent or rest.is_made:
                return

    def _send_ahead(self, rest: ResponseRest, pool: Executor) -> None:
        """Send several pieces at once, while a free thread makes the next ones; without one, end the turn."""
        pieces = rest.next(_TOGETHER)
        while not (self.unsent or rest.is_made):
            ahead = pool.submit(rest.next, _TOGETHER)
            self._send(*pieces)
            if ahead.cancel():  # no thread was free: other requests wait for one
                return
            pieces = ahead.result()
        self._send(*pieces)

    def drain(self) -> bool:
        """Discard what has arrived; return whether the client has closed its side or sent more than the limit."""
        try:
            for _ in range(_READS_PER_TURN):
                count = self.raw.recv_into(_DISCARDED)
                self.drain_left -= count
                if not count or self.drain_left < 0:
                    return True
        except BlockingIOError:
            pass
        except OSError:
            return True
        return False

    def measure_progress(self) -> None:
        """Measure how much of the response the client has read since the last call, and extend the deadline for it.

        On Linux it is what the client has acknowledged. The socket accepts a whole buffer at once, and then nothing
        until a third of the buffer is free, which takes minutes with a slow client.
        """
        gone = self._passed_on - _unacknowledged(self.raw)
        if gone > self._gone:
            self.extend_deadline(gone - self._gone)
            self._gone, self.last_progress = gone, monotonic()

    def release_unsent(self) -> None:
        """Drop the queued response, and give its bytes back to the budget."""
        self.unsent.clear()
        self._budget.give(self.reserved)
        self.reserved = 0

    def _queue(self, pieces: Iterable[bytes], sent: int) -> None:
        """Queue pieces, of which so many bytes are sent."""
        for piece in pieces:
            rest = memoryview(piece)[sent:]
            sent = max(0, sent - len(piece))
            if not rest:
                continue
            if 2 * len(rest) < len(piece):
                # Most of the piece is sent. It would stay in memory, and not count.
                rest = memoryview(bytes(rest))
            if not self._budget.take(len(rest)):
                self._is_given_up = True
                raise ConnectionAbortedError("there is no room for what the client does not read")
            self.reserved += len(rest)
            self.unsent.append(rest)

    def _wait_for(self, do: Callable[[], T]) -> T:
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the client is too slow")
        self.raw.settimeout(left)
        try:
            return do()
        finally:
            self.raw.setblocking(False)


def _unacknowledged(raw: socket.socket) -> int:
    """Return how many sent bytes the client has not acknowledged; 0 on systems other than Linux."""
    left = 0
    if sys.platform == "linux":
        left = int(struct.unpack("i", fcntl.ioctl(raw, termios.TIOCOUTQ, bytes(4)))[0])
    return left
