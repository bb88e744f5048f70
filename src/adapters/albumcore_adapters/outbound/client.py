"""Requests of ours to addresses that users name: report providers and webhooks.

Whoever names the address decides where this service connects to, from where it stands. So, unless
private addresses are allowed, only public ones are reached, and none is ever looked up twice: the
connection goes to the very address that was checked. No answer is waited for longer than agreed,
nor read further.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cache
from threading import Thread
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx
import orjson
from attrs import field, frozen

from albumcore_adapters.base.concurrency import ConcurrencyLimit

MOST_ASKED = 2
"""Addresses that are asked for JSON at a time: that holds up threads which serve requests, and others must be left."""

_LIMIT = (MOST_ASKED, "other servers are being asked already; try again", 2)
MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_NETLOC = re.compile(r"(\[[^@\[\]]*\]|[^@:\[\]]*)(:[0-9]*)?")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_DROPPED_BYTES = _WRITTEN_BYTES = 4096
_HEADERS = {"User-Agent": "albumcore", "Accept-Encoding": "identity", "Connection": "close"}

Resolve = Callable[..., Iterable[Sequence[Any]]]
"""Finds the addresses of a host, in the way of `socket.getaddrinfo`."""


class OutboundError(Exception):
    """A request of ours came to nothing.

    Attributes:
        detail: One sentence for a person. It repeats nothing of the address, which may hold a
            secret, and nothing of the answer.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class AddressRefused(OutboundError):
    """The address is none that this service sends requests to; nothing was sent to it."""


class Unreachable(OutboundError):
    """Nobody answered in time: no such host, no connection, no trust, or no end of the answer."""


class BadAnswer(OutboundError):
    """Somebody answered, but not with what was asked for."""


@frozen
class Address:
    """Where a request goes: an http or https address, in parts."""

    text: str = field(repr=False)
    scheme: str
    host: str
    port: int
    target: str = field(repr=False)

    @property
    def root(self) -> tuple[str, str, int]:
        """Scheme, host in lower case, and port, be it said or the scheme's own."""
        return self.scheme, self.host, self.port


def address_of(text: str) -> Address:
    """Take an address apart.

    Raises:
        AddressRefused: it is not http or https, names a user, or is malformed. Characters outside
            printable ASCII count as that: a host has a spelling without them.
    """
    try:
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError
        url = urlsplit(text)
        usual = _PORTS[url.scheme]
        host, port = _host(url.hostname or ""), usual if url.port is None else url.port
        # What stands behind the bracket of an address of IPv6, urlsplit passes over.
        if port == 0 or not _NETLOC.fullmatch(url.netloc):
            raise ValueError
    except (KeyError, ValueError):
        raise AddressRefused(
            "It is not an http or https address of a host, without a user name."
        ) from None
    query = f"?{url.query}" if url.query else ""
    return Address(text, url.scheme, host, port, (url.path or "/") + query)


def _host(text: str) -> str:
    if ":" in text and "%" not in text:
        return str(ipaddress.IPv6Address(text))
    if not _HOST.fullmatch(text) or ".." in text:
        raise ValueError
    return text


_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        # Set apart (IANA's registries), but global to the tables of some Pythons; and what a cloud answers at
        # from inside a machine.
        ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "168.63.129.16/32"),
    )
)


