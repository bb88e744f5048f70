"""The command ``albumcore`` in processes that are forked from one that has imported it, which takes most of a start.

`albumcore` is for `subprocess`: a small program that waits for the command, and passes SIGTERM on. `start` is for a
service: the process itself, in a session of its own.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from attrs import define

from support.forked.ask import ask, number_of

_FOLDER = Path(__file__).parent


def albumcore(*arguments: str | Path) -> list[str]:
    """The command line that runs ``albumcore`` with some arguments."""
    program = [sys.executable, "-SEP", str(_FOLDER / "ask.py"), _address()]
    return [*program, *map(str, arguments)]


@define
class Forked:
    """A process that was forked, as `subprocess.Popen` has it."""

    pid: int
    stdout: int
    stderr: int
    _asked: socket.socket
    returncode: int | None = None

    def poll(self) -> int | None:
        """The status that it has ended with, or None."""
        try:
            return self.wait(0)
        except BlockingIOError:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return its status.

        Raises:
            TimeoutError: it has not ended in so many seconds.
            BlockingIOError: it has not, in none.
        """
        if self.returncode is None:
            self._asked.settimeout(timeout)
            self.returncode = number_of(self._asked)
            self._asked.close()
        return self.returncode

    def terminate(self) -> None:
        """Send it SIGTERM, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


def start(*arguments: str) -> Forked:
    """Start ``albumcore`` in a session of its own, with pipes for what it writes, which the caller closes."""
    output, error = os.pipe(), os.pipe()
    with open(os.devnull) as nothing:
        asked, pid = ask(
            _address(),
            arguments,
            (nothing.fileno(), output[1], error[1]),
            own_session=True,
        )
    for _, written in (output, error):
        os.close(written)
    return Forked(pid, output[0], error[0], asked)


@cache
def _address() -> str:
    """The socket of the process that others are forked from, which ends with this one."""
    folder = tempfile.mkdtemp()
    address = f"{folder}/socket"
    parent = subprocess.Popen(
        [sys.executable, "-P", str(_FOLDER / "parent.py"), address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    assert parent.stdout.readline(), "it did not start"
    parent.stdout.close()
    atexit.register(parent.wait)
    atexit.register(parent.stdin.close)
    return address
