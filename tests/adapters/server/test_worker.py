"""The event loop of the worker: which clients it waits for, how long, and that no other request waits with them."""

from __future__ import annotations

import errno
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from attrs import evolve

from albumcore_adapters.server.connection import Connection
from support.worker import LARGE, MIB, QUICK, InThread, working

SLACK = 10
"""How many times longer than its limit a wait may take here."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of one worker, with two threads and limits of half a second."""
    with working() as (port, _):
        yield port


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def _exchange(port: int, data: bytes) -> bytes:
    """Send some bytes, and read until the worker closes the connection."""
    with _connect(port) as client:
        client.sendall(data)
        return _rest(client)


def _rest(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(MIB), b""))


def _get(port: int, path: str = "/") -> int:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        answer.read()
        return answer.status
    finally:
        client.close()


def _until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, for ten seconds at most."""
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def _drip(client: socket.socket) -> None:
    """Send a byte every 20 ms, for ten seconds at most."""
    for _ in range(500):
        client.sendall(b"a")
        time.sleep(0.02)


CLOSE = b"Host: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + CLOSE, b"200"),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\n" + CLOSE + b"abcd", b"200"),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"2\r\nab\r\n0\r\n\r\n",
            b"200",
        ),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"zz\r\n", b"400"),
        (b"GET / HTTP/1.1\n" + CLOSE, b"400"),
        (b"GET / HTTP/1.1\r\n" + b"a" * 70_000, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"A: %b\r\n" % (b"a" * 14_000) * 5 + CLOSE, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"A: %b\r\n" % (b"a" * 14_000) * 4 + CLOSE, b"200"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + CLOSE, b"400"),
        (b"GET /fail HTTP/1.1\r\n" + CLOSE, b"500"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"408"),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\n" + CLOSE + b"ab", b"408"),
        (b"POST / HTTP/1.1\r\nContent-Length: 400000\r\n" + CLOSE + b"ab", b"408"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n2\r\nab\r\n", b"408"),
    ],
)
def test_every_request_is_answered(port: int, data: bytes, status: bytes) -> None:
    """At the deadline, what has arrived gets a response, and the connection is closed."""
    assert _exchange(port, data).split(b" ", 2)[1] == status


def test_a_slow_body_ends_its_connection(port: int) -> None:
    """After an incomplete body the beginning of the next request is unknown."""
    answer = _exchange(
        port, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab"
    )
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Connection: close" in answer


def test_a_client_that_is_gone(port: int) -> None:
    """A connection closed within a header is closed; within a body, the application gets the incomplete body."""
    with _connect(port) as client:
        client.sendall(b"GET / HT")
        client.shutdown(socket.SHUT_WR)
        assert _rest(client) == b""
    with _connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        client.shutdown(socket.SHUT_WR)
        assert _rest(client).endswith(b"\r\n\r\n2")


def test_a_client_that_resets(port: int) -> None:
    """A connection that is reset, idle or within a body, is closed."""
    with working() as (port, [worker]):
        for data in (
            b"",
            b"GET",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nab",
        ):
            with _connect(port) as client:
                client.sendall(data)
                _until(lambda: worker.connections == 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            _until(lambda: worker.connections == 0)
        assert _get(port) == 200


def test_requests_that_were_sent_ahead(port: int) -> None:
    """Pipelined requests are answered in order, with and without a body."""
    one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    two = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    chunks = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    answer = _exchange(port, one + two + chunks + one)
    assert [part.rpartition(b"\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [
        *(b"here", b"3", b"1", b"here")
    ]


def test_a_kept_connection_is_closed_when_it_is_idle(port: int) -> None:
    """A connection is kept open for the next request, and closed without a response if none comes."""
    began = time.monotonic()
    with _connect(port) as client:
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(1000).endswith(b"here")
        assert _rest(client) == b""
    assert QUICK.keepalive <= time.monotonic() - began < QUICK.keepalive * SLACK


def test_the_next_header_has_its_own_time(port: int) -> None:
    """The deadline of a header counts from its first byte."""
    with _connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1000).endswith(b"here")
        client.sendall(b"GET / ")
        assert _rest(client).startswith(b"HTTP/1.1 408")


def test_a_header_behind_an_answer_has_its_own_time() -> None:
    """A header that began before the end of a response has the full time for a header, and no more."""
    get, part = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HT"
    with working(evolve(QUICK, grace=60)) as (port, _), _connect(port) as client:
        began = time.monotonic()
        client.sendall(get % b"/" + part)
        assert b"HTTP/1.1 408" in _rest(client)
        assert QUICK.header <= time.monotonic() - began < QUICK.header * SLACK
    slow = evolve(QUICK, grace=0.01, header=5)
    with working(slow, _answer_late) as (port, _), _connect(port) as client:
        client.sendall(get % b"/" + part)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        client.settimeout(4 * QUICK.tick)
        with pytest.raises(TimeoutError):
            client.recv(1000)
        client.sendall(b"TP/1.1\r\n" + CLOSE)
        client.settimeout(30)
        assert _rest(client).startswith(b"HTTP/1.1 200")


def _answer_late(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Respond after more than the grace time."""
    time.sleep(0.1)
    start_response("200 OK", [("Content-Length", "0")])
    return []


