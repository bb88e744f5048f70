"""Limits of connections: timeouts, the least transfer rate of a client, and memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

from attrs import frozen

_KIB = 1024
_MIB = 1024 * _KIB


@frozen(kw_only=True)
class Limits:
    """Limits of a worker's connections.

    Attributes:
        header: Time for the header of a request, in seconds.
        keepalive: Time that an idle connection is kept open for the next request, in seconds.
        grace: Time before the transfer rate counts, in seconds.
        pace: Least transfer rate of a request body, and of a response that the client reads, in bytes per second.
        stall: Longest pause of a client that was faster than the least rate, in seconds.
        drain_bytes: Bytes of a refused body that are read and discarded, so that the client gets to read the response.
        drain_silence: Longest pause while these are read, in seconds.
        drain_seconds: Time for all of them, in seconds.
        handshake: Time for handshakes that have begun when a worker stops, in seconds.
        closing: Time for the client to close its side, or to send a last request to a worker that stops, in seconds.
        connections: Open connections of a worker. If there are more, the one that has been idle longest is closed.
        uploads: Requests of a worker whose body is read while it arrives.
        waiting: Requests of a worker that ask to wait for events. The application lets fewer wait, and answers the
            others at once.
        unsent: Bytes of responses in a worker that wait for their clients.
        unread: Pause of a client after which its connection is closed if memory for responses is needed, in seconds.
        tick: Interval at which deadlines are checked, in seconds.
    """

    header: float = 10.0
    keepalive: float = 5.0
    grace: float = 10.0
    pace: int = _KIB
    stall: float = 60.0
    drain_bytes: int = 256 * _MIB
    drain_silence: float = 10.0
    drain_seconds: float = 600.0
    handshake: float = 0.3
    closing: float = 2.0
    connections: int = 4096
    uploads: int = 64
    waiting: int = 72
    unsent: int = 128 * _MIB
    unread: float = 0.2
    tick: float = 0.5


class SendBudget:
    """A number of bytes that responses waiting for their clients may take up. Thread-safe.

    Args:
        size: The number of bytes.
        make_room: Called with the number of bytes that are missing, to give some back.
    """

    def __init__(self, size: int, make_room: Callable[[int], None] = lambda size: None) -> None:
        self._left = size
        self._lock = threading.Lock()
        self._make_room = make_room

    def lacks(self, size: int) -> int:
        """Return how many bytes must be given back before so many can be taken."""
        with self._lock:
            return max(0, size - self._left)

    def take(self, size: int) -> bool:
        """Take bytes, after making room for them if necessary; return whether there were enough."""
        if lacking := self.lacks(size):
            self._make_room(lacking)
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """Give bytes back."""
        with self._lock:
            self._left += size
