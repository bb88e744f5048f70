"""A real server in a process group of its own, for requests over HTTP and for being killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol, TextIO

import httpx
from attrs import define

from albumcore import utc_now
from albumcore.ids import UserId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.service import Service, open_service
from support import forked

_LISTENING = re.compile(r"Listening at: (http://\S+)")
START_SECONDS = 60
STOP_SECONDS = 120


class Process(Protocol):
    """The process of a server."""

    @property
    def pid(self) -> int:
        """Its id, which its process group has, too."""

    def poll(self) -> int | None:
        """The status that it has ended with, or None."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return its status."""

    def terminate(self) -> None:
        """Ask it to end."""


@define
class Server:
    """A running ``albumcore serve``.

    Attributes:
        process: Its process.
        address: Its address.
        printed: Its log, up to the line that has the address.
        output: What it prints beside its log.
    """

    process: Process
    address: str
    printed: str
    output: TextIO

    def kill(self) -> None:
        """Kill all of its processes at once, as a power failure would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Stop the server, and wait until it has exited."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


@contextmanager
def serving(data: Path, *options: str, workers: int = 2, anew: bool = False) -> Iterator[Server]:
    """Serve a data directory on a free port of 127.0.0.1 until the end of the block.

    The process is forked from one that has imported the service, and its decoding processes start when they are first
    needed, unless it is to be started ``anew``, as by a user.
    """
    arguments = (
        *("serve", "--data", str(data), "--bind", "127.0.0.1:0", "--workers", str(workers)),
        *options,
    )
    process, output, log = (_started if anew else _forked)(arguments)
    try:
        address, printed = _address(log)
        server = Server(process, address, printed, output)
        _wait_until_healthy(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.close()


@contextmanager
def serving_asgi(data: Path, workers: int = 1) -> Iterator[tuple[str, int]]:
    """Serve a data directory by the ASGI application until the end of the block; its address, and its process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = data / "server.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "albumcore_adapters.http.asgi:app"),
                *("--port", str(port), "--workers", str(workers)),
            ],
            stdout=written,
            stderr=written,
            env={**os.environ, "ALBUMCORE_DATA": str(data)},
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            with suppress(httpx.TransportError):
                httpx.get(
                    f"http://127.0.0.1:{port}/healthz", timeout=START_SECONDS
                ).raise_for_status()
                break
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _forked(arguments: Sequence[str]) -> tuple[Process, TextIO, TextIO]:
    process = forked.start(*arguments)
    return process, open(process.stdout), open(process.stderr)


def _started(arguments: Sequence[str]) -> tuple[Process, TextIO, TextIO]:
    process = subprocess.Popen(
        [sys.executable, "-m", "albumcore_adapters", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    output, log = process.stdout, process.stderr
    assert isinstance(output, TextIOWrapper)
    assert isinstance(log, TextIOWrapper)
    return process, output, log


def _address(log: TextIO) -> tuple[str, str]:
    """Read the address from the log, and drain the rest of it, so that the server never blocks."""
    read = []
    for line in log:
        read.append(line)
        if (found := _LISTENING.search(line)) is not None:
            threading.Thread(target=_drain, args=(log,), daemon=True).start()
            return found[1], "".join(read)
    raise AssertionError(f"the server did not start:\n{''.join(read)}")


def _drain(log: TextIO) -> None:
    with log:
        for _ in log:
            pass


def _wait_until_healthy(server: Server) -> None:
    transport = httpx.HTTPTransport(verify=default_tls(), retries=5)
    with httpx.Client(transport=transport, timeout=START_SECONDS) as client:
        client.get(f"{server.address}/healthz").raise_for_status()


@contextmanager
def opened(data: Path) -> Iterator[Service]:
    """Open the same data directory in this process."""
    service = open_service(Settings(data=data))
    try:
        yield service
    finally:
        service.close()


def user_of(service: Service, sub: str) -> UserId:
    """The user id by which events and tables name a registered person."""
    known = service.people.with_sub(sub)
    assert known is not None
    return known.id


def bearer(service: Service, sub: str) -> dict[str, str]:
    """The Authorization header of the user ``sub``."""
    token = issue_token(service.secret, sub, f"{sub}@clinic.example", sub.title(), 3600, utc_now())
    return {"Authorization": f"Bearer {token}"}
