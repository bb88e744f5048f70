"""Message framing and connections, byte by byte."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.server import Limits
from albumcore_adapters.server import connection as connection_module
from albumcore_adapters.server.connection import Connection
from albumcore_adapters.server.limits import SendBudget
from albumcore_adapters.server.request_framing import (
    MAX_COLLECTED_BODY,
    Arrival,
    ChunkScanner,
    arrival_of,
    asks_to_wait,
    expects_continue,
    may_store,
)
from albumcore_adapters.server.response_rest import ResponseRest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("received", "what"),
    [
        (b"", Arrival.PART_OF_HEAD),
        (GET, Arrival.PART_OF_HEAD),
        (GET + b"\r\n", Arrival.ALL),
        (GET + b"\r\nGET", Arrival.ALL),
        (POST + b"Content-Length: 3\r\n\r\nab", Arrival.PART_OF_BODY),
        (POST + b"content-length:3\r\n\r\nab", Arrival.PART_OF_BODY),
        (POST + b"Content-Length: 3\r\n\r\nabc", Arrival.ALL),
        (POST + b"Content-Length: 0\r\n\r\n", Arrival.ALL),
        (POST + b"Content-Length: %d\r\n\r\n" % MAX_COLLECTED_BODY, Arrival.PART_OF_BODY),
        (POST + b"Content-Length: %d\r\n\r\n" % (MAX_COLLECTED_BODY + 1), Arrival.HEAD),
        (POST + b"Content-Length: 00000000000003\r\n\r\nab", Arrival.PART_OF_BODY),
        (POST + b"Content-Length: 9999999999999\r\n\r\nab", Arrival.HEAD),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Arrival.CHUNKS),
        (POST + b"Transfer-Encoding: gzip , Chunked \r\n\r\n", Arrival.CHUNKS),
        (
            POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
            Arrival.CHUNKS,
        ),
        (POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n", Arrival.PART_OF_BODY),
        (POST + b"Expect: 100-Continue\r\nExpect: 100-continue\r\n\r\n", Arrival.ALL),
        # What follows is for the parser to refuse: it must only be given to it.
        (POST + b"Content-Length: x\r\n\r\n", Arrival.HEAD),
        (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n", Arrival.HEAD),
        (POST + b"Content-Length: 3\r\nExpect: 200-ok\r\n\r\n", Arrival.HEAD),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", Arrival.HEAD),
        (POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n", Arrival.HEAD),
    ],
)
def test_what_has_arrived(received: bytes, what: Arrival) -> None:
    """The header determines whether there is a body to wait for, and its length."""
    assert arrival_of(received) is what


@given(st.integers(0, MAX_COLLECTED_BODY), st.integers(0, MAX_COLLECTED_BODY))
def test_a_body_has_arrived_when_all_of_it_has(length: int, there: int) -> None:
    """A short body is complete when as many bytes follow the header as it announces."""
    received = POST + b"Content-Length: %d\r\n\r\n" % length + bytes(there)
    assert (arrival_of(received) is Arrival.ALL) == (there >= length)


@pytest.mark.parametrize(
    ("received", "asks"),
    [
        (POST + b"expect:  100-Continue \r\n\r\n", True),
        (POST + b"\r\nExpect: 100-continue\r\n", False),
        (POST.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\n\r\n", False),
    ],
)
def test_who_waits_to_be_asked(received: bytes, asks: bool) -> None:
    """HTTP/1.1 clients with Expect: 100-continue; HTTP/1.0 does not define it."""
    assert expects_continue(received) is asks


chunks = st.tuples(st.binary(min_size=1, max_size=40), st.sampled_from([b"", b";a=b", b' ; c="d"']))


@given(
    st.lists(chunks, max_size=6),
    st.sampled_from([b"", b"A: b\r\n", b"A: b\r\nC: 0\r\n"]),
    st.lists(st.integers(1, 30), max_size=12),
)
def test_the_end_of_a_body_in_chunks(
    parts: list[tuple[bytes, bytes]], trailers: bytes, cuts: list[int]
) -> None:
    """The end is found with the last byte, and not before, however the bytes are split."""
    framed = b"".join(b"%x%b\r\n%b\r\n" % (len(one), more, one) for one, more in parts)
    wire = framed + b"0\r\n" + trailers + b"\r\n"
    followed, at = ChunkScanner(), 0
    for cut in [*cuts, *(1 for _ in wire)]:
        assert followed.is_complete == (at >= len(wire))
        followed.feed(wire[at : at + cut])
        at += cut
    assert followed.is_complete
    assert followed.content == sum(len(one) for one, _ in parts)


@pytest.mark.parametrize(
    "wire", [b"zz\r\n", b"\r\n", b"-1\r\n", b"2\r\nabc", b"1\r\nab\r\n", b"1\n", b"0\r\nA: b\n\n"]
)
def test_malformed_chunks_are_not_waited_for(wire: bytes) -> None:
    """The scan ends where the framing is malformed."""
    followed = ChunkScanner()
    followed.feed(wire)
    assert followed.is_complete


@pytest.mark.parametrize(("size", "is_mostly"), [(1, True), (2, False), (100, False)])
def test_chunks_that_are_mostly_framing(size: int, is_mostly: bool) -> None:
    """At least a fifth of the bytes is content, beyond what the loop collects anyway."""
    followed = ChunkScanner()
    while followed.wire <= 4 * MAX_COLLECTED_BODY:
        followed.feed(b"%x\r\n%b\r\n" % (size, bytes(size)))
        assert followed.wire > MAX_COLLECTED_BODY or not followed.is_mostly_framing
    assert followed.is_mostly_framing is is_mostly


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(10)
        yield ours, theirs


def _connection(raw: socket.socket, **limits: float) -> Connection:
    made = Limits(**limits)  # type: ignore[arg-type]  # numbers, all of them
    connection = Connection(raw, "client", "server", made, SendBudget(made.unsent))
    connection.begin(may_wait=True)
    connection.set_deadline(made.grace)
    return connection


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_the_time_of_the_application_is_not_the_client_s(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While what has arrived is stored, the client may be unable to send more. Before that, only the client is slow."""
    clock = Clock()
    monkeypatch.setattr(connection_module, "monotonic", clock)
    ours, theirs = pair
    connection = _connection(ours, grace=10.0, pace=1000)
    for _ in range(3):
        theirs.send(b"some")
        assert connection.recv(4) == b"some"
        clock.now += 100
    connection.begin(may_wait=True)
    connection.set_deadline(10.0)
    clock.now += 100
    with pytest.raises(TimeoutError):
        connection.recv(4)


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 100_000)), max_size=40),
    st.integers(1, 10_000),
)
def test_the_pace(moves: list[tuple[float, int]], pace: int) -> None:
    """A client at the least rate is never too slow after its grace; one below it by more than the grace is."""
    clock, grace, stall = Clock(), 10.0, 60.0
    with pytest.MonkeyPatch.context() as patch, socket.socket() as raw:
        patch.setattr(connection_module, "monotonic", clock)
        connection = _connection(raw, pace=pace, grace=grace, stall=stall)
        began, brought, is_slow = clock.now, 0, False
        for seconds, count in moves:
            clock.now += seconds
            is_slow = is_slow or clock.now > connection.deadline
            connection.extend_deadline(count)
            brought += count
            if clock.now - began > grace + brought / pace:
                assert is_slow
            assert connection.deadline <= clock.now + stall
        if all(count >= seconds * pace for seconds, count in moves):
            assert not is_slow


