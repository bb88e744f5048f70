"""The connections of a worker that wait for their clients."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from selectors import BaseSelector

from albumcore_adapters.server.connection import Connection


class PendingConnections:
    """Connections registered with the poller, in the order in which they began to wait. Thread-safe.

    Any thread adds a connection. The event loop takes it out when its client is ready or its deadline has passed, and
    a thread may take it out to free the memory of its response. Only one of them gets it, and continues with it.
    """

    def __init__(self, poller: BaseSelector) -> None:
        self._poller = poller
        self._lock = threading.Lock()
        self._connections: dict[Connection, None] = {}

    def __iter__(self) -> Iterator[Connection]:
        """Iterate over a snapshot of the waiting connections."""
        with self._lock:
            return iter(list(self._connections))

    def add(self, connection: Connection, event: int, on_ready: Callable[[], None]) -> None:
        """Register a connection; the poller returns the callback when the client is ready."""
        with self._lock:
            self._connections[connection] = None
            self._poller.register(connection.raw, event, on_ready)

    def take(self, connection: Connection) -> bool:
        """Take a connection out; return False if another thread has taken it."""
        with self._lock:
            return self._take(connection)

    def _take(self, connection: Connection) -> bool:
        if connection not in self._connections:
            return False
        del self._connections[connection]
        self._poller.unregister(connection.raw)
        return True

    def take_due(self, now: float) -> Iterator[Connection]:
        """Take out the connections whose deadline has passed, after extending those whose clients made progress."""
        with self._lock:
            self._unsent()
            late = [connection for connection in self._connections if connection.deadline <= now]
        return filter(self.take, late)

    def take_idle(self) -> Connection | None:
        """Take out the connection that has been idle longest: between requests, with no response left to send."""
        with self._lock:
            for connection in self._connections:
                if not (connection.received or connection.unsent):
                    self._take(connection)
                    return connection
        return None

    def take_stalled(self, since: float, size: int) -> list[Connection]:
        """Take out connections whose clients have read nothing since a time, the longest stalled first.

        Enough of them to free ``size`` bytes of responses; none if all together would not be enough.
        """
        with self._lock:
            stalled = [one for one in self._unsent() if one.last_progress <= since]
            if sum(connection.reserved for connection in stalled) < size:
                return []
            found = []
            for connection in sorted(stalled, key=lambda one: one.last_progress):
                if size > 0:
                    size -= connection.reserved
                    self._take(connection)
                    found.append(connection)
            return found

    def _unsent(self) -> list[Connection]:
        """Return the connections with an unsent response, after measuring how much of it their clients have read."""
        unsent = [connection for connection in self._connections if connection.unsent]
        for connection in unsent:
            connection.measure_progress()
        return unsent

    def hasten(self, on_timeout: Callable[[Connection], None], deadline: float) -> None:
        """Limit the deadline of all connections with this timeout handler."""
        with self._lock:
            for connection in self._connections:
                if connection.on_timeout == on_timeout:
                    connection.deadline = min(connection.deadline, deadline)
