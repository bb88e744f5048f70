"""A network between clients and a PostgreSQL server, which breaks when it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from attrs import define, field, frozen

TURN, COMMIT = b"pg_current_xact_id", b"COMMIT\0"


@frozen
class Cut:
    """When a connection is cut, for the client.

    Attributes:
        at: What the client says then.
        heard: Whether the server still hears it.
        done: Whether the server has done it, and answered, before the connection is cut.
        noticed: Whether the server learns that its client is gone.
    """

    at: bytes
    heard: bool = False
    done: bool = False
    noticed: bool = True


CUTS = {
    "before the turn": Cut(TURN),
    "before the turn, unseen": Cut(TURN, noticed=False),
    "after the turn": Cut(TURN, heard=True, done=True),
    "after the turn, unseen": Cut(TURN, heard=True, done=True, noticed=False),
    "before the commit": Cut(COMMIT),
    "before the commit, unseen": Cut(COMMIT, noticed=False),
    "within the commit": Cut(COMMIT, heard=True),
    "within the commit, unseen": Cut(COMMIT, heard=True, noticed=False),
    "after the commit": Cut(COMMIT, heard=True, done=True),
    "after the commit, unseen": Cut(COMMIT, heard=True, done=True, noticed=False),
}


@define
class Proxy:
    """Passes everything on, until it is to cut: then it does so once, and passes everything on again.

    Attributes:
        url: The address to connect to.
        cut: When to break next.
        stays_broken: Whether it lets nobody in after it has broken.
        broke: How often it broke.
    """

    url: str
    _server: str
    _door: socket.socket
    cut: Cut | None = None
    stays_broken: bool = False
    broke: int = 0
    _pairs: list[_Pair] = field(factory=list)

    def open(self) -> None:
        """Let clients in, until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                if self.stays_broken and self.broke:
                    client.close()
                else:
                    self._pairs.append(_Pair(self, client, self._server))

    def breaks(self, breaking: _Pair) -> None:
        """One of its connections is about to be cut."""
        self.cut = None
        self.broke += 1
        if self.stays_broken:
            self._cut_off(one for one in self._pairs if one is not breaking)

    def close(self) -> None:
        """Let nobody in any more, and cut everybody off."""
        _shut(self._door)
        self._cut_off(self._pairs)

    def _cut_off(self, pairs: Iterable[_Pair]) -> None:
        for pair in pairs:
            _shut(pair.client)
            _shut(pair.server)


class _Pair:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: str) -> None:
        self.proxy, self.client = proxy, client
        self.server = socket.socket(socket.AF_UNIX)
        self.server.connect(server)
        self.cut: Cut | None = None
        for says in (self._client_says, self._server_says):
            threading.Thread(target=says, daemon=True).start()

    def _client_says(self) -> None:
        with suppress(OSError):
            while data := self.client.recv(65536):
                cut = self.proxy.cut
                if cut is None or cut.at not in data:
                    self.server.sendall(data)
                    continue
                self.cut = cut
                self.proxy.breaks(self)
                if cut.heard:
                    self.server.sendall(data)
                if not cut.done:
                    self._break()
                    return
        self._end()

    def _server_says(self) -> None:
        with suppress(OSError):
            while data := self.server.recv(65536):
                if self.cut is None:
                    self.client.sendall(data)
                # "Ready for query" ends every answer.
                elif data[-6:-1] == b"Z\0\0\0\5":
                    self._break()
                    return
        self._end()

    def _break(self) -> None:
        assert self.cut is not None
        _shut(self.client)
        if self.cut.noticed:
            _shut(self.server)

    def _end(self) -> None:
        if self.cut is None:
            _shut(self.client)
            _shut(self.server)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """A proxy before a server whose address names the folder of its socket, until the block ends."""
    parts = urlsplit(url)
    [folder] = parse_qs(parts.query)["host"]
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    proxy = Proxy(
        f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable",
        f"{folder}/.s.PGSQL.5432",
        door,
    )
    threading.Thread(target=proxy.open, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
