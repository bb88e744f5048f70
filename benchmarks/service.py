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

from attrs import frozen

WORKERS = 2
_START = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_libc = ctypes.CDLL(None)


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
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [int(child) for child in children.split()]

    def cpu_seconds(self) -> list[float]:
        """How long each worker has computed so far, in user and kernel."""
        spent = []
        for worker in self.workers:
            # The name of a process may hold blanks; what is counted comes after it.
            after = Path(f"/proc/{worker}/stat").read_text(encoding="utf-8").rpartition(")")[2]
            spent.append(sum(map(int, after.split()[11:13])) / _TICKS)
        return spent

    def resident(self) -> list[float]:
        """The resident memory of each worker, in megabytes (10^6 bytes)."""
        sizes = []
        for worker in self.workers:
            rollup = Path(f"/proc/{worker}/smaps_rollup").read_text(encoding="ascii")
            [line] = [line for line in rollup.splitlines() if line.startswith("Rss:")]
            sizes.append(int(line.split()[1]) * 1024 / 1e6)
        return sizes


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
    """A server until the block ends. What it logs, a line for each request too, goes to /dev/null."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("ALBUMCORE_")
    }
    with open(os.devnull, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--bind", bind],
            stdout=log,
            stderr=log,
            env={**inherited, **environment},
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        server = Server(process.pid, f"http://{bind}")
        _wait_for(process, f"{server.address}{health}")
        yield server
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
