"""Connections on which an exchange takes a limited time, however often a few bytes arrive."""

from __future__ import annotations

import ssl
from math import inf
from time import monotonic
from typing import Any

import httpcore
from attrs import define, field, frozen

from albumcore_adapters.outbound.errors import Unreachable


@frozen
class ExchangeLimits:
    """How long requests and their responses may take.

    Attributes:
        seconds: For one exchange: from the first bytes of the request until the response is complete.
        deadline: When all exchanges end, in the time of `time.monotonic`.
        rate: For each so many bytes, an exchange may take a second more.
        write_size: Bytes that are written at once. Each write may take all of the time that is left, several times if
            the other side takes a few bytes at a time.
    """

    seconds: float
    deadline: float = inf
    rate: float = inf
    write_size: int = 4096


@define(eq=False)
class LimitedStream(httpcore.NetworkStream):
    """A connection with a deadline for its handshake, and limits for each exchange.

    Attributes:
        inner: The connection.
        connect_deadline: When the TLS handshake ends, in the time of `time.monotonic`.
        limits: Those of an exchange.
    """

    inner: httpcore.NetworkStream
    connect_deadline: float
    limits: ExchangeLimits
    _deadline: float = field(default=0.0, init=False)
    _is_sending: bool = field(default=False, init=False)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read bytes of a response.

        Raises:
            httpcore.TimeoutException: the time of the exchange is over.
        """
        self._is_sending = False
        content = self.inner.read(max_bytes, seconds_until(self._deadline))
        self._deadline += len(content) / self.limits.rate
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write bytes of a request. The first ones after a response begin an exchange.

        Raises:
            httpcore.TimeoutException: the time of the exchange is over.
        """
        if not self._is_sending:
            self._is_sending = True
            self._deadline = min(self.limits.deadline, monotonic() + self.limits.seconds)
        for start in range(0, len(buffer), self.limits.write_size):
            piece = buffer[start : start + self.limits.write_size]
            self.inner.write(piece, seconds_until(self._deadline))
            self._deadline += len(piece) / self.limits.rate

    def close(self) -> None:
        """Close the connection."""
        self.inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Make the TLS handshake, and return the connection over it.

        Raises:
            Unreachable: the other side is not trusted, or has no TLS.
            httpcore.TimeoutException: the deadline has passed.
        """
        # Called with no time left too, because its failure closes the connection.
        seconds = max(self.connect_deadline - monotonic(), 0.001)
        try:
            inner = self.inner.start_tls(ssl_context, server_hostname, seconds)
        except httpcore.ConnectError:
            raise Unreachable("No trusted TLS connection to it could be made.") from None
        return LimitedStream(inner, self.connect_deadline, self.limits)

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection."""
        return self.inner.get_extra_info(info)


def seconds_until(deadline: float) -> float:
    """The seconds until a deadline, which is in the time of `time.monotonic`.

    Raises:
        httpcore.TimeoutException: it has passed.
    """
    if (seconds := deadline - monotonic()) <= 0:
        raise httpcore.TimeoutException
    return seconds
