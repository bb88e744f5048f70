"""Ask for a forked process of ``albumcore``: ``python ask.py SOCKET ARGUMENTS...`` runs as if it were the command.

It starts at once, for it imports nothing but what the question takes.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from json import dumps
from struct import Struct

NUMBER = Struct("!i")


def ask(
    address: str,
    arguments: Sequence[str],
    files: Sequence[int],
    *,
    own_session: bool,
) -> tuple[socket.socket, int]:
    """Have a process forked that runs ``albumcore``, here and with the environment of this process.

    Args:
        address: The socket of the process to fork.
        arguments: The arguments of the command.
        files: Its input, output and error output.
        own_session: Whether it has a session of its own.

    Returns:
        A connection from which its status is read, once it has ended, and its process id.
    """
    asked = socket.socket(socket.AF_UNIX)
    asked.connect(address)
    socket.send_fds(asked, [b"\0"], files)
    told = (arguments, os.getcwd(), dict(os.environ), own_session)
    asked.sendall(dumps(told).encode())
    asked.shutdown(socket.SHUT_WR)
    return asked, number_of(asked)


def number_of(asked: socket.socket) -> int:
    """The next number that is answered: the process id, or the status."""
    number: int = NUMBER.unpack(asked.recv(NUMBER.size))[0]
    return number


def _run(address: str, *arguments: str) -> int:
    asked, pid = ask(address, arguments, (0, 1, 2), own_session=False)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    with asked:
        status = number_of(asked)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(_run(*sys.argv[1:]))