def test_the_beginning_goes_with_what_follows(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """A header is sent together with the beginning of the body, or alone at the end of the response."""
    connection = _connection(pair[0])
    connection.sendall(b"header")
    pair[1].setblocking(False)
    with pytest.raises(BlockingIOError):
        pair[1].recv(100)
    connection.sendall(b" body")
    assert pair[1].recv(100) == b"header body"
    connection.sendall(b" more")
    assert pair[1].recv(100) == b" more"
    connection.begin()
    connection.sendall(b"header")
    assert connection.flush()
    assert pair[1].recv(100) == b"header"


@pytest.mark.parametrize(("sent", "length"), [(100, 1000), (600, 400)])
def test_a_piece_that_is_mostly_sent_is_not_in_memory(
    pair: tuple[socket.socket, socket.socket], sent: int, length: int
) -> None:
    """What waits is at most half of what is in memory for it."""
    connection = _connection(pair[0])
    connection._queue([bytes(1000)], sent)
    [rest] = connection.unsent
    assert memoryview(rest.obj).nbytes == length
    assert connection.reserved == len(rest) == 1000 - sent
    connection.release_unsent()


@pytest.mark.parametrize("filled", [0, 1000, 100_000])
def test_what_there_is_no_room_for_is_sent_later(
    pair: tuple[socket.socket, socket.socket], filled: int
) -> None:
    """However small the socket buffer, the client receives every byte once, in order."""
    connection = _connection(pair[0])
    pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    header, body = bytes(range(256)) * 400, bytes(reversed(range(256))) * 4000
    before = 0
    while before < filled:
        try:
            before += pair[0].send(bytes(min(1000, filled - before)))
        except BlockingIOError:
            break
    connection.sendall(header)
    connection.sendall(body)
    seen = b""
    while not connection.flush():
        seen += pair[1].recv(4096)
    pair[0].shutdown(socket.SHUT_WR)
    seen += b"".join(iter(lambda: pair[1].recv(65536), b""))
    assert seen[before:] == header + body


class Pool(Executor):
    """A pool whose threads are free for some calls, and then busy."""

    def __init__(self, free: int) -> None:
        self.free = free

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call it now, or never."""
        future: Future[Any] = Future()
        if self.free > 0:
            future.set_result(fn(*args, **kwargs))
        self.free -= 1
        return future


@given(free=st.integers(0, 4), count=st.integers(0, 400), is_chunked=st.booleans())
def test_a_response_gives_way_when_no_thread_is_free(
    free: int, count: int, is_chunked: bool
) -> None:
    """It is sent whole and in order, and its turn ends before that only if no thread was free to make more."""
    pieces = [b"%d" % number for number in range(count)]
    left = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = _connection(ours)
        connection.sendall(b"header")
        connection.rest = rest = ResponseRest(iter(pieces), is_chunked)
        while not rest.is_made:
            pool = Pool(free)
            connection.send_rest(pool)
            left.append(pool.free)
        framed = [b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
        assert theirs.recv(10_000) == b"header" + b"".join(framed if is_chunked else pieces)
    assert all(one < 0 for one in left[:-1])


def test_what_waits_is_counted() -> None:
    """Queued bytes are taken from the budget, and given back when they are sent or dropped."""
    budget = SendBudget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    assert budget.lacks(6) == 6
    budget.give(6)
    assert budget.lacks(6) == 0
    assert budget.take(5)


def test_room_is_made() -> None:
    """If bytes are missing, exactly that many are requested."""
    asked: list[int] = []

    def make_room(size: int) -> None:
        asked.append(size)
        budget.give(5)

    budget = SendBudget(10, make_room)
    assert budget.take(8)
    assert budget.take(5)
    assert budget.take(2)
    assert not budget.take(7)
    assert asked == [3, 7]


def test_what_gunicorn_does_to_a_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    """Closing is left to the worker, nothing more is read, and timeouts are those of the limits."""
    connection = _connection(pair[0])
    assert connection.sock is connection
    assert connection.gettimeout() == 0
    connection.settimeout(5)
    connection.setblocking(True)
    pair[1].sendall(b"abc")
    assert connection.recv(2) == b"ab"
    connection.shutdown(socket.SHUT_WR)
    connection.close()
    assert connection.recv(2) == b""
    assert pair[0].fileno() != -1


@pytest.mark.parametrize(
    ("received", "waits"),
    [
        (b"GET /a?after=x&wait=60 HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET /a?wait=0 HTTP/1.1\r\n\r\n", True),
        (b"HEAD /a?wait=0 HTTP/1.1\r\n\r\n", True),
        (b"\r\nGET /a?wait=60 HTTP/1.1\r\n\r\n", True),
        (b"POST /a?wait=60 HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", False),
        (b"GET /a?%77ait=60 HTTP/1.1\r\n\r\n", False),
        (b"GET /a HTTP/1.1\r\nX-A: wait=60\r\n\r\n", False),
    ],
)
def test_requests_that_ask_to_wait(received: bytes, waits: bool) -> None:
    """By the name in their address, as the application reads it."""
    assert asks_to_wait(received) is waits


@pytest.mark.parametrize(
    ("received", "stores"),
    [
        (b"POST /studies HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"\r\nPOST /link/x/%73tudies/1.2?a=b HTTP/1.1\r\n\r\n", True),
        (b"POST /ui/inbox/upload HTTP/1.1\r\n\r\n", True),
        (b"POST /albums?x=/studies HTTP/1.1\r\n\r\n", False),
        (b"GET /studies HTTP/1.1\r\n\r\n", False),
    ],
)
def test_requests_that_may_store(received: bytes, stores: bool) -> None:
    """By their method and path."""
    assert may_store(received) is stores


def test_whether_the_client_has_gone(pair: tuple[socket.socket, socket.socket]) -> None:
    """It has if it closed its side, and sent nothing that is not read yet."""
    ours, theirs = pair
    connection = _connection(ours)
    assert not connection.is_gone()
    theirs.send(b"GET")
    assert not connection.is_gone()
    assert connection.recv(3) == b"GET"
    theirs.close()
    assert connection.is_gone()
    connection.received = b"GET"
    assert not connection.is_gone()
    connection.received = b""
    ours.close()
    assert connection.is_gone()
