"""Messages between the service and a decoding process: JSON and bytes, each with its length before it.

They are not pickled: nothing that the process sends is run.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

import orjson
from attrs import field, frozen

MAX_READ = 1024 * 1024
"""The most bytes of a file that are asked for at once."""

MAX_ANSWER = 256 * 1024 * 1024
"""The longest answer to a job, in bytes."""

_LENGTHS = struct.Struct("<II")


@frozen
class WireMessage:
    """What is said, and the bytes that belong to it."""

    says: dict[str, Any]
    content: bytes = field(default=b"", repr=False)


class Disconnected(Exception):
    """The other side has closed the connection, or sends what is no message."""


def send(channel: socket.socket, message: WireMessage) -> None:
    """Send a message.

    Raises:
        OSError: the other side has closed the connection.
        TimeoutError: the time-out of the channel is over.
    """
    says = orjson.dumps(message.says)
    channel.sendall(_LENGTHS.pack(len(says), len(message.content)) + says)
    if message.content:
        channel.sendall(message.content)


def receive(channel: socket.socket, before_read: Callable[[], None] = lambda: None) -> WireMessage:
    """Receive a message.

    Args:
        channel: The connection.
        before_read: Called before each wait for bytes, to set the time-out of the channel.

    Raises:
        Disconnected: the other side has closed the connection, or sends what is no message.
        TimeoutError: the time-out of the channel is over.
    """
    try:
        says, content = _LENGTHS.unpack(_exactly(channel, _LENGTHS.size, before_read))
        if says + content > MAX_ANSWER:
            raise Disconnected(f"an answer of more than {MAX_ANSWER} bytes")
        body = orjson.loads(_exactly(channel, says, before_read))
        if not isinstance(body, dict):
            raise Disconnected("not a message")
        return WireMessage(body, _exactly(channel, content, before_read))
    except (ConnectionError, orjson.JSONDecodeError) as error:
        raise Disconnected(type(error).__name__) from None


def _exactly(channel: socket.socket, length: int, before_read: Callable[[], None]) -> bytes:
    pieces = []
    while length:
        before_read()
        piece = channel.recv(length, socket.MSG_WAITALL)
        if not piece:
            raise Disconnected("closed")
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
