"""The connections of a worker that wait for their clients."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from selectors import BaseSelector

from albumcore_adapters.server.connections import Connection


class Waiting:
    """Connections that wait for their clients, those that have waited longest first.

    Any thread puts one in. It is taken out by the loop, when its client is ready or late, or by a thread that needs
    the room of its answer. Whichever takes it goes on with it, and no other does.
    """

    def __init__(self, poller: BaseSelector) -> None:
        self._poller = poller
        self._lock = threading.Lock()
        self._connections: dict[Connection, None] = {}

    def __iter__(self) -> Iterator[Connection]:
        """Those that wait now."""
        with self._lock:
            return iter(list(self._connections))

    def add(self, connection: Connection, event: int, go_on: Callable[[], None]) -> None:
        """Have the poller tell when the client is ready."""
        with self._lock:
            self._connections[connection] = None
            self._poller.register(connection.raw, event, go_on)

    def take(self, connection: Connection) -> bool:
        """Take one out; whether it was there."""
        with self._lock:
            return self._take(connection)

    def _take(self, connection: Connection) -> bool:
        if connection not in self._connections:
            return False
        del self._connections[connection]
        self._poller.unregister(connection.raw)
        return True

    def take_late(self, now: float) -> Iterator[Connection]:
        """Take out those that are due, when it is counted what their clients have taken of their answers."""
        with self._lock:
            self._look()
            late = [connection for connection in self._connections if connection.due <= now]
        return filter(self.take, late)

    def take_idle(self) -> Connection | None:
        """Take out the one that has been idle longest: nothing of a request is there, and no answer is left."""
        with self._lock:
            for connection in self._connections:
                if not (connection.received or connection.unsent):
                    self._take(connection)
                    return connection
        return None

    def take_stalled(self, since: float, size: int) -> list[Connection]:
        """Take out those whose clients have taken nothing of an answer since then, the longest first.

        As many as have this size of answers together; none, if all of them have less.
        """
        with self._lock:
            stalled = [one for one in self._look() if one.moved <= since]
            if sum(connection.taken for connection in stalled) < size:
                return []
            found = []
            for connection in sorted(stalled, key=lambda one: one.moved):
                if size > 0:
                    size -= connection.taken
                    self._take(connection)
                    found.append(connection)
            return found

    def _look(self) -> list[Connection]:
        """Those with an answer that is not sent, when it is counted what their clients have taken."""
        unsent = [connection for connection in self._connections if connection.unsent]
        for connection in unsent:
            connection.look()
        return unsent

    def hasten(self, late: Callable[[Connection], None], due: float) -> None:
        """Wait no longer than this for those of which this is done when they are late."""
        with self._lock:
            for connection in self._connections:
                if connection.late == late:
                    connection.due = min(connection.due, due)
