"""The end of the listeners: what the kernel does with a handshake while the rest is accepted."""

from __future__ import annotations

import errno
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from gunicorn import sock

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server.master import Master, drop_handshakes
from albumcore_adapters.server.serve import GunicornApplication

DROPS = sys.platform == "linux"
LONGER = 5
"""Seconds; a handshake that was dropped is tried again after one."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket that nothing accepts from."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _takes(listener: socket.socket) -> bool:
    """Whether a new connection is established; that it is not shows on the loopback interface at once."""
    with closing(socket.socket()) as client:
        client.settimeout(0.1)
        try:
            client.connect(listener.getsockname())
        except TimeoutError:
            return False
        return True


@pytest.mark.skipif(not DROPS, reason="the system has no filter for this")
def test_what_is_established_stays_and_the_rest_is_refused(listener: socket.socket) -> None:
    """A client that is dropped tries again, and finds the port closed."""
    address = listener.getsockname()
    with socket.create_connection(address) as early, socket.socket() as late:
        drop_handshakes(listener)
        late.setblocking(False)
        with pytest.raises(BlockingIOError):
            late.connect(address)
        accepted, _ = listener.accept()
        with accepted:
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()
            listener.close()
            early.sendall(b"a")
            assert accepted.recv(1) == b"a"
            accepted.sendall(b"b")
            assert early.recv(1) == b"b"
        select.select([], [late], [], LONGER)
        assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_a_system_without_filters(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes there."""
    monkeypatch.setattr(sys, "platform", "darwin")
    drop_handshakes(listener)
    assert _takes(listener)


@pytest.mark.parametrize(
    ("fact", "drops"),
    [
        ({}, DROPS),
        ({"systemd": True}, False),
        ({"reexec_pid": 2}, False),
        ({"master_pid": 2}, False),
    ],
    ids=["its own", "of systemd", "shared with a successor", "shared with a predecessor"],
)
def test_a_listener_that_goes_on_is_left_alone(fact: dict[str, int], drops: bool) -> None:
    """A copy of the listener stands for the process that has it too."""
    master = Master(GunicornApplication(Settings(bind="127.0.0.1:0"), print))
    listeners = sock.create_sockets(master.cfg, master.cfg.logger_class(master.cfg))
    for name, value in {"LISTENERS": listeners, **fact}.items():
        setattr(master, name, value)
    with listeners[0].sock.dup() as copy:
        master.stop()
        assert _takes(copy) is not drops
