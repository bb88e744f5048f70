"""Following an album: how late an entry comes, and what idle streams cost."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from benchmarks.bench import Bench
from benchmarks.figures import Taken
from benchmarks.history import ALBUM, VIEWERS
from benchmarks.service import Server, family, free_port, resident, running, serving
from benchmarks.stores import bearer

STREAMS = 1000
_EVENTS, _COMMENTS = f"/albums/{ALBUM}/events", f"/albums/{ALBUM}/comments"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_POSTS = 20  # in a round
_SETTLED = 0.2  # seconds after which a request waits


def late(bench: Bench) -> Taken:
    """From the answer to the POST of a comment to the answer of a request that waits for it, in milliseconds."""
    store = bench.store(bench.scale.least)
    with store.opened() as service:
        token = {"Authorization": bearer(service, VIEWERS[0])}
    with serving(store.path) as ours:
        return Taken(
            [
                sorted(_milliseconds(ours, token) for _ in range(_POSTS))[_POSTS // 2]
                for _ in range(bench.scale.rounds)
            ]
        )


def idle_streams(bench: Bench) -> Taken:
    """The resident memory that each of a thousand idle streams adds to a process, in kilobytes."""
    store = bench.store(bench.scale.least)
    with store.opened() as service:
        token = bearer(service, VIEWERS[0])
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "albumcore_adapters.http.asgi:app"]
    command += ["--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "ALBUMCORE_DATA": str(store.path)}
    rounds = []
    for _ in range(bench.scale.rounds):
        with (
            running(command, f"http://127.0.0.1:{port}/healthz", environment) as pid,
            ExitStack() as streams,
        ):
            with _stream(port, token):
                before = _memory(pid)
            for _ in range(STREAMS):
                streams.enter_context(_stream(port, token))
            rounds.append((_memory(pid) - before) * 1000 / STREAMS)
    return Taken(rounds)


def _milliseconds(server: Server, token: dict[str, str]) -> float:
    place = urlsplit(server.address).netloc
    waiting, posting = (http.client.HTTPConnection(place, timeout=90) for _ in range(2))
    posting.request("GET", f"{_EVENTS}?limit=0", headers=token)
    plain = posting.getresponse()
    plain.read()
    answered: list[float] = []

    def wait() -> None:
        query = f"after={plain.headers['X-Next-Cursor']}&wait=60"
        waiting.request("GET", f"{_EVENTS}?{query}", headers=token)
        waiting.getresponse().read()
        answered.append(time.perf_counter())

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(_SETTLED)
    posting.request("POST", _COMMENTS, b"comment=Seen+it", {**token, **_FORM})
    posting.getresponse().read()
    posted = time.perf_counter()
    thread.join()
    waiting.close()
    posting.close()
    return max(0.0, answered[0] - posted) * 1000


def _stream(port: int, token: str) -> socket.socket:
    """A stream that has begun."""
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    client.sendall(
        f"GET {_EVENTS} HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\n"
        "Accept: text/event-stream\r\n\r\n".encode()
    )
    received = b""
    while b"id: " not in received:
        piece = client.recv(4096)
        assert piece, received
        received += piece
    return client


def _memory(pid: int) -> float:
    return sum(map(resident, family(pid)))
