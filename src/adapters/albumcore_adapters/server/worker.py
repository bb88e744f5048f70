"""Gunicorn's gthread worker with another event loop: a thread handles a request that has arrived, not a connection.

The loop accepts connections, receives headers and short bodies, sends responses to slow clients, and drains refused
bodies. None of this blocks a thread. Of gunicorn it uses `RequestParser`, and of the gthread worker `handle_request`
and `handle_error`.
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, cast

from gunicorn.http import RequestParser
from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import ThreadWorker

from albumcore_adapters.server.acceptor import Acceptor
from albumcore_adapters.server.connection import Connection
from albumcore_adapters.server.file_limit import raise_file_limit
from albumcore_adapters.server.limits import SendBudget
from albumcore_adapters.server.pending import PendingConnections
from albumcore_adapters.server.request_framing import (
    MAX_HEADER,
    Arrival,
    asks_to_wait,
    may_store,
    refusal,
    settle_body,
)
from albumcore_adapters.server.response_rest import leave_rest

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_RECEIVE_BYTES = 16 * 1024  # of one read; most requests are shorter
_FREED = 8 * 1024 * 1024  # bytes; several pieces of a response
_RESERVED_FILES = 256  # descriptors for databases, images and outgoing requests
_SECONDS_BEFORE_KILL = 2.0  # of gunicorn's graceful timeout that a stopping worker leaves unused

_REQUEST_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Worker(ThreadWorker):
    """A worker of `serve.GunicornApplication`, which holds the ``limits`` and the ``connection_counts`` of all workers.

    A pool of ``threads`` threads handles requests that have arrived. Longer bodies are read while they arrive, by a
    pool of their own, so that slow uploads do not delay other requests, and with them short ones that store instances.
    Requests that wait for events have one, too.
    """

    app: Any
    slot: int | None
    """The slot of the worker in the connection counts; None if it has none."""

    def init_process(self) -> None:
        """Initialise the worker after the fork, and run its loop."""
        self._limits, self._connection_counts = self.app.limits, self.app.connection_counts
        self._uploads = ThreadPoolExecutor(self._limits.uploads, "upload")
        self._waiting = ThreadPoolExecutor(self._limits.waiting, "waiting")
        self._budget = SendBudget(self._limits.unsent, self._make_room)
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._next_tick = 0.0
        self._max_connections = max(
            1, min(self._limits.connections, raise_file_limit() - _RESERVED_FILES)
        )
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and wrap it, for requests that it does not read and responses that it makes slowly."""
        super().load_wsgi()
        # glibc returns every block to the system that is larger than those that were freed so far. Once a large one
        # was, the memory of one piece of a response is that of the next, not some hundred new pages.
        bytearray(_FREED)
        self.wsgi = partial(leave_rest, partial(settle_body, self.wsgi))

    def run(self) -> None:
        """Accept connections and handle requests until the worker is stopped, then finish what has arrived."""
        self._pending = PendingConnections(self.poller)
        self.poller.register(self.PIPE[0], _READ, self._read_pipe)
        self._acceptor = Acceptor(
            self.sockets,
            self.poller,
            self._connection_counts,
            self.slot,
            self.log,
            has_room=self._has_room,
            close_idle=self._close_idle,
            on_accept=self._begin,
        )
        for listener in self.sockets:
            listener.setblocking(False)
        self._acceptor.set_listening(True)
        self._count()
        while self.alive:
            self._run_once()
        self._stop()

    # The event loop.

    def _run_once(self, longest: float = math.inf) -> None:
        pause, acceptor = min(self._limits.tick, longest), self._acceptor
        if self.alive and not acceptor.is_listening:
            pause = max(0.0, min(pause, acceptor.retry_at - monotonic()))
        for key, _ in self.poller.select(pause):
            key.data()
        now = monotonic()
        if self.alive and not acceptor.is_listening and now >= acceptor.retry_at:
            acceptor.resume(now)
        if now >= self._next_tick:
            self._next_tick = now + self._limits.tick
            self._tick(now)

    def _tick(self, now: float) -> None:
        self.notify()
        if not self.is_parent_alive():
            self.alive = False
        for connection in self._pending.take_due(now):
            assert connection.on_timeout is not None
            connection.on_timeout(connection)

    def _read_pipe(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.PIPE[0], 4096)

    def _stop(self) -> None:
        """Close the listeners, and run until every request is handled or the graceful timeout is over.

        If the whole service stops, the master has new handshakes dropped; those that have begun are waited for. The
        wait is also for the master, if it and its workers are signalled in any order, as systemd does.
        """
        self._connection_counts.exclude(self.slot)
        self._acceptor.set_listening(False)
        self.app.end_waiting()
        now = monotonic()
        self._pending.hasten(self._close, now + self._limits.closing)
        ends = now + max(0.0, self.cfg.graceful_timeout - _SECONDS_BEFORE_KILL)
        closes = now + self._limits.handshake
        while (left := closes - monotonic()) > 0:
            self._run_once(left)
        self._acceptor.close(self.cfg.backlog)
        while self._open and monotonic() < ends:
            self._run_once()
        self._abort_connections()
        self.tpool.shutdown(wait=False)
        self._uploads.shutdown(wait=False)
        self._waiting.shutdown(wait=False)

    def _abort_connections(self) -> None:
        """Shut down every connection: a thread that waits for its client would keep the process alive."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.raw.shutdown(socket.SHUT_RDWR)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop gracefully; exit at once if the application is not loaded yet, as while the store is unavailable."""
        super().handle_exit(sig, frame)
        if not self.booted:
            sys.exit(0)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop without waiting for requests."""
        self._abort_connections()
        super().handle_quit(sig, frame)

    # Connections.

    def _has_room(self) -> bool:
        """Return whether one more connection may be opened, after closing an idle one if necessary."""
        return len(self._open) < self._max_connections or self._close_idle()

    def _close_idle(self) -> bool:
        """Close the connection that has been idle longest; return whether there was one."""
        if (idle := self._pending.take_idle()) is not None:
            self._close(idle)
        return idle is not None

    def _make_room(self, size: int) -> None:
        """Close connections whose clients do not read, to free so many bytes of the send budget.

        Called in the thread that needs them; it does not block.
        """
        for connection in self._pending.take_stalled(monotonic() - self._limits.unread, size):
            self._close(connection)

    def _begin(self, raw: socket.socket, client: Any, server: Any) -> None:
        """Receive the first request of a connection that was accepted."""
        connection = Connection(raw, client, server, self._limits, self._budget)
        with self._lock:
            self._open.add(connection)
            self._count()
        connection.set_deadline(self._limits.header)
        self._receive(connection)

    def _count(self) -> None:
        if self.alive:
            self._connection_counts.set_count(self.slot, len(self._open))

    def _wait(
        self,
        connection: Connection,
        event: int,
        ready: Callable[[Connection], None],
        late: Callable[[Connection], None],
    ) -> None:
        """Register a connection with the loop, which calls one handler when the client is ready, or the other late."""
        connection.on_timeout = late
        self._pending.add(connection, event, partial(self._go_on, connection, ready))

    def _go_on(self, connection: Connection, ready: Callable[[Connection], None]) -> None:
        if self._pending.take(connection):  # a thread may have closed it since the poll
            ready(connection)

    def _receive(self, connection: Connection) -> None:
        """Receive bytes of a request, and dispatch it."""
        try:
            piece = connection.raw.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            self._wait(connection, _READ, self._receive, self._close)
            return
        except OSError:
            self._close(connection)
            return
        if connection.keep_alive:  # it was idle, and these bytes begin a request
            connection.keep_alive = False
            connection.set_deadline(self._limits.header)
        connection.received += piece
        self._dispatch(connection, len(piece))

    def _dispatch(self, connection: Connection, count: int) -> None:
        """Handle a request that has arrived, of which ``count`` bytes are new, or wait for the rest of it."""
        match connection.arrival(count):
            case Arrival.ALL:
                self._submit(connection)
            case Arrival.HEAD:
                self._submit(connection, may_wait=True)
            case Arrival.PART_OF_BODY if count:
                self._collect_body(connection, count)
            case Arrival.PART_OF_BODY:
                self._submit(
                    connection
                )  # the client closed its side: the application gets the incomplete body
            case Arrival.PART_OF_HEAD if not count:
                self._close(connection)
            case Arrival.PART_OF_HEAD:
                if failure := refusal(connection.received):
                    connection.received = connection.received[:MAX_HEADER]
                    self._submit(connection, failure=failure)
                else:
                    self._wait(connection, _READ, self._receive, self._time_out_header)

    def _collect_body(self, connection: Connection, count: int) -> None:
        """Wait for more of a short body, after sending 100 Continue if the client expects it."""
        if connection.on_timeout == self._time_out_body:
            connection.extend_deadline(count)
        else:
            connection.set_deadline(self._limits.grace)
            try:
                connection.send_continue()
            except OSError:
                self._close(connection)
                return
        self._wait(connection, _READ, self._receive, self._time_out_body)

    def _submit(
        self,
        connection: Connection,
        *,
        may_wait: bool = False,
        failure: Exception | None = None,
    ) -> None:
        """Hand a request to a thread of one of the pools: those that may wait for the client, or for events, or not."""
        connection.begin(may_wait=may_wait, failure=failure)
        pool = self._uploads if may_wait or may_store(connection.received) else self.tpool
        if asks_to_wait(connection.received):
            pool = self._waiting
        pool.submit(self._handle, connection)

    def _handle(self, connection: Connection) -> None:
        """Handle a request. Runs in a thread of a pool."""
        connection.set_deadline(self._limits.grace)
        parser = RequestParser(self.cfg, cast(Any, connection), connection.client)
        keep_alive = False
        try:
            connection.request = next(parser)
            keep_alive = self.handle_request(connection.request, cast(Any, connection))
        except (NoMoreData, StopIteration, OSError) as error:
            connection.rest = None
            self.log.debug("a request was not answered to its end: %s", error)
        except Exception as error:
            connection.rest = None
            self.handle_error(connection.request, cast(Any, connection), connection.client, error)
        finally:
            connection.received = parser.unreader.buf.getvalue() + connection.received
            connection.keep_alive, connection.continue_sent, connection.chunks = (
                keep_alive,
                False,
                None,
            )
            if connection.rest is None:
                self._send(connection)
            else:
                self._send_rest(connection)

    def _send(self, connection: Connection) -> None:
        """Send the rest of the response, then continue with the next request or close the connection."""
        try:
            is_sent = connection.flush()
        except OSError:
            self._close(connection)
            return
        if not is_sent:
            self._wait(connection, _WRITE, self._send, self._give_up)
        elif connection.rest is not None:
            self.tpool.submit(self._send_rest, connection)
        elif not connection.keep_alive:
            self._linger(connection)
        elif connection.received:
            connection.keep_alive = False
            connection.set_deadline(self._limits.header)
            self._dispatch(connection, len(connection.received))
        else:
            connection.set_deadline(self._limits.keepalive if self.alive else self._limits.closing)
            self._wait(connection, _READ, self._receive, self._close)

    def _send_rest(self, connection: Connection) -> None:
        """Send more of a response that is made while it is sent. Runs in a thread of a pool."""
        try:
            connection.send_rest(self.tpool)
        except Exception as error:  # also of the application, which has logged it
            self.log.debug("a request was not answered to its end: %s", error)
            connection.rest, connection.keep_alive = None, False
        self._send(connection)

    def _time_out_header(self, connection: Connection) -> None:
        """Respond 408 to a client whose header took too long."""
        connection.begin()
        connection.body_is_read = True
        connection.sendall(_REQUEST_TIMEOUT)
        self._send(connection)

    def _time_out_body(self, connection: Connection) -> None:
        """Let the application refuse a body that arrives too slowly, in the format of its API."""
        self._submit(connection, failure=TimeoutError("the body came too slowly"))

    def _linger(self, connection: Connection) -> None:
        """Close our side, then drain until the client has closed its own: a lingering close (RFC 9112 section 9.6).

        Closing a socket with unread bytes resets the connection. A client that is still sending would then see a
        broken connection instead of the response, such as 413 for a large upload.
        """
        limits = self._limits
        if connection.body_is_read:
            connection.drain_left, connection.drain_deadline = (
                MAX_HEADER,
                monotonic() + limits.closing,
            )
        else:
            connection.drain_left, connection.drain_deadline = (
                limits.drain_bytes,
                monotonic() + limits.drain_seconds,
            )
        try:
            connection.raw.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
        else:
            self._drain(connection)

    def _drain(self, connection: Connection) -> None:
        if connection.drain():
            self._close(connection)
            return
        drain_silence = self._limits.drain_silence if self.alive else self._limits.closing
        connection.deadline = min(monotonic() + drain_silence, connection.drain_deadline)
        self._wait(connection, _READ, self._drain, self._close)

    def _give_up(self, connection: Connection) -> None:
        """Close a connection whose client does not read its response."""
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        connection.rest = None
        connection.release_unsent()
        connection.raw.close()
        with self._lock:
            self._open.discard(connection)
            self._count()
