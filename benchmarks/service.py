"""Servers to be measured: the service itself, and bare ones under the same gunicorn."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from attrs import frozen

WORKERS = 2
_START = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_libc = ctypes.CDLL(None)


class Answering(Protocol):
    """A server that is measured: ours, or another."""

    @property
    def address(self) -> str:
        """Where it answers."""
        ...

    def cpu_seconds(self) -> list[float]:
        """How long each of its processes has computed so far."""
        ...


@frozen
class Peer:
    """A server of others, of one process.

    Attributes:
        pid: The process.
        address: Where it answers.
    """

    pid: int
    address: str

    def cpu_seconds(self) -> list[float]:
        """How long it has computed so far, in user and kernel."""
        return [_cpu_seconds(self.pid)]


@frozen
class Server:
    """A running server: gunicorn and its workers.

    Attributes:
        pid: The process that the workers are children of.
        address: Where it answers.
    """

    pid: int
    address: str

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return family(self.pid, generations=1)[1:]

    def cpu_seconds(self) -> list[float]:
        """How long each worker has computed so far, in user and kernel, with the processes that it started."""
        return [sum(map(_cpu_seconds, family(worker))) for worker in self.workers]

    def resident(self) -> list[float]:
        """The resident memory of each worker, in megabytes (10^6 bytes)."""
        return list(map(resident, self.workers))


def family(pid: int, generations: int = 2) -> list[int]:
    """The id of a process, and those of the processes that it started, and that these did."""
    found = [pid]
    if generations:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text(encoding="ascii").split():
                found += family(int(child), generations - 1)
    return found


def resident(pid: int) -> float:
    """The resident memory of a process, in megabytes (10^6 bytes)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    [line] = [line for line in rollup.splitlines() if line.startswith("Rss:")]
    return int(line.split()[1]) * 1024 / 1e6


def _cpu_seconds(pid: int) -> float:
    # The name of a process may hold blanks; what is counted comes after it.
    after = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    return sum(map(int, after.split()[11:13])) / _TICKS


@contextmanager
def serving(data: Path, log_level: str = "info", **environment: str) -> Iterator[Server]:
    """The service over a data directory, as ``albumcore serve`` starts it."""
    command = ["-m", "albumcore_adapters", "serve", "--data", str(data), "--workers", str(WORKERS)]
    told = {"ALBUMCORE_LOG_LEVEL": log_level, **environment}
    with _running(command, "/healthz", told) as server:
        yield server


@contextmanager
def bare(directory: Path, log_level: str = "info") -> Iterator[Server]:
    """A server that does the least there is to do; see `benchmarks.bare`."""
    command = ["-m", "benchmarks.bare", str(directory), "--workers", str(WORKERS)]
    with _running(command, "/", {"ALBUMCORE_LOG_LEVEL": log_level}) as server:
        yield server


@contextmanager
def _running(command: list[str], health: str, environment: Mapping[str, str]) -> Iterator[Server]:
    bind = f"127.0.0.1:{free_port()}"
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("ALBUMCORE_")
    }
    address = f"http://{bind}"
    python = [sys.executable, *command, "--bind", bind]
    with running(python, f"{address}{health}", {**inherited, **environment}) as pid:
        yield Server(pid, address)


def free_port() -> int:
    """A port of the loopback interface that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: list[str], health: str, environment: Mapping[str, str]) -> Iterator[int]:
    """Run a server until the block ends, and give its process id once it answers at an address.

    What it logs, a line for each request too, goes to /dev/null.
    """
    with open(os.devnull, "wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        _wait_for(process, health)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent is gone, however that happened."""
    _libc.prctl(1, signal.SIGTERM)


def _wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=_START):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise RuntimeError("a server did not start")