def test_slow_clients_leave_the_others_alone() -> None:
    """With many more slow clients than threads, slow in every way, the next request is answered."""
    slow = (
        b"",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
        b"POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\na",
        b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    patient = evolve(QUICK, header=30, grace=30, drain_silence=30, tick=0.1, unsent=LARGE * 4)
    with working(patient) as (port, [worker]), ExitStack() as clients:
        for data in slow:
            for _ in range(4):
                clients.enter_context(_connect(port)).sendall(data)
        _until(lambda: worker.connections == 4 * len(slow))
        began = time.monotonic()
        assert _get(port) == 200
        assert time.monotonic() - began < 0.2 * SLACK


def test_a_slow_upload_at_the_pace_is_taken() -> None:
    """A body at twice the least rate is received, though it takes many times the grace time."""
    limits = evolve(QUICK, pace=50_000, grace=0.3)
    length = 150_000
    with working(limits) as (port, _), _connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        began = time.monotonic()
        for sent in range(0, length, 1500):
            time.sleep(max(0.0, began + sent / 100_000 - time.monotonic()))
            client.sendall(bytes(1500))
        assert client.recv(1000).endswith(b"\r\n\r\n150000")
        assert time.monotonic() - began > 3 * limits.grace


@pytest.mark.parametrize("length", [60_000, 400_000])
def test_a_body_below_the_pace_is_refused(length: int) -> None:
    """A body below the least rate is refused, whether it is short or long."""
    with working(evolve(QUICK, pace=50_000)) as (port, _), _connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        client.settimeout(0.02)
        began, answer = time.monotonic(), b""
        while not answer and time.monotonic() - began < 10:
            client.sendall(bytes(10))
            try:
                answer = client.recv(1000)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408")


def test_an_answer_that_is_not_read_is_given_up() -> None:
    """The connection of a client that reads nothing is closed; one that reads slowly gets the whole response."""
    with working() as (port, [worker]), _connect(port) as idle, _connect(port) as slow:
        for client in (idle, slow):
            client.sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)
        seen, began = 0, time.monotonic()
        while seen < LARGE // 2:
            seen += len(slow.recv(256 * 1024))
            time.sleep(0.01)
        seen += len(_rest(slow))
        assert time.monotonic() - began > QUICK.grace
        assert seen > LARGE
        _until(lambda: worker.connections == 0)
        assert 0 < len(_rest(idle)) < LARGE


def test_a_slow_download_at_the_pace_is_not_broken_off() -> None:
    """Acknowledged bytes count, though the socket accepts nothing until a third of its buffer is free."""
    limits = evolve(QUICK, pace=50_000, grace=0.5, stall=1.0)
    with working(limits) as (port, [worker]), socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        client.connect(("127.0.0.1", port))
        client.settimeout(30)
        client.sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)
        began, seen = time.monotonic(), 0
        while time.monotonic() - began < 3:
            seen += len(client.recv(4096))
            time.sleep(max(0.0, began + seen / 200_000 - time.monotonic()))
        assert worker.connections == 1
        while seen < LARGE and (piece := client.recv(MIB)):
            seen += len(piece)
        assert seen >= LARGE


def _unread(port: int, worker: InThread, clients: ExitStack) -> socket.socket:
    """A client that reads nothing of a large response, for longer than is allowed when memory is needed."""
    others = set(worker._open)
    client = clients.enter_context(_connect(port))
    client.sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)

    def is_stalled() -> bool:
        made = [one for one in set(worker._open) - others if one.unsent]
        return bool(made) and time.monotonic() - made[0].last_progress > 2 * QUICK.unread

    _until(is_stalled)
    return client


