"""SIGTERM: no new connection is taken, and every request on one that was is answered."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.server import Server, serving

CLIENTS = 24
GET = b"GET /liveness HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BODY = 200_000
UPLOAD = (
    b"POST /albums HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: %d\r\n\r\n" % BODY
)
ANSWERED = {"HTTP/1.1 200"}
AT_THE_END = ANSWERED if sys.platform == "linux" else {*ANSWERED, "ConnectionResetError"}
"""Other kernels reset the connections that they establish between the last accept and the close of the port."""

SOON, START = 30, 120
"""Seconds; what is waited for takes one or two, and the start of new workers a few."""


def _until(holds: Callable[[], bool], seconds: float = SOON) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def _ask_until_refused(port: int, seen: Counter[str]) -> None:
    """Send requests on one connection after another until one is refused; how each of them ended."""
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            return
        with client:
            try:
                client.sendall(GET)
                answer = client.recv(12)
            except OSError as error:
                seen[type(error).__name__] += 1
            else:
                seen[answer.decode()] += 1


def _port(server: Server) -> int:
    port = urlsplit(server.address).port
    assert port is not None
    return port


@pytest.mark.parametrize("end", [os.kill, os.killpg], ids=["the master", "all of its processes"])
def test_what_was_taken_is_answered_and_nothing_else_is_taken(
    tmp_path: Path, end: Callable[[int, int], None]
) -> None:
    """Connections in the backlog are answered, and so is an upload that takes longer."""
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(CLIENTS) as threads, serving(tmp_path) as server:
        port = _port(server)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as upload:
            upload.sendall(UPLOAD + bytes(BODY // 2))
            clients = [threads.submit(_ask_until_refused, port, seen) for _ in range(CLIENTS)]
            _until(lambda: seen["HTTP/1.1 200"] > 10 * CLIENTS)
            end(server.process.pid, signal.SIGTERM)
            for client in clients:
                client.result(SOON)
            assert ANSWERED <= set(seen) <= AT_THE_END
            assert server.process.poll() is None
            upload.sendall(bytes(BODY - BODY // 2))
            assert upload.recv(12) == b"HTTP/1.1 401"
        assert server.process.wait(60) == 0


def test_workers_that_are_replaced_refuse_nothing(tmp_path: Path) -> None:
    """The port stays open while workers end and others take over."""
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(CLIENTS) as threads, serving(tmp_path) as server:
        former = _children(server.process.pid)
        clients = [threads.submit(_ask_until_refused, _port(server), seen) for _ in range(CLIENTS)]
        os.kill(server.process.pid, signal.SIGHUP)
        _until(lambda: not former & _children(server.process.pid), START)
        answered = seen["HTTP/1.1 200"]
        _until(lambda: seen["HTTP/1.1 200"] > answered + 10 * CLIENTS)
        assert not any(client.done() for client in clients)
        assert set(seen) == ANSWERED
        assert server.stop() == 0


def _children(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


_NO_STORE = """
import sys
from albumcore_adapters.server import serve
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.store import StoreUnavailable

def away(settings):
    print("asked", flush=True)
    raise StoreUnavailable("away")

serve.open_service = away
serve.serve(Settings(bind="127.0.0.1:0", workers=1), lambda address: None)
"""


def test_a_worker_that_waits_for_its_store_ends_at_once() -> None:
    """Otherwise its copy of the listener would take connections that no worker accepts."""
    with subprocess.Popen(
        [sys.executable, "-c", _NO_STORE],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"asked\n"
            process.terminate()
            assert process.wait(SOON) == 0
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
