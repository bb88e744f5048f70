"""A worker of the service in a thread of this process, with an application of its own, on real sockets."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server import Limits, Worker
from albumcore_adapters.server.serve import GunicornApplication

MIB = 1024 * 1024
LARGE = 24 * MIB
"""More of an answer than the kernel takes from a server whose client does not read."""

QUICK = Limits(
    header=0.4,
    keepalive=0.6,
    grace=0.4,
    stall=0.8,
    drain_silence=0.4,
    drain_seconds=5.0,
    handshake=0.05,
    closing=0.3,
    tick=0.05,
)
"""Limits that a test can wait for."""


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Respond with the length of the body; ``/refuse`` does not read it, and ``/large`` has a large response."""
    path, body = environ["PATH_INFO"], environ["wsgi.input"]
    status, answer = "200 OK", b"here"
    try:
        if path == "/refuse":
            status, answer = "413 Content Too Large", b"too large"
        elif path == "/large":
            answer = bytes(LARGE)
        elif path == "/fail":
            raise RuntimeError("of the application")
        elif environ["REQUEST_METHOD"] == "POST":
            count = 0
            while piece := body.read(64 * 1024):
                count += len(piece)
            answer = b"%d" % count
    except TimeoutError:
        status, answer = "408 Request Timeout", b"too slow"
    except OSError:
        status, answer = "400 Bad Request", b"broken"
    start_response(status, [("Content-Length", str(len(answer)))])
    return [answer]


class _Server(GunicornApplication):
    """The service with the application of a test."""

    def __init__(self, limits: Limits, app: Callable[..., Any]) -> None:
        self._app = app
        super().__init__(Settings(), lambda address: None, limits)

    def load(self) -> Any:
        """Return the application."""
        return self._app


class InThread(Worker):
    """A worker outside of the main thread, which may not set signal handlers."""

    is_prepared: threading.Event

    def init_signals(self) -> None:
        """Do not change the signal handlers of the process."""

    def run(self) -> None:
        """Signal that the worker is initialised, and run it."""
        self.is_prepared.set()
        super().run()

    def stop(self) -> None:
        """Stop the worker as SIGTERM would."""
        self.alive = False
        os.write(self.PIPE[1], b"\0")

    def release(self) -> None:
        """Release what the exit of its process would."""
        self.poller.close()
        if queue := getattr(self, "method_queue", None):  # of newer versions of gunicorn
            queue.close()
        self.tmp.close()
        self.tpool.shutdown()
        self._uploads.shutdown()
        for end in self.PIPE:
            os.close(end)

    @property
    def is_listening(self) -> bool:
        """Whether the worker polls its listeners."""
        return hasattr(self, "_acceptor") and self._acceptor.is_listening

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._open)


@contextmanager
def working(
    limits: Limits = QUICK, app: Callable[..., Any] = application, workers: int = 1
) -> Iterator[tuple[int, list[InThread]]]:
    """Run workers that share a port of 127.0.0.1 until the end of the block; yield the port, and the workers."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _Server(limits, app)
        server.cfg.set("threads", 2)
        server.cfg.set("graceful_timeout", 5)
        running = []
        for number in range(workers):
            sockets: Any = [listener.dup()]
            log = server.cfg.logger_class(server.cfg)
            worker = InThread(number, os.getppid(), sockets, server, 30, server.cfg, log)
            worker.slot = server.connection_counts.assign(worker)
            worker.is_prepared = threading.Event()
            # A daemon: one that does not become ready is not stopped.
            thread = threading.Thread(target=worker.init_process, daemon=True)
            thread.start()
            running.append((worker, thread))
            assert worker.is_prepared.wait(30)
        try:
            yield listener.getsockname()[1], [worker for worker, _ in running]
        finally:
            for worker, _ in running:
                worker.stop()
            for _, thread in running:
                thread.join()
            for worker, _ in running:
                worker.release()
