"""The service under clients that are slow, many, or refused: others are answered without delay."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from support.server import Server, serving

pytestmark = [
    pytest.mark.on_sqlite,
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc"),
]

MIB = 1024 * 1024
ANSWERED = 0.2 * 10
"""Seconds in which a request is answered beside any number of slow clients: ten times what it should take."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with two workers."""
    with serving(tmp_path_factory.mktemp("slow") / "data") as server:
        _until(lambda: _has_others_than(server, set()))
        yield server


def _port(server: Server) -> int:
    return int(server.address.rpartition(":")[2])


def _connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", _port(server)), timeout=30)


def _seconds(server: Server) -> float:
    """How long a new client waits for a health response."""
    began = time.monotonic()
    client = http.client.HTTPConnection("127.0.0.1", _port(server), timeout=30)
    client.request("GET", "/healthz")
    assert client.getresponse().status == 200
    client.close()
    return time.monotonic() - began


def _workers(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(child) for child in children.read_text(encoding="ascii").split()]


def _connections(server: Server) -> list[int]:
    """The number of established connections of each worker, in ascending order."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    port = f":{_port(server):04X}"
    ours = {line[9] for line in lines if line[1].endswith(port) and line[3] in ("01", "08")}
    return sorted(len(_inodes(worker) & ours) for worker in _workers(server))


def _inodes(worker: int) -> set[str]:
    """The sockets that a process has open."""
    found = set()
    with suppress(FileNotFoundError):  # the process has ended
        for name in os.listdir(f"/proc/{worker}/fd"):
            with suppress(FileNotFoundError):
                found.add(os.readlink(f"/proc/{worker}/fd/{name}"))
    return {link[len("socket:[") : -1] for link in found if link.startswith("socket:")}


def _spread(server: Server, count: int) -> list[int]:
    """Open connections, count them by worker, and close them; the counts in ascending order."""
    _until(lambda: sum(_connections(server)) == 0)
    with ExitStack() as clients:
        for _ in range(count):
            clients.enter_context(_connect(server))
        _until(lambda: sum(_connections(server)) == count)
        return _connections(server)


def _until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, for a minute at most."""
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_connections_are_spread_over_the_workers(server: Server) -> None:
    """Of eight connections, no worker ever has more than five."""
    for _ in range(20):
        assert _spread(server, 8) in ([3, 5], [4, 4])


def _answered(server: Server, mib: int) -> float:
    """How long a client waits for the refusal of a body of so many MiB."""
    began = time.monotonic()
    client = http.client.HTTPConnection("127.0.0.1", _port(server), timeout=60)
    client.request("POST", "/albums", bytes(mib * MIB))
    assert client.getresponse().status == 401
    client.close()
    return time.monotonic() - began


def test_slow_clients_keep_nobody_waiting(server: Server) -> None:
    """500 idle connections and 500 that send little, slowly, do not delay other requests."""
    login = b"POST /tscharts/v1/login/ HTTP/1.1\r\nHost: a\r\n"
    slow = (
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"a"),
        (login + b"Transfer-Encoding: chunked\r\n\r\n", b"1;e\r\na\r\n"),
        (login + b"Transfer-Encoding: chunked\r\n\r\n", b"1;e\r\na\r\n"),
        (login + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", b""),
        (login + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", b""),
    )
    ended = threading.Event()

    def drip(clients: list[tuple[socket.socket, bytes]]) -> None:
        while not ended.wait(0.1):
            for client, piece in clients:
                with suppress(OSError):  # its time was up; the others go on
                    client.sendall(piece)

    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(_connect(server))
        dripping = [(stack.enter_context(_connect(server)), slow[i % 5]) for i in range(500)]
        for client, (beginning, _) in dripping:
            client.sendall(beginning)
        thread = threading.Thread(
            target=drip, args=([(client, piece) for client, (_, piece) in dripping],)
        )
        thread.start()
        try:
            assert max(_seconds(server) for _ in range(20)) < ANSWERED
            assert _answered(server, mib=1) < ANSWERED
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize("path", ["/albums", "/token", "/nothing", "/tscharts/v1/login/"])
@pytest.mark.parametrize("mib", [10, 90, 200])
def test_a_refusal_is_readable_however_large_the_body(server: Server, path: str, mib: int) -> None:
    """Python's client, which sends the whole body first, gets to read the response."""
    client = http.client.HTTPConnection("127.0.0.1", _port(server), timeout=60)
    client.request(
        "POST", path, bytes(mib * MIB), {"Content-Type": "application/x-www-form-urlencoded"}
    )
    answer = client.getresponse()
    assert answer.status in (401, 404, 413)
    assert answer.read()
    client.close()


def test_refused_bodies_take_no_memory(server: Server) -> None:
    """Nested JSON of 32 MiB without a token is refused by its length, without reading it into memory."""
    before = sum(_peak(worker) for worker in _workers(server))
    body = b'{"a":[' + b"{}," * 11_000_000 + b"{}]}"
    client = http.client.HTTPConnection("127.0.0.1", _port(server), timeout=60)
    client.request("POST", "/tscharts/v1/login/", body)
    assert client.getresponse().status == 413
    client.close()
    assert sum(_peak(worker) for worker in _workers(server)) - before < 10e6


def _peak(worker: int) -> int:
    """The peak resident memory of a process, in bytes."""
    return _memory(worker, "VmHWM")


def _memory(worker: int, field: str) -> int:
    """A figure of the memory of a process, in bytes."""
    status = Path(f"/proc/{worker}/status").read_text(encoding="utf-8")
    [line] = [line for line in status.splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024


def test_a_worker_at_rest_takes_less_than_80_mb(tmp_path: Path) -> None:
    """The resident memory of a worker that has answered a request, including shared pages.

    Its peak is what the master has at the fork, before the worker returns what the start took.
    """
    with serving(tmp_path / "data", anew=True) as server:
        assert _seconds(server) < ANSWERED
        assert max(_memory(worker, "VmRSS") for worker in _workers(server)) < 80e6


def test_workers_come_and_go(tmp_path: Path) -> None:
    """Killed and replaced workers leave no count that others wait for."""
    with serving(tmp_path / "data") as server:
        _until(lambda: _has_others_than(server, set()))
        [killed, _] = _workers(server)
        os.kill(killed, signal.SIGKILL)
        _until(lambda: _has_others_than(server, {killed}))
        assert _spread(server, 8) in ([3, 5], [4, 4])
        replaced = set(_workers(server))
        os.kill(server.process.pid, signal.SIGHUP)
        _until(lambda: _has_others_than(server, replaced))
        assert _spread(server, 8) in ([3, 5], [4, 4])
        assert _seconds(server) < ANSWERED
        assert server.stop() == 0


def _has_others_than(server: Server, workers: set[int]) -> bool:
    """Whether there are two new workers, and both accept connections."""
    now = _workers(server)
    if len(now) != 2 or workers & set(now):
        return False
    with ExitStack() as clients:
        for _ in range(4):
            clients.enter_context(_connect(server))
        _until(lambda: sum(_connections(server)) == 4)
        return 0 not in _connections(server)
