"""Connections to checked IP addresses only, with time limits: the network backend of `httpcore` for one call."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from threading import Thread
from time import monotonic
from typing import Any, TypeAlias

import httpcore
from attrs import frozen

from albumcore_adapters.outbound.addresses import is_public
from albumcore_adapters.outbound.errors import AddressRefused, Unreachable
from albumcore_adapters.outbound.limited_stream import (
    ExchangeLimits,
    LimitedStream,
    seconds_until,
)

Resolve: TypeAlias = Callable[..., Iterable[Sequence[Any]]]
"""Resolves a host, with the signature of `socket.getaddrinfo`."""


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
        limits = ExchangeLimits(self.read_seconds, self.deadline)
        return LimitedStream(connected(addresses, port, deadline), deadline, limits)


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
        return found.result(seconds_until(deadline))
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
            return httpcore.SyncBackend().connect_tcp(ip, port, seconds_until(deadline) / remaining)
        except (httpcore.NetworkError, httpcore.TimeoutException):
            if remaining == 1:
                raise
    raise Unreachable("Its host has no address.")