def test_an_answer_takes_the_room_of_one_that_is_not_read() -> None:
    """If the send budget is used up, the connection that has been stalled longest is closed."""
    limits = evolve(QUICK, grace=30, stall=30, unsent=2 * LARGE)
    with working(limits) as (port, [worker]), ExitStack() as clients:
        unread = [_unread(port, worker, clients) for _ in range(2)]
        last = _unread(port, worker, clients)
        assert worker.connections == 2
        assert len(_rest(unread[0])) < LARGE
        assert len(_rest(unread[1])) > LARGE
        assert len(_rest(last)) > LARGE


def test_an_answer_leaves_those_that_are_read() -> None:
    """If no connection is stalled, the connection that needs the budget is closed itself."""
    limits = evolve(QUICK, grace=30, stall=30, unread=30, unsent=LARGE)
    with working(limits) as (port, [worker]), _connect(port) as read, _connect(port) as unread:
        read.sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)
        _until(lambda: any(one.unsent for one in set(worker._open)))
        unread.sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)
        assert len(_rest(unread)) < LARGE
        assert len(_rest(read)) > LARGE


def test_an_answer_that_there_is_never_room_for() -> None:
    """For a response larger than the whole budget, no other connection is closed."""
    limits = evolve(QUICK, grace=30, stall=30, unsent=LARGE)
    with working(limits, _in_pieces) as (port, [worker]), ExitStack() as clients:
        unread = _unread(port, worker, clients)
        with _connect(port) as client:
            client.sendall(b"GET /larger HTTP/1.1\r\n" + CLOSE)
            assert len(_rest(client)) < 2 * LARGE
        assert len(_rest(unread)) > LARGE


