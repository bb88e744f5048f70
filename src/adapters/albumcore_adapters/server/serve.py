"""Serving with gunicorn: one data directory, several worker processes."""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import evolve
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from albumcore_adapters.base.json_lines import configure_logging
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.instances.pacs_archive import MOST_WAITING
from albumcore_adapters.server import MAX_WORKERS, ConnectionCounts, Limits, Worker
from albumcore_adapters.server.address import asked_at
from albumcore_adapters.server.master import Master
from albumcore_adapters.service import STORING_THREADS, Service, open_service
from albumcore_adapters.store import StoreUnavailable
from albumcore_adapters.store.log_watch import LogWatch
from albumcore_adapters.webhooks import Runner

_RETRY_SECONDS = 2
_REFUSING = 8  # threads that answer requests which are not let wait
_M_ARENA_MAX = -8  # from malloc.h
_log = logging.getLogger(__name__)

THREADS = 4
"""Requests that a worker handles at a time, in addition to uploads that are still arriving, and to those that wait for
an existing archive."""

_WAITING = 2 * MOST_WAITING + STORING_THREADS
"""Requests that may wait for an archive that hangs: for its answers, for what is sent to it, and, once one of these was
refused, for the instance that is being sent."""


class DiscreetLogger(Logger):
    """Gunicorn's log without the content of requests: a header, or the path of a link, contains a token."""

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a warning. For a malformed request, log only that there was one."""
        if str(msg).startswith("Invalid request"):
            super().warning("a malformed request was refused")
        else:
            super().warning(msg, *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log an error with its traceback. Of a request that it is about, log nothing."""
        if str(msg).startswith("Error handling request"):
            super().exception("a request could not be handled", **kwargs)
        else:
            super().exception(msg, *args, **kwargs)


class GunicornApplication(BaseApplication):
    """The gunicorn application. Each worker opens the data directory itself, after the fork."""

    def __init__(
        self, settings: Settings, announce: Callable[[str], None], limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits(waiting=settings.max_waiting + _REFUSING)
        self.connection_counts = ConnectionCounts()
        self._requests = RequestCounts(MAX_WORKERS)
        self._slot: int | None = None
        self._settings = settings
        self._announce = announce
        self._runner: Runner | None = None
        self._log_watch: LogWatch | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options from the settings."""
        options: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            "worker_class": Worker,
            "threads": THREADS if self._settings.pacs_url is None else THREADS + _WAITING,
            "timeout": 120,
            "graceful_timeout": 30,
            "keepalive": 5,  # enables keep-alive; `Limits` has the time
            "worker_connections": self.limits.connections,
            "sendfile": False,  # the connections of the worker are not sockets
            "loglevel": self._settings.log_level,
            "proc_name": "albumcore",
            "control_socket_disable": True,  # a setting of newer versions
            # Album edits travel in the query string, and some providers' tokens are long.
            "limit_request_line": 8190,
            "limit_request_field_size": 16384,
            # Otherwise a client could change the path of its request by a header.
            "forwarder_headers": "",
            "logger_class": DiscreetLogger,
            "when_ready": self._ready,
            "pre_fork": self._worker_begins,
            "worker_exit": self._worker_exits,
            "child_exit": self._worker_ended,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def _ready(self, arbiter: Any) -> None:
        self._announce(asked_at(str(arbiter.LISTENERS[0])))

    def load(self) -> Any:
        """Open the service in this worker, start delivering webhooks, and return the WSGI application."""
        _use_one_arena()
        opened = _retrying(lambda: open_service(self._settings))
        service = evolve(opened, requests=self._requests.for_worker(self._slot))
        self._log_watch = service.log_watch
        app = create_app(service)
        service.decoder.start()
        self._runner = Runner(service.outbox)
        self._runner.start()
        return app

    def end_waiting(self) -> None:
        """Have the requests of this worker answered that wait for events."""
        if self._log_watch is not None:
            self._log_watch.stop()

    def _worker_begins(self, server: Any, worker: Any) -> None:
        worker.slot = self._slot = self.connection_counts.assign(worker)  # the fork inherits it
        if self._slot is not None:
            self._requests.add_worker(self._slot)

    def _worker_ended(self, server: Any, worker: Any) -> None:
        self.connection_counts.release(worker)

    def _worker_exits(self, server: Any, worker: Any) -> None:
        if self._runner is not None:
            self._runner.stop()


def _use_one_arena() -> None:
    """Make all threads allocate from one arena, if the C library is glibc, which has several.

    The bytes of an image then reuse the memory of the last one, which is still in the processor's cache.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _retrying(open_: Callable[[], Service]) -> Service:
    """Retry until the database is available: a worker that exits while it boots would end the whole service."""
    while True:
        try:
            return open_()
        except StoreUnavailable as error:
            _log.warning("the store is not available, and is asked again: %s", error)
            time.sleep(_RETRY_SECONDS)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until stopped. This does not return: gunicorn ends the process.

    Args:
        settings: The data directory, the address, and the number of workers.
        announce: Called once connections are accepted, with the address at which this machine asks the service.
    """
    configure_logging(settings.log_level)
    Master(GunicornApplication(settings, announce)).run()
