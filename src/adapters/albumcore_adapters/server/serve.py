"""The service under gunicorn: one data directory, several worker processes."""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from attrs import evolve
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.util import is_ipv6, parse_address

from albumcore_adapters.base.logs import configure_logging
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.server import MOST_WORKERS, Limits, Shares, Worker
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.store import StoreUnavailable
from albumcore_adapters.webhooks import Runner

_AGAIN_SECONDS = 2
_M_ARENA_MAX = -8  # as malloc.h has it
_log = logging.getLogger(__name__)

THREADS = 4
"""Requests a worker answers at a time, beside those whose body it is still receiving."""


class DiscreetLogger(Logger):
    """Gunicorn's log, without what a client sent: a malformed header may well hold a token."""

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a warning; of a malformed request, that there was one."""
        if str(msg).startswith("Invalid request"):
            super().warning("a malformed request was refused")
        else:
            super().warning(msg, *args, **kwargs)


class GunicornApplication(BaseApplication):
    """Gunicorn with our settings. The data directory is opened by each worker, after the fork."""

    def __init__(
        self, settings: Settings, announce: Callable[[str], None], limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.shares = Shares()
        self._requests = RequestCounts(MOST_WORKERS)
        self._slot: int | None = None
        self._settings = settings
        self._announce = announce
        self._runner: Runner | None = None
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn what the settings mean for it."""
        options: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            "worker_class": Worker,
            "threads": THREADS,
            "timeout": 120,
            "graceful_timeout": 30,
            "keepalive": 5,  # that connections are kept; for how long, the limits say
            "worker_connections": self.limits.connections,
            "sendfile": False,  # the worker's connections are no sockets
            "loglevel": self._settings.log_level,
            "proc_name": "albumcore",
            "control_socket_disable": True,  # a setting of newer versions
            # Album edits travel in the query string, and some providers' tokens are long.
            "limit_request_line": 8190,
            "limit_request_field_size": 16384,
            # Or a client could change, by a header, which path it asked for.
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
        self._announce(str(arbiter.LISTENERS[0]))

    def load(self) -> Any:
        """Open the data directory in this worker, and compose the application on it; start sending webhooks."""
        _share_one_heap()
        opened = _patiently(lambda: open_service(self._settings))
        service = evolve(opened, requests=self._requests.for_worker(self._slot))
        app = create_app(service)
        self._runner = Runner(service.outbox)
        self._runner.start()
        return app

    def _worker_begins(self, server: Any, worker: Any) -> None:
        worker.slot = self._slot = self.shares.give(worker)  # the fork inherits it
        if self._slot is not None:
            self._requests.add_worker(self._slot)

    def _worker_ended(self, server: Any, worker: Any) -> None:
        self.shares.take_back(worker)

    def _worker_exits(self, server: Any, worker: Any) -> None:
        if self._runner is not None:
            self._runner.stop()


def _share_one_heap() -> None:
    """Have all threads of this process allocate from one heap, where the C library is one that gives each its own.

    The bytes of an image are then put where those of the last one were, which the processor still has at hand.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _patiently(open_: Callable[[], Service]) -> Service:
    """Open it as soon as the database is there: a worker that gives up would end the whole service."""
    while True:
        try:
            return open_()
        except StoreUnavailable as error:
            _log.warning("the store is not available, and is asked again: %s", error)
            time.sleep(_AGAIN_SECONDS)


class CannotListen(Exception):
    """The service cannot listen where it was told to: a sentence that says why, and what to do."""


_WHY = {
    errno.EADDRINUSE: "the port is in use: stop what listens there, or",
    errno.EADDRNOTAVAIL: "this machine has no such address:",
    errno.EACCES: "this user may not listen there, as below port 1024:",
}
_LISTENERS_ARE_GIVEN = "GUNICORN_FD", "LISTEN_FDS"  # by the process before this one, or by systemd


def check_address(bind: str) -> None:
    """Listen at a ``HOST:PORT`` for a moment: gunicorn would try for five seconds, and say in many lines why not.

    Nothing is tried where the process was given its listeners.

    Raises:
        CannotListen: that is not possible.
    """
    if any(name in os.environ for name in _LISTENERS_ARE_GIVEN):
        return
    host, port = cast("tuple[str, int]", parse_address(bind))
    try:
        with socket.socket(socket.AF_INET6 if is_ipv6(host) else socket.AF_INET) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
    except (OSError, UnicodeError) as error:  # the latter of what is no host name
        number, said = getattr(error, "errno", None), getattr(error, "strerror", None)
        why = _WHY.get(number or 0, f"{said or 'no host has such a name'}:")
        what = "choose another address with --bind or ALBUMCORE_BIND"
        raise CannotListen(f"cannot listen at {bind}: {why} {what}") from error


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until stopped. It does not return: gunicorn ends the process.

    Args:
        settings: The data directory, where to listen, and how many workers.
        announce: Called with the address, such as ``http://127.0.0.1:8000``, once connections are taken.
    """
    configure_logging(settings.log_level)
    GunicornApplication(settings, announce).run()
