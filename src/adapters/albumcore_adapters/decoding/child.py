"""The decoding process: ``python -m albumcore_adapters.decoding.child MEMORY SECONDS``, with a socket as its input.

It opens no file and no connection once it is ready: its limits forbid it. The bytes of a file come over the socket, by
the ranges that it asks for. It ends when the other side closes the socket, or when a job takes too long.
"""

from __future__ import annotations

import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import attrs
import cattrs
from attrs import frozen

from albumcore_adapters.base.byte_source import SourceFile
from albumcore_adapters.decoding.wire import MAX_READ, Disconnected, WireMessage, receive, send
from albumcore_adapters.dicom.deflated import BoundedReader
from albumcore_adapters.dicom.errors import CannotCompose, CannotDecode, NotAnInstance
from albumcore_adapters.dicom.explicit import explicit_file
from albumcore_adapters.dicom.frames import has_decoder
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.dicom.part10 import compose
from albumcore_adapters.dicom.pictures import Rendering
from albumcore_adapters.dicom.reading import (
    bulk_data,
    decoded_frames,
    load_all,
    photograph_size,
    rendered_frame,
    small_photograph,
)

_BUFFER = 8192  # bytes; larger reads are not buffered
_LEAST = 32 * 1024 * 1024  # bytes of memory for files
_OPEN_FILES = 3  # input, output and errors


@frozen
class RemoteSource:
    """The file of a job: its first bytes, and the rest when it is asked for."""

    channel: socket.socket
    length: int
    start: bytes

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to before ``stop``.

        Raises:
            Disconnected: they cannot be had.
        """
        if stop <= len(self.start):
            return self.start[start:stop]
        pieces = []
        for begin in range(start, stop, MAX_READ):
            send(self.channel, WireMessage({"read": [begin, min(begin + MAX_READ, stop)]}))
            pieces.append(receive(self.channel).content)
        return b"".join(pieces)


def _header(file: BoundedReader, _: Mapping[str, Any]) -> WireMessage:
    header = read_header(file)
    pixels = header.pixels.to_json() if header.pixels else b""
    says = {
        "record": attrs.asdict(header.record, recurse=False),
        "transfer_syntax": header.transfer_syntax,
        "json": len(header.json),
    }
    return WireMessage(says, header.json + pixels)


def _frames(file: BoundedReader, asked: Mapping[str, Any]) -> WireMessage:
    return _several(decoded_frames(file, asked["numbers"]))


def _several(pieces: Sequence[bytes]) -> WireMessage:
    return WireMessage({"lengths": [len(piece) for piece in pieces]}, b"".join(pieces))


def _render(file: BoundedReader, asked: Mapping[str, Any]) -> WireMessage:
    rendering = cattrs.structure(asked["rendering"], Rendering)
    picture = rendered_frame(file, asked["frame"], rendering)
    return WireMessage({"media_type": picture.media_type}, picture.content)


def _photograph(file: BoundedReader, asked: Mapping[str, Any]) -> WireMessage:
    return WireMessage({}, small_photograph(file.read(asked["length"]), asked["side"]))


def _photograph_size(file: BoundedReader, asked: Mapping[str, Any]) -> WireMessage:
    return WireMessage({"size": photograph_size(file.read(asked["length"]))})


def _bulk(file: BoundedReader, asked: Mapping[str, Any]) -> WireMessage:
    return WireMessage({}, bulk_data(file, asked["path"]))


def _explicit(file: BoundedReader, _: Mapping[str, Any]) -> WireMessage:
    found = explicit_file(file)
    says = {"stored": found.stored, "frames": found.frames, "is_padded": found.is_padded}
    return WireMessage(says, found.start)


def _decodable(_: BoundedReader, asked: Mapping[str, Any]) -> WireMessage:
    return WireMessage({"decodable": [one for one in asked["syntaxes"] if has_decoder(one)]})


def _compose(pixels: BoundedReader, asked: Mapping[str, Any]) -> WireMessage:
    attributes, lengths = asked["attributes"], asked["lengths"]
    named = asked["transfer_syntax"]
    return _several(compose(pixels, attributes, lengths, asked["media_type"], named))


JOBS: Mapping[str, Callable[[BoundedReader, Mapping[str, Any]], WireMessage]] = {
    "bulk": _bulk,
    "compose": _compose,
    "decodable": _decodable,
    "explicit": _explicit,
    "frames": _frames,
    "header": _header,
    "photograph": _photograph,
    "photograph_size": _photograph_size,
    "render": _render,
}
"""What is asked, by name."""


def answer(channel: socket.socket, job: WireMessage) -> WireMessage:
    """Return the answer to a job, or why there is none."""
    asked = job.says
    source = RemoteSource(channel, asked["length"], job.content)
    file = BoundedReader(SourceFile(source), asked["max_inflated"], _BUFFER)
    try:
        return JOBS[asked["job"]](file, asked)
    except NotAnInstance as error:
        return WireMessage({"not_an_instance": str(error)})
    except CannotDecode as error:
        return WireMessage({"cannot_decode": str(error)})
    except CannotCompose as error:
        return WireMessage({"cannot_compose": str(error)})
    except MemoryError:
        return WireMessage({"failed": "not enough memory"})


def work(channel: socket.socket, seconds: int) -> None:
    """Answer jobs until the other side closes the socket.

    Args:
        channel: The socket.
        seconds: How long a job may take, before the process is ended.
    """
    send(channel, WireMessage({"ready": True}))
    with suppress(Disconnected, OSError):
        while True:
            job = receive(channel)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            send(channel, answer(channel, job))
            signal.setitimer(signal.ITIMER_REAL, 0)


def _confine(memory: int) -> None:
    """Set the limits of the process. macOS does not limit the address space: there, time alone is limited.

    Args:
        memory: The address space, in bytes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for limit, most in (
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    load_all()
    _confine(int(sys.argv[1]))
    bytearray(_LEAST)  # with less it would not be of use, and does not start
    work(socket.socket(fileno=0), int(sys.argv[2]))