def _in_pieces(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    """A response in pieces of one MiB, or of twice the size in one piece."""
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/larger":
        yield bytes(2 * LARGE)
    else:
        for number in range(LARGE // MIB):
            yield bytes([number]) * MIB


def test_an_answer_in_pieces_is_sent_in_their_order() -> None:
    """Pieces that the socket does not accept are queued in order."""
    with (
        working(evolve(QUICK, grace=30, stall=30), _in_pieces) as (port, [worker]),
        ExitStack() as clients,
    ):
        body = http.client.HTTPResponse(_unread(port, worker, clients))
        body.begin()
        for number in range(LARGE // MIB):
            assert body.read(MIB) == bytes([number]) * MIB
        assert body.read() == b""


def test_answers_that_are_not_read_hold_no_thread() -> None:
    """With many more unread responses than threads, and than the budget allows, the next is sent."""
    limits = evolve(QUICK, grace=30, stall=30, unsent=2 * LARGE)
    with working(limits) as (port, [worker]), ExitStack() as clients:
        for _ in range(12):
            clients.enter_context(_connect(port)).sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)
        began = time.monotonic()
        assert _get(port) == 200
        assert time.monotonic() - began < 0.2 * SLACK
        _until(lambda: worker.connections <= 2)


@pytest.mark.parametrize("mib", [1, 30])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_refused_body_is_read_after_the_answer(port: int, mib: int, is_chunked: bool) -> None:
    """A client that sends the whole body first, as Python's does, gets to read the response."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    pieces = [bytes(MIB)] * mib
    body: Any = iter(pieces) if is_chunked else b"".join(pieces)
    client.request("POST", "/refuse", body, encode_chunked=is_chunked)
    answer = client.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (413, "close")
    assert answer.read() == b"too large"
    client.close()


def test_a_refused_body_is_read_up_to_a_bound() -> None:
    """The response comes before the limit is reached; beyond it, the connection is reset."""
    limits = evolve(QUICK, drain_bytes=4 * MIB)
    head = b"POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n"
    with working(limits) as (port, [worker]), _connect(port) as client:
        client.sendall(head)
        assert _rest(client).startswith(b"HTTP/1.1 413")
        with pytest.raises(ConnectionError):
            client.sendall(bytes(100 * MIB))
        _until(lambda: worker.connections == 0)
    with working(evolve(QUICK, drain_seconds=0.6)) as (port, [worker]), _connect(port) as client:
        client.sendall(head)
        with pytest.raises(ConnectionError):
            _drip(client)
        _until(lambda: worker.connections == 0)


def test_a_short_refused_body_keeps_its_connection(port: int) -> None:
    """A rest that has arrived already is read, and the connection is kept."""
    with _connect(port) as client:
        for framing in (
            b"Content-Length: 3\r\n\r\nabc",
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ):
            client.sendall(b"POST /refuse HTTP/1.1\r\nHost: a\r\n" + framing)
            answer = client.recv(1000)
            assert answer.startswith(b"HTTP/1.1 413")
            assert b"Connection: keep-alive" in answer


@pytest.mark.parametrize("length", [4, 100_000])
def test_a_body_is_asked_for_once(port: int, length: int) -> None:
    """100 Continue is sent once, before a short body, and before a long one that is read."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with _connect(port) as client:
        for _ in range(2):
            client.sendall(head % length)
            assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(bytes(length))
            answer = client.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\n%d" % length)


def test_chunks_are_asked_for_once(port: int) -> None:
    """100 Continue is sent once before a chunked body."""
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n" + CLOSE
    with _connect(port) as client:
        client.sendall(head)
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"186a0\r\n%b\r\n0\r\n\r\n" % bytes(100_000))
        answer = _rest(client)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\n100000")


def test_a_long_body_that_is_refused_is_not_asked_for(port: int) -> None:
    """100 Continue is sent when a long body is read, not before (RFC 9110 section 10.1.1)."""
    head = b"POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    with _connect(port) as client:
        client.sendall(head + b"Content-Length: 100000\r\n\r\n")
        assert _rest(client).startswith(b"HTTP/1.1 413")


def test_a_client_that_asks_and_is_gone() -> None:
    """A client that has reset the connection before 100 Continue is sent is closed."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    with working() as (port, [worker]), socket.socket() as raw:
        made = Connection(raw, "client", "server", QUICK, worker._budget)
        made.received = head
        worker._dispatch(made, len(head))
        assert raw.fileno() == -1
        assert _get(port) == 200


def test_bodies_that_are_waited_for_hold_no_thread() -> None:
    """More slow short or chunked bodies than upload threads leave a thread for a long one."""
    held = (
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;e\r\na\r\n",
    )
    limits = evolve(QUICK, header=30, grace=30, uploads=2)
    with working(limits) as (port, [worker]), ExitStack() as clients:
        for data in held * 4:
            clients.enter_context(_connect(port)).sendall(data)
        _until(lambda: worker.connections == 4 * len(held))
        client = clients.enter_context(_connect(port))
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n" + CLOSE + bytes(100_000))
        began = time.monotonic()
        assert _rest(client).endswith(b"100000")
        assert time.monotonic() - began < 0.2 * SLACK


def test_chunks_that_are_mostly_framing_are_refused() -> None:
    """A body of little content and much framing is refused, though its rate is sufficient."""
    piece = b"1;" + b"e" * 650 + b"\r\na\r\n"
    with working(evolve(QUICK, grace=30)) as (port, _), _connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(piece * 100)
        client.sendall(piece * 2)
        assert _rest(client).startswith(b"HTTP/1.1 400")


def test_idle_connections_make_room() -> None:
    """At the maximum number of connections, the one that has been idle longest is closed for the next."""
    limits = evolve(QUICK, connections=3, header=120)
    with working(limits) as (port, [worker]), ExitStack() as clients:
        first, second = (clients.enter_context(_connect(port)) for _ in range(2))
        _until(lambda: worker.connections == 2)
        busy = clients.enter_context(_connect(port))
        busy.sendall(b"GET / H")
        _until(lambda: worker.connections == 3)
        assert _get(port) == 200
        assert first.recv(10) == b""
        busy.sendall(b"TTP/1.1\r\nHost: a\r\n\r\n")
        assert busy.recv(1000).endswith(b"here")
        del second


def test_connections_wait_where_none_is_idle() -> None:
    """If no connection is idle, the next is accepted when a request is over."""
    limits = evolve(QUICK, connections=2, header=0.5)
    with working(limits) as (port, [worker]), ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(_connect(port)).sendall(b"GET / H")
        _until(lambda: worker.connections == 2)
        began = time.monotonic()
        assert _get(port) == 200
        assert time.monotonic() - began > 0.1


class _Exhausted:
    """A listener of a process without free file descriptors, for a number of calls."""

    def __init__(self, listener: socket.socket, errors: int) -> None:
        self._listener, self.errors = listener, errors

    def accept(self) -> Any:
        """Accept after the failures."""
        if self.errors:
            self.errors -= 1
            raise OSError(errno.EMFILE, "of the test")
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


def _exhaust(worker: InThread, errors: int) -> None:
    """Make the next calls of accept fail."""
    _until(lambda: worker.is_listening)
    exhausted: Any = _Exhausted(worker.sockets[0], errors)
    worker.sockets[0] = exhausted
    worker._acceptor.set_listening(False)
    worker._acceptor.retry_at = 0.0


def test_a_worker_without_descriptors_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without free file descriptors, a worker accepts again later, and logs a warning now and then."""
    with working() as (port, [worker]):
        warned: list[object] = []
        monkeypatch.setattr(worker.log, "warning", lambda *message: warned.append(message))
        assert _get(port) == 200
        _exhaust(worker, errors=5)
        began = time.monotonic()
        assert _get(port) == 200
        assert 0 < len(warned) <= 1 + time.monotonic() - began


def test_idle_connections_make_room_for_descriptors() -> None:
    """Without free file descriptors, the connection that has been idle longest is closed for the next."""
    limits = evolve(QUICK, keepalive=120, header=120)
    with working(limits) as (port, [worker]), ExitStack() as clients:
        idle: list[socket.socket] = []
        for _ in range(2):
            idle.append(clients.enter_context(_connect(port)))
            idle[-1].sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert idle[-1].recv(1000).endswith(b"here")
            # The client may read the response before the connection waits again.
            _until(lambda: len(list(worker._pending)) == len(idle))
        first, second = idle
        _exhaust(worker, errors=1)
        assert _get(port) == 200
        assert first.recv(10) == b""
        second.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert second.recv(1000).endswith(b"here")


def _spread(workers: list[InThread]) -> list[int]:
    return sorted(worker.connections for worker in workers)


def test_connections_are_spread() -> None:
    """Of eight simultaneous connections, each of two workers has at least three; of three workers, two."""
    for count in (2, 3):
        with working(evolve(QUICK, header=30), workers=count) as (port, workers):
            _until(lambda: all(worker.is_listening for worker in workers))
            for _ in range(5):
                with ExitStack() as clients:
                    for _ in range(8):
                        clients.enter_context(_connect(port))
                    _until(lambda: sum(_spread(workers)) == 8)
                    assert _spread(workers)[0] >= 8 // count - 1
                _until(lambda: sum(_spread(workers)) == 0)


def test_a_connection_is_accepted_though_another_worker_has_fewer() -> None:
    """A worker with fewer connections may be stuck, so the wait for it is limited."""
    with working() as (port, [worker]):
        stuck = object()
        worker._connection_counts.set_count(worker._connection_counts.assign(stuck), 0)
        with _connect(port), _connect(port), _connect(port):
            _until(lambda: worker.connections == 3)
            assert _get(port) == 200
        worker._connection_counts.release(stuck)


def test_a_worker_that_stops_answers_what_is_there() -> None:
    """It accepts nothing more, closes idle connections, and exits when every request is answered."""
    limits = evolve(QUICK, keepalive=30, header=30, grace=30, closing=0.5)
    with working(limits) as (port, [worker]), ExitStack() as clients:
        idle, kept, upload, late = (clients.enter_context(_connect(port)) for _ in range(4))
        kept.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.recv(1000).endswith(b"here")
        upload.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        late.sendall(b"GET / HT")
        _until(lambda: worker.connections == 4)
        worker.stop()
        _until(lambda: not worker.is_listening)
        kept.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = kept.recv(1000)
        assert b"Connection: close" in answer
        assert answer.endswith(b"here")
        late.sendall(b"TP/1.1\r\nHost: a\r\n\r\n")
        assert late.recv(1000).endswith(b"here")
        upload.sendall(bytes(100_000))
        assert upload.recv(1000).endswith(b"\r\n\r\n100000")
        assert idle.recv(10) == b""


def test_a_worker_that_stops_ends_what_takes_too_long() -> None:
    """At its deadline it shuts down the remaining connections, which ends their threads."""
    with working(evolve(QUICK, header=60, grace=60)) as (port, [worker]), _connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        _until(lambda: worker.connections == 1)
        worker.stop()
        assert _rest(client) == b""