def is_public(text: str) -> bool:
    """Tell whether an IP address belongs to the public internet and to one machine there.

    Addresses of IPv6 that stand for one of IPv4 are judged as the latter when mapped, and not
    public when a gateway translates them (6to4, NAT64).
    """
    ip = ipaddress.ip_address(text)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip not in _UNICAST or ip.sixtofour is not None:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in one for one in _SPECIAL)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this process trusts; read once, for there are more than a hundred certificates in it."""
    return httpx.create_ssl_context()


@frozen
class Outbound:
    """How this service sends requests to addresses that users name. Threads may share it.

    A call ends after ``connect_seconds`` and ``read_seconds`` together, redirects included.

    Attributes:
        allow_private: Reach private and loopback addresses as well.
        connect_seconds: For the look-up of a host, the connection and its TLS handshake.
        read_seconds: From then on until the answer is read to its end.
        resolve: Finds the addresses of a host.
        tls: Whom to trust, if not the authorities that this machine knows; not part of what makes two of them equal.
        turns: Limit of threads that ask for JSON at a time, each of which serves a request; not part of equality.
    """

    allow_private: bool = False
    connect_seconds: float = 5
    read_seconds: float = 5
    resolve: Resolve = socket.getaddrinfo
    tls: ssl.SSLContext | None = field(default=None, eq=False, repr=False)
    turns: ConcurrencyLimit = field(factory=lambda: ConcurrencyLimit(*_LIMIT), eq=False, repr=False)

    def get_json(self, url: str, limit: int = 64 * 1024) -> Any:
        """Return what the JSON at an address says, whatever its content type.

        Follows up to five redirects, each to an address that is checked like the first, and never
        from https to http. Two threads do this at a time.

        Args:
            url: The address.
            limit: Largest body, in bytes.

        Raises:
            AddressRefused: the address, or that of a redirect, is none to send requests to.
            Unreachable: nobody answered in time.
            BadAnswer: the answer is not a 200 with JSON within the limit.
            LimitReached: two threads do this already.
        """
        address = address_of(url)
        with self.turns.slot():
            until = self._until()
            for _ in range(1 + MOST_REDIRECTS):
                with self._exchange("GET", address, None, {}, until) as answer:
                    if answer.status not in _REDIRECTS:
                        return _json(answer, limit)
                    address = _next(address, answer)
        raise BadAnswer(f"It redirects more than {MOST_REDIRECTS} times.")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a JSON body and return the status of the answer. No redirect is followed.

        Args:
            url: The address.
            body: The JSON, sent as it is.
            headers: Sent beside those that every request has.

        Raises:
            AddressRefused: the address is none to send requests to.
            Unreachable: nobody answered in time.
            BadAnswer: the answer is not HTTP.
        """
        sent = {**headers, "Content-Type": "application/json"}
        with self._exchange("POST", address_of(url), body, sent, self._until()) as answer:
            _drop(answer)
            return answer.status

    def _until(self) -> float:
        return monotonic() + self.connect_seconds + self.read_seconds

    @contextmanager
    def _exchange(
        self,
        method: str,
        address: Address,
        body: bytes | None,
        headers: Mapping[str, str],
        until: float,
    ) -> Iterator[httpcore.Response]:
        """Send one request on a connection of its own, and give its answer, unread."""
        host = f"[{address.host}]" if ":" in address.host else address.host
        named = host if address.port == _PORTS[address.scheme] else f"{host}:{address.port}"
        url = httpcore.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=address.target.encode(),
        )
        sent = {**headers, **_HEADERS, "Host": named}
        try:
            with (
                httpcore.ConnectionPool(
                    self.tls or _trusted(), network_backend=_Network(self, until)
                ) as pool,
                pool.stream(method, url, headers=list(sent.items()), content=body) as answer,
            ):
                yield answer
        except httpcore.TimeoutException:
            raise Unreachable("It did not answer in time.") from None
        except httpcore.NetworkError:
            raise Unreachable("It could not be connected to, or the connection broke.") from None
        except httpcore.RemoteProtocolError:
            raise BadAnswer("Its answer is not HTTP.") from None


def _json(answer: httpcore.Response, limit: int) -> Any:
    if answer.status != 200:
        raise BadAnswer(f"It answered {answer.status} instead of 200.")
    body = bytearray()
    for part in answer.iter_stream():
        body += part
        if len(body) > limit:
            raise BadAnswer(f"Its answer is longer than {limit} bytes.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadAnswer("Its answer is not JSON.") from None


def _drop(answer: httpcore.Response) -> None:
    """Read a little, out of politeness: whatever becomes of the body, the status is known."""
    dropped = 0
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError):
        for part in answer.iter_stream():
            dropped += len(part)
            if dropped >= _DROPPED_BYTES:
                return


