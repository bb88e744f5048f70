"""The HTTP client for addresses that users name: JSON by GET, and POST of a JSON body."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from time import monotonic
from typing import Any
from urllib.parse import urljoin

import httpcore
import httpx
import orjson
from attrs import field, frozen

from albumcore_adapters.base.concurrency import ConcurrencyLimit
from albumcore_adapters.outbound.addresses import DEFAULT_PORTS, HttpUrl, parse_url
from albumcore_adapters.outbound.checked_network import CheckedNetwork, Resolve
from albumcore_adapters.outbound.errors import AddressRefused, BadResponse, Unreachable

MAX_CONCURRENT_GETS = 2
"""Calls of `Outbound.get_json` at a time. They hold up threads that serve requests; others must stay free."""

MAX_REDIRECTS = 5
_LIMIT = (MAX_CONCURRENT_GETS, "other servers are being asked already; try again", 2)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_IGNORED_BYTES = 4096
_HEADERS = {"User-Agent": "albumcore", "Accept-Encoding": "identity", "Connection": "close"}


@cache
def default_tls() -> ssl.SSLContext:
    """The authorities that this machine trusts; read once, because there are more than a hundred certificates."""
    return httpx.create_ssl_context()


@frozen
class Outbound:
    """Sends requests to addresses that users name. Threads may share it.

    A call ends after ``connect_seconds`` and ``read_seconds`` together, redirects included.

    Attributes:
        allow_private: Connect to private and loopback addresses as well.
        connect_seconds: For resolving the host, the connection and its TLS handshake.
        read_seconds: From then on, until the response is complete.
        resolve: Resolves hosts.
        tls: The authorities to trust, instead of those of this machine. Not part of the equality.
        concurrency: Limits the concurrent calls of `get_json`. Not part of the equality.
    """

    allow_private: bool = False
    connect_seconds: float = 5
    read_seconds: float = 5
    resolve: Resolve = socket.getaddrinfo
    tls: ssl.SSLContext | None = field(default=None, eq=False, repr=False)
    concurrency: ConcurrencyLimit = field(
        factory=lambda: ConcurrencyLimit(*_LIMIT), eq=False, repr=False
    )

    def get_json(self, url: str, limit: int = 64 * 1024) -> Any:
        """Return the JSON at an address, whatever its content type.

        Up to five redirects are followed, each to an address that is checked like the first, and never from https to
        http. Two threads may call it at a time.

        Args:
            url: The address.
            limit: Largest body, in bytes.

        Raises:
            AddressRefused: the address, or that of a redirect, is one that no requests are sent to.
            Unreachable: no response came in time.
            BadResponse: the response is not a 200 with JSON within the limit.
            LimitReached: two threads call it already.
        """
        target = parse_url(url)
        with self.concurrency.slot():
            deadline = self._deadline()
            for _ in range(1 + MAX_REDIRECTS):
                with self._exchange("GET", target, None, {}, deadline) as response:
                    if response.status not in _REDIRECTS:
                        return _json(response, limit)
                    target = _redirect(target, response)
        raise BadResponse(f"It redirects more than {MAX_REDIRECTS} times.")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a JSON body and return the status of the response. No redirect is followed.

        Args:
            url: The address.
            body: The JSON, sent as it is.
            headers: Sent besides those of every request, which they cannot replace.

        Raises:
            AddressRefused: the address is one that no requests are sent to.
            Unreachable: no response came in time.
            BadResponse: the response is not HTTP.
        """
        sent = {**headers, "Content-Type": "application/json"}
        with self._exchange("POST", parse_url(url), body, sent, self._deadline()) as response:
            _read_a_little(response)
            return response.status

    def _deadline(self) -> float:
        return monotonic() + self.connect_seconds + self.read_seconds

    @contextmanager
    def _exchange(
        self,
        method: str,
        url: HttpUrl,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> Iterator[httpcore.Response]:
        """Send one request on a connection of its own, and yield the response, its body unread."""
        host = f"[{url.host}]" if ":" in url.host else url.host
        named = host if url.port == DEFAULT_PORTS[url.scheme] else f"{host}:{url.port}"
        sent = {**headers, **_HEADERS, "Host": named}
        network = CheckedNetwork(
            self.allow_private, self.connect_seconds, self.read_seconds, self.resolve, deadline
        )
        requested = httpcore.URL(
            scheme=url.scheme.encode(),
            host=url.host.encode(),
            port=url.port,
            target=url.target.encode(),
        )
        try:
            with (
                httpcore.ConnectionPool(self.tls or default_tls(), network_backend=network) as pool,
                pool.stream(
                    method, requested, headers=list(sent.items()), content=body
                ) as response,
            ):
                yield response
        except httpcore.TimeoutException:
            raise Unreachable("It did not answer in time.") from None
        except httpcore.NetworkError:
            raise Unreachable("It could not be connected to, or the connection broke.") from None
        except httpcore.RemoteProtocolError:
            raise BadResponse("Its answer is not HTTP.") from None


def _json(response: httpcore.Response, limit: int) -> Any:
    if response.status != 200:
        raise BadResponse(f"It answered {response.status} instead of 200.")
    body = bytearray()
    for part in response.iter_stream():
        body += part
        if len(body) > limit:
            raise BadResponse(f"Its answer is longer than {limit} bytes.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadResponse("Its answer is not JSON.") from None


def _read_a_little(response: httpcore.Response) -> None:
    """Read the beginning of a body that is ignored, so that a short response is complete for the receiver."""
    size = 0
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError):
        for part in response.iter_stream():
            size += len(part)
            if size >= _MAX_IGNORED_BYTES:
                return


def _redirect(url: HttpUrl, response: httpcore.Response) -> HttpUrl:
    """Where a redirect leads to."""
    locations = [value for name, value in response.headers if name.lower() == b"location"]
    if len(locations) != 1:
        raise BadResponse("It redirects without saying where to.")
    try:
        joined = urljoin(url.text, locations[0].decode("latin-1"))
    except ValueError:
        raise BadResponse("It redirects to what is not an address.") from None
    target = parse_url(joined)
    if (url.scheme, target.scheme) == ("https", "http"):
        raise AddressRefused("It redirects from https to http.")
    return target
