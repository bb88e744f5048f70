"""Responses that are made while they are sent: no faster than their clients read, and without a thread of their own."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from attrs import define, evolve

from albumcore_adapters.server.limits import Limits
from support.worker import QUICK, working

PIECE = 256 * 1024
PIECES = 400
"""Together more than the kernel takes from a server whose client does not read."""

PATIENT = evolve(QUICK, grace=30, stall=30, unsent=2 * 1024 * 1024)

ROOMY = evolve(PATIENT, unsent=128 * 1024 * 1024)
"""With room for several pieces of each response."""


@define
class Making:
    """An application whose responses are made in pieces; at ``/broken``, the last piece cannot be made.

    Attributes:
        made: Pieces that were made.
    """

    is_chunked: bool
    made: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Begin a response."""
        if environ["PATH_INFO"] == "/short":
            start_response("200 OK", [("Content-Length", "4")])
            return [b"here"]
        length = [] if self.is_chunked else [("Content-Length", str(PIECE * PIECES))]
        start_response("200 OK", length)
        return self._pieces(environ["PATH_INFO"] == "/broken")

    def _pieces(self, is_broken: bool) -> Iterator[bytes]:
        for number in range(PIECES):
            if is_broken and number == PIECES - 1:
                raise RuntimeError("of the application")
            self.made += 1
            yield _piece(number)
            yield b""


def _piece(number: int) -> bytes:
    return bytes([number % 251]) * PIECE


@pytest.fixture(params=[False, True], ids=["length", "chunked"])
def app(request: pytest.FixtureRequest) -> Making:
    """An application that tells the length of a response beforehand, or does not."""
    return Making(request.param)


def _until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, for ten seconds at most."""
    ends = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.005)


def _client(port: int, stack: ExitStack) -> http.client.HTTPConnection:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    stack.callback(client.close)
    return client


def _asked(port: int, stack: ExitStack, path: str = "/") -> http.client.HTTPResponse:
    client = _client(port, stack)
    client.request("GET", path)
    return client.getresponse()


@pytest.mark.parametrize("limits", [PATIENT, ROOMY], ids=["narrow", "roomy"])
def test_a_response_is_sent_whole_and_in_order(app: Making, limits: Limits) -> None:
    """The connection is kept for the next request."""
    with working(limits, app) as (port, _), ExitStack() as stack:
        client = _client(port, stack)
        for _ in range(2):
            client.request("GET", "/")
            response = client.getresponse()
            assert (response.getheader("Content-Length") is None) is app.is_chunked
            for number in range(PIECES):
                assert response.read(PIECE) == _piece(number)
            assert response.read() == b""
            client.request("GET", "/short")
            assert client.getresponse().read() == b"here"


@pytest.mark.parametrize(
    ("limits", "most"), [(PATIENT, PIECE), (ROOMY, 4 * 1024 * 1024)], ids=["narrow", "roomy"]
)
def test_unread_responses_hold_no_thread_and_little_memory(
    app: Making, limits: Limits, most: int
) -> None:
    """With more of them than threads, all are made as far as the kernel takes them, and others are answered."""
    with working(limits, app) as (port, [worker]), ExitStack() as stack:
        unread = [_asked(port, stack) for _ in range(6)]
        _until(lambda: sum(1 for one in set(worker._open) if one.unsent) == len(unread))
        assert app.made < len(unread) * PIECES // 2
        assert all(one.reserved <= most + 1000 for one in set(worker._open))
        assert _asked(port, stack, "/short").read() == b"here"
        for response in unread:
            assert len(response.read()) == PIECE * PIECES
        assert app.made == len(unread) * PIECES


def test_a_piece_that_cannot_be_made_ends_the_connection(app: Making) -> None:
    """The client receives all before it, and notices that there is no more."""
    with working(PATIENT, app) as (port, _), ExitStack() as stack:
        response = _asked(port, stack, "/broken")
        for number in range(PIECES - 1):
            assert response.read(PIECE) == _piece(number)
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_what_was_made_ahead_of_a_fault_is_not_sent_after_it(app: Making) -> None:
    """The client receives a beginning of the response, and notices that there is no more."""
    with working(ROOMY, app) as (port, _), ExitStack() as stack:
        response = _asked(port, stack, "/broken")
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        whole = b"".join(map(_piece, range(PIECES - 1)))
        assert whole.startswith(caught.value.partial)


@pytest.mark.parametrize("leave", [socket.socket.close, lambda raw: None])
def test_a_client_that_is_gone_or_reads_nothing(
    app: Making, leave: Callable[[socket.socket], None]
) -> None:
    """The rest is not made, and the connection is closed."""
    with working(QUICK, app) as (port, [worker]), ExitStack() as stack:
        raw = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        raw.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _until(lambda: any(one.unsent for one in set(worker._open)))
        leave(raw)
        _until(lambda: worker.connections == 0)
        assert app.made < PIECES
