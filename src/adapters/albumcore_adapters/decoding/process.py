"""A decoding process, as the service sees it: started, given jobs, and killed when it exceeds its limits."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from time import monotonic
from typing import Any

from attrs import define, frozen

from albumcore_adapters.base.byte_source import ByteSource
from albumcore_adapters.decoding.wire import MAX_READ, Disconnected, WireMessage, receive, send

_START_SECONDS = 60.0
_END_SECONDS = 1.0
_PASSED_ON = (
    "DYLD_LIBRARY_PATH",
    "LD_LIBRARY_PATH",
)  # where the interpreter may have its libraries
_OF_PIXELS = ("render", "frames", "photograph", "photograph_size")
_FIRST = 64 * 1024  # bytes of a file that are sent along with a job; most headers are shorter


class DecoderFailed(Exception):
    """The file made the decoder crash, or exceed its memory or its time; the message says which.

    The file is at fault, not the service.
    """


class DecoderUnavailable(Exception):
    """The decoder cannot be started. No file is at fault: the service is, or the machine that it runs on."""


@frozen
class DecoderLimits:
    """What a decoding process may use.

    Attributes:
        memory: Its address space, in bytes.
        seconds: How long a job may take, without the time in which the bytes of the file are fetched.
    """

    memory: int = 1024 * 1024 * 1024
    seconds: int = 30


DEFAULT_LIMITS = DecoderLimits()
"""What a process may use unless the settings say otherwise."""


@define
class DecodingProcess:
    """A process that decodes for one thread at a time.

    Attributes:
        owner: The process that started it; after a fork, the copy is of no use.
    """

    limits: DecoderLimits
    owner: int
    _process: subprocess.Popen[bytes]
    _channel: socket.socket
    _is_ready: bool = False

    @classmethod
    def start(cls, limits: DecoderLimits) -> DecodingProcess:
        """Start a process, and do not wait until it is ready.

        Raises:
            DecoderUnavailable: the system starts none.
        """
        try:
            with ExitStack() as stack:
                ours, its = map(stack.enter_context, socket.socketpair())
                process = _started(its, limits)
                stack.pop_all()
                its.close()
        except OSError as error:
            raise DecoderUnavailable(f"the decoder did not start: {error}") from error
        return cls(limits, os.getpid(), process, ours)

    @property
    def is_usable(self) -> bool:
        """Whether it runs, and is of this process."""
        return self.owner == os.getpid() and self._process.poll() is None

    def run(self, source: ByteSource, job: dict[str, Any]) -> WireMessage:
        """Run a job. A process that fails is ended.

        Args:
            source: The file, which the process asks for ranges of.
            job: What is asked.

        Raises:
            DecoderFailed: the process crashed, or its time was over.
            DecoderUnavailable: it did not start.
            Exception: what the source raises.
        """
        try:
            return self._run(source, job)
        except (Disconnected, OSError) as error:
            self.end()
            if not self._is_ready:
                raise DecoderUnavailable("the decoder did not start") from None
            if isinstance(error, TimeoutError):
                raise DecoderFailed(f"not decoded in {self.limits.seconds} seconds") from None
            raise DecoderFailed("the decoder crashed") from None
        except BaseException:
            self.end()
            raise

    def _run(self, source: ByteSource, job: dict[str, Any]) -> WireMessage:
        deadline = _Deadline(self._channel, _START_SECONDS)
        if not self._is_ready:
            receive(self._channel, deadline.set)
            self._is_ready = True
        deadline = _Deadline(self._channel, self.limits.seconds)
        first = source.read(0, _first(source.length, job.get("job")))
        deadline.set()
        send(self._channel, WireMessage({**job, "length": source.length}, first))
        while True:
            message = receive(self._channel, deadline.set)
            match message.says:
                case {"read": [int(start), int(stop)]}:
                    content = self._read(source, start, stop, deadline)
                    deadline.set()
                    send(self._channel, WireMessage({}, content))
                case {"failed": str(reason)}:
                    self.end()
                    raise DecoderFailed(reason)
                case _:
                    return message

    def _read(self, source: ByteSource, start: int, stop: int, deadline: _Deadline) -> bytes:
        if not 0 <= start <= stop <= min(source.length, start + MAX_READ):
            raise Disconnected("asks for bytes that are not there")
        began = monotonic()
        try:
            return source.read(start, stop)
        finally:
            deadline.at += monotonic() - began

    def end(self) -> None:
        """Kill the process; if it is of another process, only forget it."""
        self._channel.close()
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Let the process end, after its present job; kill it if it does not."""
        self._channel.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self.end()


def _started(channel: socket.socket, limits: DecoderLimits) -> subprocess.Popen[bytes]:
    program = f"{__package__}.child"
    command = [sys.executable, "-P", "-m", program, str(limits.memory), str(limits.seconds)]
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=channel.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )


def _first(length: int, job: str | None) -> int:
    """How many bytes of a file are sent along: all that can be sent at once, if the job is about pixels."""
    if job in _OF_PIXELS and length <= MAX_READ:
        return length
    return min(_FIRST, length)


def _environment() -> dict[str, str]:
    """What the process needs of the environment, which may have passwords in it."""
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        # Threads of linear algebra are not used, and would each reserve memory.
        "OPENBLAS_NUM_THREADS": "1",
    }


class _Deadline:
    """Until when the process may work."""

    def __init__(self, channel: socket.socket, seconds: float) -> None:
        self._channel = channel
        self.at = monotonic() + seconds

    def set(self) -> None:
        """Let the channel wait no longer than until then.

        Raises:
            TimeoutError: it is later.
        """
        left = self.at - monotonic()
        if left <= 0:
            raise TimeoutError
        self._channel.settimeout(left)
