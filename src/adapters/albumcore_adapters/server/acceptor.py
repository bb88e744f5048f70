"""Accepting connections: this worker, or one that has fewer; now, or when there is room."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, BaseSelector
from time import monotonic
from typing import Any

from attrs import define, field

from albumcore_adapters.server.connection_counts import ConnectionCounts

_YIELD_SECONDS = 0.001  # between checks whether a worker with fewer connections has accepted
_MAX_YIELD_SECONDS = 0.02  # after which this worker accepts anyway: the other one may be busy
_FULL_SECONDS = 0.05  # before a worker without room for a connection checks again
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_WARNING_SECONDS = 1.0  # between two warnings


@define(eq=False)
class Acceptor:
    """The listeners of a worker, in its event loop.

    While another worker has fewer connections, or there is no room for one more, the listeners are not polled, and
    `resume` is called at `retry_at` instead.

    Attributes:
        listeners: The listening sockets, which do not block.
        poller: The poller of the event loop; the data of each key is a callback.
        counts: The connection counts of all workers.
        slot: The slot of this worker in the counts.
        log: Gunicorn's log.
        has_room: Returns whether one more connection may be opened.
        close_idle: Closes the connection that has been idle longest, and returns whether there was one.
        on_accept: Called with each accepted socket, the address of the client, and that of the listener.
        is_listening: Whether the listeners are polled.
        retry_at: When `resume` is to be called while they are not, by the monotonic clock.
    """

    listeners: list[Any]
    poller: BaseSelector
    counts: ConnectionCounts
    slot: int | None
    log: Any
    has_room: Callable[[], bool]
    close_idle: Callable[[], bool]
    on_accept: Callable[[socket.socket, Any, Any], None]
    is_listening: bool = field(default=False, init=False)
    retry_at: float = field(default=0.0, init=False)
    _yield_until: float = field(default=0.0, init=False)
    _next_warning: float = field(default=0.0, init=False)

    def set_listening(self, is_listening: bool) -> None:
        """Poll the listeners, or no longer poll them."""
        if is_listening == self.is_listening:
            return
        self.is_listening = is_listening
        for listener in self.listeners:
            if is_listening:
                self.poller.register(listener, EVENT_READ, partial(self._accept, listener))
            else:
                self.poller.unregister(listener)

    def _accept(self, listener: socket.socket) -> None:
        """Accept one connection, unless another worker has fewer connections or there is no room."""
        now = monotonic()
        if not self.has_room():
            self._pause(now + _FULL_SECONDS, now + _FULL_SECONDS)
        elif not self.counts.has_fewest(self.slot):
            self._pause(now + _YIELD_SECONDS, now + _MAX_YIELD_SECONDS)
        else:
            self._accept_one(listener)

    def _pause(self, retry_at: float, yield_until: float) -> None:
        self.retry_at, self._yield_until = retry_at, yield_until
        self.set_listening(False)

    def resume(self, now: float) -> None:
        """Accept a connection that was left to a worker with fewer, if that did not accept it in time."""
        if not self.has_room():
            self.retry_at = now + _FULL_SECONDS
        elif now < self._yield_until and not self.counts.has_fewest(self.slot):
            self.retry_at = now + _YIELD_SECONDS
        else:
            self.set_listening(True)
            for listener in self.listeners:
                self._accept_one(listener)

    def close(self, backlog: int) -> None:
        """Close the listeners, after accepting the connections in the backlog, which would be reset otherwise."""
        self.set_listening(False)
        for listener in self.listeners:
            for _ in range(backlog):
                if not self._accept_one(listener):
                    break
            listener.close()

    def _accept_one(self, listener: socket.socket) -> bool:
        """Accept one connection, if there is one in the backlog; return whether there was."""
        try:
            raw, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._on_exhausted(error.errno)
            return False
        self.on_accept(raw, client, listener.getsockname())
        return True

    def _on_exhausted(self, number: int) -> None:
        """Close an idle connection, or pause: the process has no file descriptor or no memory for another one."""
        now = monotonic()
        if now >= self._next_warning:
            self._next_warning = now + _WARNING_SECONDS
            self.log.warning("no connection can be accepted: %s", os.strerror(number))
        if not self.close_idle():
            self._pause(now + _FULL_SECONDS, now + _FULL_SECONDS)
