"""Gunicorn's gthread worker with another loop: a thread is given to a request that has arrived, not to a connection.

Of gunicorn it uses the parser (`RequestParser`), and of the worker ``handle_request`` and ``handle_error``. The loop
accepts connections, receives headers and short bodies, sends what clients have no room for, and reads off what is left
of refused bodies. None of this waits in a thread.
"""

from __future__ import annotations

import errno
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

from albumcore_adapters.server.connections import Budget, Connection
from albumcore_adapters.server.files import open_files
from albumcore_adapters.server.requests import LONGEST_HEAD, Arrived, refusal, settled
from albumcore_adapters.server.waiting import Waiting

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_PIECE = 16 * 1024  # received at once; most requests are shorter
_LEFT_TO_OTHERS = 0.001  # seconds between looks at whether another worker has accepted
_PATIENCE = 0.02  # seconds that a connection is left to a worker that has fewer: it may be busy
_FULL = 0.05  # seconds before a worker without room for a connection looks again
_OTHER_FILES = 256  # descriptors left for databases, images and outgoing requests
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_BETWEEN_WARNINGS = 1.0  # seconds
_SECONDS_BEFORE_KILL = 2.0  # that a stopping worker leaves gunicorn of its graceful time-out

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Worker(ThreadWorker):
    """A worker for a `serve.GunicornApplication`, which has the ``limits`` and the ``shares`` of all its workers.

    Requests that have arrived are answered by ``threads`` threads. Longer bodies are read while they arrive, by threads
    of their own, so that slow uploads leave the others alone.
    """

    app: Any
    slot: int | None
    """Where the worker counts its connections in the shares, if it does."""

    def init_process(self) -> None:
        """Prepare the loop, in the process of the worker, and run it."""
        self._limits, self._shares = self.app.limits, self.app.shares
        self._uploads = ThreadPoolExecutor(self._limits.uploads, "upload")
        self._budget = Budget(self._limits.unsent, self._make_room)
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._is_listening = False
        self._look_again = self._patience_ends = 0.0
        self._next_tick = self._next_warning = 0.0
        self._most = max(1, min(self._limits.connections, open_files() - _OTHER_FILES))
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and have its answers end connections on which a body was not read."""
        super().load_wsgi()
        self.wsgi = partial(settled, self.wsgi)

    def run(self) -> None:
        """Accept connections and answer requests until told to stop; then answer what is there, and no more."""
        self._names = {listener: listener.getsockname() for listener in self.sockets}
        self._waiting = Waiting(self.poller)
        self.poller.register(self.PIPE[0], _READ, self._signalled)
        for listener in self.sockets:
            listener.setblocking(False)
        self._listen(True)
        self._count()
        while self.alive:
            self._turn()
        self._stop()

    # The loop.

    def _turn(self) -> None:
        pause = self._limits.tick
        if not self._is_listening and self.alive:
            pause = max(0.0, min(pause, self._look_again - monotonic()))
        for key, _ in self.poller.select(pause):
            key.data()
        now = monotonic()
        if not self._is_listening and self.alive and now >= self._look_again:
            self._accept_at_last(now)
        if now >= self._next_tick:
            self._next_tick = now + self._limits.tick
            self._tick(now)

    def _tick(self, now: float) -> None:
        self.notify()
        if not self.is_parent_alive():
            self.alive = False
        for connection in self._waiting.take_late(now):
            assert connection.late is not None
            connection.late(connection)

    def _signalled(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.PIPE[0], 4096)

    def _stop(self) -> None:
        """Close the listeners, and go on until everything is answered or time is up."""
        self._listen(False)
        self._shares.leave(self.slot)
        for listener in self.sockets:
            self._accept_rest(listener)
            listener.close()
        now = monotonic()
        self._waiting.hasten(self._close, now + self._limits.closing)
        ends = now + max(0.0, self.cfg.graceful_timeout - _SECONDS_BEFORE_KILL)
        while self._open and monotonic() < ends:
            self._turn()
        self._cut_off()
        self.tpool.shutdown(wait=False)
        self._uploads.shutdown(wait=False)

    def _cut_off(self) -> None:
        """End every connection: a thread may wait for its client, and the process would wait for the thread."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.raw.shutdown(socket.SHUT_RDWR)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop, and answer what is there; a worker that still waits for its store has nothing to answer, and ends."""
        super().handle_exit(sig, frame)
        if not self.booted:
            sys.exit(0)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop at once."""
        self._cut_off()
        super().handle_quit(sig, frame)

    # Connections, from the first to the last byte.

    def _listen(self, is_listening: bool) -> None:
        if is_listening == self._is_listening:
            return
        self._is_listening = is_listening
        for listener in self.sockets:
            if is_listening:
                self.poller.register(listener, _READ, partial(self._accept, listener))
            else:
                self.poller.unregister(listener)

    def _accept(self, listener: socket.socket) -> None:
        """Accept one connection, unless another worker has fewer or there is no room."""
        now = monotonic()
        if not self._has_room():
            self._leave(now + _FULL, now + _FULL)
        elif not self._shares.is_least(self.slot):
            self._leave(now + _LEFT_TO_OTHERS, now + _PATIENCE)
        else:
            self._accepted(listener)

    def _leave(self, look_again: float, patience_ends: float) -> None:
        self._look_again, self._patience_ends = look_again, patience_ends
        self._listen(False)

    def _accept_at_last(self, now: float) -> None:
        """Accept a connection that was left to another worker, which did not take it: it may be busy, or be gone."""
        if not self._has_room():
            self._look_again = now + _FULL
        elif now < self._patience_ends and not self._shares.is_least(self.slot):
            self._look_again = now + _LEFT_TO_OTHERS
        else:
            self._listen(True)
            for listener in self.sockets:
                self._accepted(listener)

    def _has_room(self) -> bool:
        """Whether one more connection may be opened; if need be, the one that has been idle longest makes room."""
        return len(self._open) < self._most or self._close_idle()

    def _close_idle(self) -> bool:
        """Close the connection that has been idle longest, if there is one."""
        if (idle := self._waiting.take_idle()) is not None:
            self._close(idle)
        return idle is not None

    def _make_room(self, size: int) -> None:
        """Close connections whose clients do not read, for so many unsent bytes.

        Runs in the thread that has these to send, and does not wait.
        """
        for connection in self._waiting.take_stalled(monotonic() - self._limits.unread, size):
            self._close(connection)

    def _accept_rest(self, listener: socket.socket) -> None:
        """Accept what the kernel has accepted: to close the listener would reset these connections."""
        for _ in range(self.cfg.backlog):
            if not self._accepted(listener):
                return

    def _accepted(self, listener: socket.socket) -> bool:
        """Accept one connection, if one is there and there are means for it; whether there was one."""
        try:
            raw, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._exhausted(error.errno)
            return False
        connection = Connection(raw, client, self._names[listener], self._limits, self._budget)
        with self._lock:
            self._open.add(connection)
            self._count()
        connection.allow(self._limits.header)
        self._receive(connection)
        return True

    def _exhausted(self, number: int) -> None:
        """Make room for a connection that the process has no descriptor for, or no memory."""
        now = monotonic()
        if now >= self._next_warning:
            self._next_warning = now + _BETWEEN_WARNINGS
            self.log.warning("no connection can be accepted: %s", os.strerror(number))
        if not self._close_idle():
            self._leave(now + _FULL, now + _FULL)

    def _count(self) -> None:
        if self.alive:
            self._shares.write(self.slot, len(self._open))

    def _wait(
        self,
        connection: Connection,
        event: int,
        ready: Callable[[Connection], None],
        late: Callable[[Connection], None],
    ) -> None:
        """Have the loop go on with a connection when its client is ready, or when it is due."""
        connection.late = late
        self._waiting.add(connection, event, partial(self._go_on, connection, ready))

    def _go_on(self, connection: Connection, ready: Callable[[Connection], None]) -> None:
        if self._waiting.take(connection):  # it may have been closed since the poller told of it
            ready(connection)

    def _receive(self, connection: Connection) -> None:
        """Receive what there is of a request, and find out where it goes on."""
        try:
            piece = connection.raw.recv(_PIECE)
        except BlockingIOError:
            self._wait(connection, _READ, self._receive, self._close)
            return
        except OSError:
            self._close(connection)
            return
        if connection.is_kept:  # it was idle, and these bytes begin a header
            connection.is_kept = False
            connection.allow(self._limits.header)
        connection.received += piece
        self._consider(connection, len(piece))

    def _consider(self, connection: Connection, count: int) -> None:
        """Find out where a request goes on, of which so many bytes have arrived just now."""
        match connection.arrived(count):
            case Arrived.ALL:
                self._submit(connection)
            case Arrived.HEAD:
                self._submit(connection, is_patient=True)
            case Arrived.PART_OF_BODY if count:
                self._collect(connection, count)
            case Arrived.PART_OF_BODY:
                self._submit(connection)  # the client is gone, which the application is told
            case Arrived.PART_OF_HEAD if not count:
                self._close(connection)
            case Arrived.PART_OF_HEAD:
                if failure := refusal(connection.received):
                    connection.received = connection.received[:LONGEST_HEAD]
                    self._submit(connection, failure=failure)
                else:
                    self._wait(connection, _READ, self._receive, self._refuse_head)

    def _collect(self, connection: Connection, count: int) -> None:
        """Wait for more of a short body, which is asked for if the client waits for that."""
        if connection.late == self._refuse_body:
            connection.keep_pace(count)
        else:
            connection.allow(self._limits.grace)
            try:
                connection.ask_for_body()
            except OSError:
                self._close(connection)
                return
        self._wait(connection, _READ, self._receive, self._refuse_body)

    def _submit(
        self,
        connection: Connection,
        *,
        is_patient: bool = False,
        failure: Exception | None = None,
    ) -> None:
        """Have a thread answer a request: one that may wait for the client, or one that may not."""
        connection.begin(is_patient=is_patient, failure=failure)
        (self._uploads if is_patient else self.tpool).submit(self._answer, connection)

    def _answer(self, connection: Connection) -> None:
        """Answer a request. Runs in a thread."""
        connection.allow(self._limits.grace)
        parser = RequestParser(self.cfg, cast(Any, connection), connection.client)
        is_kept = False
        try:
            connection.request = next(parser)
            is_kept = self.handle_request(connection.request, cast(Any, connection))
        except (NoMoreData, StopIteration, OSError) as error:
            self.log.debug("a request was not answered to its end: %s", error)
        except Exception as error:
            self.handle_error(connection.request, cast(Any, connection), connection.client, error)
        finally:
            connection.received = parser.unreader.buf.getvalue() + connection.received
            connection.is_kept, connection.is_asked, connection.chunks = is_kept, False, None
            self._send(connection)

    def _send(self, connection: Connection) -> None:
        """Send what is left of an answer, and go on to the next request or to the end."""
        try:
            is_sent = connection.send_on()
        except OSError:
            self._close(connection)
            return
        if not is_sent:
            self._wait(connection, _WRITE, self._send, self._give_up)
        elif not connection.is_kept:
            self._end(connection)
        elif connection.received:
            connection.is_kept = False
            connection.allow(self._limits.header)
            self._consider(connection, len(connection.received))
        else:
            connection.allow(self._limits.keepalive if self.alive else self._limits.closing)
            self._wait(connection, _READ, self._receive, self._close)

    def _refuse_head(self, connection: Connection) -> None:
        """Answer a client whose header took too long."""
        connection.begin()
        connection.is_whole = True
        connection.sendall(_TOO_SLOW)
        self._send(connection)

    def _refuse_body(self, connection: Connection) -> None:
        """Have the application refuse a body that comes too slowly: it knows the shape of its errors."""
        self._submit(connection, failure=TimeoutError("the body came too slowly"))

    def _end(self, connection: Connection) -> None:
        """Close our side, and read until the client has closed its own (RFC 9112 section 9.6).

        A socket that is closed with unread bytes resets the connection. A client that is still sending would then see
        a broken connection in the place of the answer, such as the 413 for its large upload.
        """
        limits = self._limits
        if connection.is_whole:
            connection.left, connection.ends = LONGEST_HEAD, monotonic() + limits.closing
        else:
            connection.left, connection.ends = (
                limits.read_off,
                monotonic() + limits.longest_read_off,
            )
        try:
            connection.raw.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
        else:
            self._read_off(connection)

    def _read_off(self, connection: Connection) -> None:
        if connection.is_read_off():
            self._close(connection)
            return
        silence = self._limits.silence if self.alive else self._limits.closing
        connection.due = min(monotonic() + silence, connection.ends)
        self._wait(connection, _READ, self._read_off, self._close)

    def _give_up(self, connection: Connection) -> None:
        """Close a connection whose client does not read its answer."""
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        connection.forget_unsent()
        connection.raw.close()
        with self._lock:
            self._open.discard(connection)
            self._count()
