"""Connections to checked IP addresses only, with time limits: the network backend of `httpcore` for one call."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from threading import Thread
from time import monotonic
from typing import Any, TypeAlias

import httpcore
from attrs import frozen

from albumcore_adapters.outbound.addresses import is_public
from albumcore_adapters.outbound.errors import AddressRefused, Unreachable

Resolve: TypeAlias = Callable[..., Iterable[Sequence[Any]]]
"""Resolves a host, with the signature of `socket.getaddrinfo`."""

_WRITE_SIZE = 4096


@frozen
class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to checked addresses, until a deadline.

    Attributes:
        allow_private: Connect to private and loopback addresses as well.
        connect_seconds: For resolving the host, the connection and its TLS handshake.
        read_seconds: From then on, until the response is complete.
        resolve: Resolves hosts.
        deadline: When all of it ends, in the time of `time.monotonic`.
    """

    allow_private: bool
    connect_seconds: float
    read_seconds: float
    resolve: Resolve
    deadline: float

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that accepts the connection.

        Raises:
            AddressRefused: one of the addresses is private, and that is not allowed.
            Unreachable: the host has no address.
        """
        deadline = min(self.deadline, monotonic() + self.connect_seconds)
        addresses = resolved(self.resolve, host, port, deadline)
        if not self.allow_private and not all(map(is_public, addresses)):
            raise AddressRefused("It is not on the public internet.")
        return _Stream(connected(addresses, port, deadline), deadline, self)


def resolved(resolve: Resolve, host: str, port: int, deadline: float) -> list[str]:
    """The IP addresses of a host.

    Raises:
        Unreachable: it has none, or none was found before the deadline.
    """
    found: Future[list[str]] = Future()

    def run() -> None:
        try:
            infos = resolve(host, port, type=socket.SOCK_STREAM)
            found.set_result([str(info[4][0]) for info in infos])
        except (OSError, ValueError) as error:
            found.set_exception(error)

    # In a thread, because the resolver of the system takes no time limit; it may end after the call.
    Thread(target=run, daemon=True).start()
    try:
        return found.result(_seconds_until(deadline))
    except TimeoutError:
        raise Unreachable("The address of its host was not found in time.") from None
    except (OSError, ValueError):
        raise Unreachable("Its host has no address.") from None


def connected(addresses: Sequence[str], port: int, deadline: float) -> httpcore.NetworkStream:
    """Connect to the first of some IP addresses that accepts the connection, before a deadline.

    Raises:
        Unreachable: there are no addresses.
        httpcore.NetworkError, httpcore.TimeoutException: none accepts it.
    """
    for ip, remaining in zip(addresses, range(len(addresses), 0, -1), strict=True):
        # Each address has its share of the time, so that one that does not answer leaves some for the others.
        try:
            return httpcore.SyncBackend().connect_tcp(
                ip, port, _seconds_until(deadline) / remaining
            )
        except (httpcore.NetworkError, httpcore.TimeoutException):
            if remaining == 1:
                raise
    raise Unreachable("Its host has no address.")


class _Stream(httpcore.NetworkStream):
    """A connection with a deadline for its handshake, and one for the response, which begins with the first use."""

    def __init__(
        self, inner: httpcore.NetworkStream, connect_deadline: float, network: CheckedNetwork
    ) -> None:
        self._inner = inner
        self._connect_deadline = connect_deadline
        self._network = network
        self._deadline: float | None = None

    def _seconds_left(self) -> float:
        if self._deadline is None:
            self._deadline = min(self._network.deadline, monotonic() + self._network.read_seconds)
        return _seconds_until(self._deadline)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._seconds_left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, because each has its own time limit: one call would extend it for a slow reader.
        for start in range(0, len(buffer), _WRITE_SIZE):
            self._inner.write(buffer[start : start + _WRITE_SIZE], self._seconds_left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        # Called with no time left too, because its failure closes the connection.
        seconds = max(self._connect_deadline - monotonic(), 0.001)
        try:
            inner = self._inner.start_tls(ssl_context, server_hostname, seconds)
        except httpcore.ConnectError:
            raise Unreachable("No trusted TLS connection to it could be made.") from None
        return _Stream(inner, self._connect_deadline, self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _seconds_until(deadline: float) -> float:
    """The seconds until a deadline.

    Raises:
        httpcore.TimeoutException: it has passed.
    """
    if (seconds := deadline - monotonic()) <= 0:
        raise httpcore.TimeoutException
    return seconds