def _next(address: Address, answer: httpcore.Response) -> Address:
    """Return where a redirect leads to."""
    locations = [value for name, value in answer.headers if name.lower() == b"location"]
    if len(locations) != 1:
        raise BadAnswer("It redirects without saying where to.")
    try:
        joined = urljoin(address.text, locations[0].decode("latin-1"))
    except ValueError:
        raise BadAnswer("It redirects to what is not an address.") from None
    following = address_of(joined)
    if (address.scheme, following.scheme) == ("https", "http"):
        raise AddressRefused("It redirects from https to http.")
    return following


def _left(by: float) -> float:
    """Return the seconds until ``by``, a moment of the monotonic clock."""
    if (left := by - monotonic()) <= 0:
        raise httpcore.TimeoutException
    return left


@frozen
class _Network(httpcore.NetworkBackend):
    """Connects to checked addresses only, within the time there is."""

    outbound: Outbound
    until: float

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that lets itself be connected to.

        Raises:
            AddressRefused: one of them is private, and that is not allowed.
            Unreachable: the host has no address.
        """
        by = min(self.until, monotonic() + self.outbound.connect_seconds)
        addresses = self._addresses(host, port, by)
        for ip, share in zip(addresses, range(len(addresses), 0, -1), strict=True):
            # Each has its share of the time, so that a silent one leaves some for the others.
            try:
                stream = httpcore.SyncBackend().connect_tcp(ip, port, _left(by) / share)
            except (httpcore.NetworkError, httpcore.TimeoutException):
                if share == 1:
                    raise
            else:
                return _Stream(stream, by, self)
        raise Unreachable("Its host has no address.")

    def _addresses(self, host: str, port: int, by: float) -> list[str]:
        found: Future[list[str]] = Future()

        def look_up() -> None:
            # The system's resolver knows no time-out of ours: it may finish for nobody.
            try:
                infos = self.outbound.resolve(host, port, type=socket.SOCK_STREAM)
                found.set_result([str(info[4][0]) for info in infos])
            except (OSError, ValueError) as error:
                found.set_exception(error)

        Thread(target=look_up, daemon=True).start()
        try:
            addresses = found.result(_left(by))
        except TimeoutError:
            raise Unreachable("The address of its host was not found in time.") from None
        except (OSError, ValueError):
            raise Unreachable("Its host has no address.") from None
        if not self.outbound.allow_private and not all(map(is_public, addresses)):
            raise AddressRefused("It is not on the public internet.")
        return addresses


class _Stream(httpcore.NetworkStream):
    """A connection that must be made by one moment, and be done with its answer by another."""

    def __init__(self, inner: httpcore.NetworkStream, by: float, network: _Network) -> None:
        self._inner = inner
        self._made_by = by
        self._network = network
        self._done_by: float | None = None

    def _left(self) -> float:
        if self._done_by is None:
            seconds = self._network.outbound.read_seconds
            self._done_by = min(self._network.until, monotonic() + seconds)
        return _left(self._done_by)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, because each has the time-out anew: a reader that sips must not keep us.
        for start in range(0, len(buffer), _WRITTEN_BYTES):
            self._inner.write(buffer[start : start + _WRITTEN_BYTES], self._left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        # Also with no time left it is this call that fails, because it closes the connection.
        left = max(self._made_by - monotonic(), 0.001)
        try:
            inner = self._inner.start_tls(ssl_context, server_hostname, left)
        except httpcore.ConnectError:
            raise Unreachable("No trusted TLS connection to it could be made.") from None
        return _Stream(inner, self._made_by, self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
