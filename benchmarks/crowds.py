"""A service beside many slow clients, and how its workers share connections."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from benchmarks.bench import Bench
from benchmarks.figures import Taken
from benchmarks.service import Server, serving

IDLE, DRIPPING = 500, 100
_SLOW = (
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"a"),
    (
        b"POST /tscharts/v1/login/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\na\r\n",
    ),
)
"""How a slow header and a slow body begin, and the piece that follows ten times a second."""


def beside_slow_clients(bench: Bench) -> Taken:
    """The longest that a new client waits for ``/healthz``, beside idle connections and dripping ones."""
    store = bench.store(bench.scale.least)
    with serving(store.path) as ours:
        rounds = []
        for _ in range(bench.scale.rounds):
            with _slow_clients(ours):
                rounds.append(max(_milliseconds(ours) for _ in range(50)))
        return Taken(rounds)


@contextmanager
def _slow_clients(server: Server) -> Iterator[None]:
    ended = threading.Event()
    with ExitStack() as stack:
        for _ in range(IDLE):
            stack.enter_context(_connect(server))
        dripping = []
        for number in range(DRIPPING):
            client = stack.enter_context(_connect(server))
            beginning, piece = _SLOW[number % len(_SLOW)]
            client.sendall(beginning)
            dripping.append((client, piece))

        def drip() -> None:
            while not ended.wait(0.1):
                for client, piece in dripping:
                    client.sendall(piece)

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _connect(server: Server) -> socket.socket:
    return socket.create_connection(_place(server), timeout=30)


def _place(server: Server) -> tuple[str, int]:
    parts = urlsplit(server.address)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _milliseconds(server: Server) -> float:
    began = time.perf_counter()
    client = http.client.HTTPConnection(*_place(server), timeout=30)
    client.request("GET", "/healthz")
    client.getresponse().read()
    client.close()
    return (time.perf_counter() - began) * 1e3
