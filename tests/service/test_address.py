"""An address where the service cannot listen: one line, at once, with what to do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.server.address import CannotListen, check_address
from support.forked import albumcore
from support.server import serving


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    """The status is 2, and nothing is made in the data directory."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        data = tmp_path / "data"
        ended = subprocess.run(
            albumcore("serve", "--data", data, "--bind", bind),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 2
    [line] = (ended.stdout + ended.stderr).splitlines()
    assert line.startswith(f"albumcore: cannot listen at {bind}: the port is in use")
    assert "--bind or ALBUMCORE_BIND" in line
    assert not data.exists()


@pytest.mark.parametrize(
    ("bind", "why"),
    [
        ("192.0.2.1:8000", "this machine has no such address"),
        ("[2001:db8::1]:8000", "address"),
        ("no..name:8000", "name"),
    ],
)
def test_what_is_no_address_of_this_machine_is_told(bind: str, why: str) -> None:
    """Documentation addresses (RFC 5737, RFC 3849) and an invalid host name."""
    with pytest.raises(CannotListen, match=why) as told:
        check_address(bind)
    assert "\n" not in str(told.value)


def test_a_port_that_needs_a_privilege_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is simulated: tests may run as root."""

    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(CannotListen, match="may not listen there"):
        check_address("127.0.0.1:80")


def test_a_free_port_is_left_free() -> None:
    """The check closes its listener again, for gunicorn."""
    for bind in ("127.0.0.1:0", "localhost:0"):
        check_address(bind)


@pytest.mark.parametrize("name", ["GUNICORN_FD", "LISTEN_FDS"])
def test_a_port_that_is_handed_over_is_in_use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Inherited listeners are not checked."""
    with socket.create_server(("127.0.0.1", 0)) as handed_over:
        bind = f"127.0.0.1:{handed_over.getsockname()[1]}"
        with pytest.raises(CannotListen):
            check_address(bind)
        monkeypatch.setenv(name, "3")
        check_address(bind)


def test_a_successor_takes_the_port_over(tmp_path: Path) -> None:
    """SIGUSR2 starts a second master on the listener of the first, which can then be stopped."""
    with serving(tmp_path, workers=1, anew=True) as server:
        first = server.process.pid
        os.kill(first, signal.SIGUSR2)
        until = time.monotonic() + 60
        while not _has_successor(first):
            assert time.monotonic() < until
            time.sleep(0.05)
        os.kill(first, signal.SIGTERM)
        server.process.wait(60)
        try:
            assert (
                httpx.get(f"{server.address}/healthz", timeout=60, verify=default_tls()).status_code
                == 200
            )
        finally:
            os.killpg(first, signal.SIGKILL)


def _has_successor(pid: int) -> bool:
    """Whether a child of a process has a child itself."""
    return any(map(_children, _children(pid)))


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
