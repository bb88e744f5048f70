"""The HTTP client for an existing archive (PACS) that speaks DICOMweb.

An administrator names its address, which may be private. Connections are used again for as long as archives leave them
open: a second without a request. Nothing of a client's request is passed on.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic

import httpcore
from attrs import field, frozen

from albumcore_adapters.base.multipart import READ_AT_ONCE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.outbound.addresses import DEFAULT_PORTS, parse_url
from albumcore_adapters.outbound.checked_network import Resolve, connected, resolved
from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.outbound.errors import PacsFailed, PacsTimedOut, Unreachable
from albumcore_adapters.outbound.limited_stream import ExchangeLimits, LimitedStream

_CONNECTIONS = 16
_IDLE_SECONDS = 0.8  # Orthanc closes a connection after one second
_LEAST_RATE = 64 * 1024  # bytes a second, beside the time limit
_BROKEN = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)

BodyPieces = Callable[[], Iterable[bytes]]
"""Opens the body of a request, which is sent again if the connection broke."""


@frozen
class PacsAnswer:
    """The answer to a request.

    Attributes:
        status: Its status: 200 to 299, or one of 400 to 499 that is neither 401, 403 nor 407.
        content_type: Its Content-Type; "" without one.
        pieces: Its body, which can be read once.
    """

    status: int
    content_type: str
    pieces: Iterator[bytes] = field(repr=False)

    def content(self, limit: int) -> bytes:
        """Return the body.

        Raises:
            PacsFailed: it is longer than so many bytes.
        """
        found = bytearray()
        for piece in self.pieces:
            found += piece
            if len(found) > limit:
                raise PacsFailed("the answer of the archive is too long")
        return bytes(found)


class Pacs:
    """Sends requests to an existing archive. Threads may share it. It is opened after a fork, and closed when done.

    Every request ends: connecting has a limit of its own; sending it and reading the answer take at most ``seconds``,
    and a second more for each 64 KiB that arrive.

    Args:
        url: The root of its DICOMweb services, without a slash at its end.
        authorization: The value of Authorization, if it asks for one.
        seconds: The time limit.
        connect_seconds: For resolving its host, the connection and its TLS handshake.
        resolve: Resolves its host.
        tls: The authorities to trust, instead of those of this machine.
    """

    def __init__(
        self,
        url: str,
        authorization: str | None = None,
        seconds: float = 30,
        *,
        connect_seconds: float = 5,
        resolve: Resolve = socket.getaddrinfo,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._root = parse_url(url)
        host = f"[{self._root.host}]" if ":" in self._root.host else self._root.host
        is_default = self._root.port == DEFAULT_PORTS[self._root.scheme]
        self._headers = {
            "Host": host if is_default else f"{host}:{self._root.port}",
            "User-Agent": "albumcore",
            "Accept-Encoding": "identity",
        }
        if authorization is not None:
            self._headers["Authorization"] = authorization
        # The other limits are those of the network.
        self._extensions = {"timeout": {"connect": connect_seconds, "pool": seconds}}
        self._pool = httpcore.ConnectionPool(
            tls or (default_tls() if self._root.scheme == "https" else None),
            max_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Network(connect_seconds, seconds, resolve),
        )

    @classmethod
    def of(cls, settings: Settings, authorization: str | None) -> Pacs | None:
        """Return the client for the archive that the settings name; None if they name none."""
        if settings.pacs_url is None:
            return None
        return cls(settings.pacs_url, authorization, settings.pacs_seconds)

    @contextmanager
    def get(self, path: str, accept: str) -> Iterator[PacsAnswer]:
        """Send a GET, and yield the answer, whose body is read in the block. It is sent again if the connection broke.

        Args:
            path: What follows the root: a path, and a query that is sent as it is, of characters that need no encoding.
            accept: The media types of the answer.

        Raises:
            PacsFailed, PacsTimedOut: there is no such answer; also in the block, while the body is read.
        """
        with self._exchange("GET", path, {"Accept": accept}, None) as answer:
            yield answer

    @contextmanager
    def post(
        self, path: str, headers: Mapping[str, str], length: int, body: BodyPieces
    ) -> Iterator[PacsAnswer]:
        """Send a POST that may be sent twice, and yield the answer, as for `get`.

        Args:
            path: What follows the root.
            headers: Headers beside those of every request.
            length: The length of the body, in bytes.
            body: Opens the body.

        Raises:
            PacsFailed, PacsTimedOut: as for `get`.
        """
        sent = {**headers, "Content-Length": str(length)}
        with self._exchange("POST", path, sent, body) as answer:
            yield answer

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    @contextmanager
    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: BodyPieces | None
    ) -> Iterator[PacsAnswer]:
        with _translated(), ExitStack() as stack:
            sent = list({**self._headers, **headers}.items())
            response = self._opened(stack, method, path, sent, body)
            status = response.status
            if status < 200 or 300 <= status < 400 or status >= 500 or status in (401, 403, 407):
                raise PacsFailed(f"the archive answered {status}")
            types = [value for name, value in response.headers if name.lower() == b"content-type"]
            content_type = types[0].decode("latin-1") if types else ""
            yield PacsAnswer(status, content_type, iter(response.iter_stream()))

    def _opened(
        self,
        stack: ExitStack,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        body: BodyPieces | None,
    ) -> httpcore.Response:
        """Send a request; once more if its connection broke before the answer, as one does that the other side closed.

        Raises:
            httpcore errors: the second one.
        """
        url = httpcore.URL(
            scheme=self._root.scheme.encode(),
            host=self._root.host.encode(),
            port=self._root.port,
            target=(self._root.target.rstrip("/") + path).encode(),
        )

        def send() -> httpcore.Response:
            content = None if body is None else iter(body())
            return stack.enter_context(
                self._pool.stream(
                    method, url, headers=headers, content=content, extensions=self._extensions
                )
            )

        try:
            return send()
        except _BROKEN:
            return send()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException:
        raise PacsTimedOut("the archive did not answer in time") from None
    except httpcore.ConnectError:
        raise PacsFailed("the archive cannot be connected to") from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise PacsFailed("the connection to the archive broke, or its answer is not HTTP") from None
    except Unreachable:
        detail = "the archive cannot be connected to: its host has no address, or is not trusted"
        raise PacsFailed(detail) from None


@frozen
class _Network(httpcore.NetworkBackend):
    """Connects to the archive within a time limit."""

    connect_seconds: float
    seconds: float
    resolve: Resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        deadline = monotonic() + self.connect_seconds
        addresses = resolved(self.resolve, host, port, deadline)
        limits = ExchangeLimits(self.seconds, rate=_LEAST_RATE, write_size=READ_AT_ONCE)
        return LimitedStream(connected(addresses, port, deadline), deadline, limits)
