"""Gunicorn's master process, which stops the service without resetting connections."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

from gunicorn.arbiter import Arbiter

_SO_ATTACH_FILTER = 26  # from asm-generic/socket.h
_FLAGS = 13  # offset in a TCP header (RFC 9293 section 3.1)
_ACK, _SYN = 0x10, 0x02  # two of the flags
_INSTRUCTION = struct.Struct(
    "HBBI"
)  # code, jumps if true and if false, operand: from linux/filter.h
_FILTER = b"".join(
    _INSTRUCTION.pack(*instruction)
    for instruction in (
        (0x30, 0, 0, _FLAGS),  # load the byte with the flags
        (0x54, 0, 0, _SYN | _ACK),  # mask it
        (0x15, 0, 1, _SYN),  # skip the next one unless it is SYN alone
        (0x06, 0, 0, 0),  # drop the segment
        (0x06, 0, 0, 0xFFFFFFFF),  # pass the segment on
    )
)


def drop_handshakes(listener: socket.socket) -> None:
    """Let the kernel drop the first segment of every handshake from now on. Does nothing on other systems than Linux.

    Handshakes that have begun are completed, and connections in the backlog stay. A client that is dropped repeats its
    segment, after a second in most systems, and is refused if the port is closed by then. The socket is changed for
    all processes that share it, and for good.
    """
    if sys.platform == "linux":
        program = ctypes.create_string_buffer(_FILTER)
        size, address = len(_FILTER) // _INSTRUCTION.size, ctypes.addressof(program)
        with suppress(OSError):  # a kernel without filters
            listener.setsockopt(
                socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", size, address)
            )


class Master(Arbiter):
    """Gunicorn's master process.

    The kernel completes handshakes until the last process closes the listener, and resets the connections that no
    worker has accepted by then. So that there are none, the master has new handshakes dropped before its workers
    accept the rest.
    """

    def stop(self, graceful: bool = True) -> None:
        """Stop the workers, after dropping new handshakes if the listeners end with them.

        A listener goes on if systemd has made it, or another master shares it, as during an upgrade by SIGUSR2.
        """
        listeners: list[Any] = self.LISTENERS
        if self.reexec_pid == self.master_pid == 0 and not self.systemd:
            for listener in listeners:
                drop_handshakes(listener.sock)
        super().stop(graceful)
