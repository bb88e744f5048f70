"""Server-Sent Events of the ASGI application, without a server."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest

from albumcore import create_album, post_comment, remove_member
from albumcore_adapters.http import event_stream, paced_bodies
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.event_stream import EventStreams
from support.browser import signed_in
from support.following import EVENTS, SOON, now
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, OTHER, World, open_world, settle


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world."""
    made = open_world(tmp_path, start=settle)
    yield made
    made.service.close()


class Exchange:
    """One request to an ASGI application, and what it sends."""

    def __init__(self, app: EventStreams, scope: dict[str, Any]) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.pieces: list[bytes] = []
        self._asked = False
        self.task = asyncio.create_task(app(scope, self._receive, self.sent.put))

    async def _receive(self) -> dict[str, Any]:
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": True}
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def next(self) -> Any:
        """The next message that has something."""
        while True:
            message = await asyncio.wait_for(self.sent.get(), SOON)
            if message.get("body") != b"" or not message.get("more_body"):
                return message

    async def event(self) -> bytes:
        """The next piece of the stream."""
        body: bytes = (await self.next())["body"]
        return body


def scope_of(world: World, by: str, query: str = "", **headers: str) -> dict[str, Any]:
    """A request for the events of the album."""
    given = {"accept": "text/event-stream", "authorization": f"Bearer {world.token_of(by)}"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": EVENTS,
        "raw_path": EVENTS.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
    }


def app_of(world: World) -> EventStreams:
    """The application over the world."""
    return EventStreams(create_app(world.service), world.service.log_watch, threads=2)


async def leave(*exchanges: Exchange) -> None:
    """Have the clients of some requests go, and wait until that is seen."""
    for exchange in exchanges:
        exchange.gone.set()
        await asyncio.wait_for(exchange.task, SOON)


async def open_and_leave(app: EventStreams, asked: list[tuple[dict[str, Any], int]]) -> None:
    """Open streams, each beside those before it, and see the status of each; then all go."""
    exchanges = []
    for scope, status in asked:
        exchange = Exchange(app, scope)
        assert (await exchange.next())["status"] == status
        exchanges.append(exchange)
    await leave(*exchanges)


@asynccontextmanager
async def following(
    world: World, by: str = BOB, query: str = "", **headers: str
) -> AsyncIterator[Exchange]:
    """A stream that has begun; at its end the client goes."""
    exchange = Exchange(app_of(world), scope_of(world, by, query, **headers))
    started = await exchange.next()
    assert started["status"] == 200
    assert (b"content-type", b"text/event-stream") in started["headers"]
    yield exchange
    await leave(exchange)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in an event loop."""
    asyncio.run(test())


def comments(events: bytes) -> list[str]:
    """The comments of some messages."""
    lines = [line.removeprefix(b"data: ") for line in events.split(b"\n") if b"data: " in line]
    return [orjson.loads(line)["comment"] for line in lines]


def test_a_stream_begins_with_what_comes_next(world: World) -> None:
    """Its first message is an id alone; each entry has its cursor as the id, and none in its data."""
    world.act(ALICE, post_comment, "before")
    cursor = now(world)

    async def test() -> None:
        async with following(world) as stream:
            assert await stream.event() == f"retry: 1000\n\nid: {cursor}\n\n".encode()
            world.act(ALICE, post_comment, "after")
            event = await stream.event()
            assert comments(event) == ["after"]
            assert b"cursor" not in event
            assert event.startswith(f"id: {now(world)}\ndata: ".encode())

    run(test)


@pytest.mark.parametrize("named", ["query", "header"])
def test_a_stream_begins_after_a_cursor(named: str, world: World) -> None:
    """That of the query, or the last id that the client has, which counts more."""
    old = now(world)
    world.act(ALICE, post_comment, "one")
    cursor = now(world)
    world.act(ALICE, post_comment, "two")

    async def test() -> None:
        query, headers = f"after={cursor}&with=cursor", {}
        if named == "header":
            query, headers = f"after={old}&with=cursor", {"last_event_id": cursor}
        async with following(world, query=query, **headers) as stream:
            event = await stream.event()
            assert comments(event) == ["two"]
            assert f'"cursor":"{now(world)}"'.encode() in event

    run(test)


def test_pages_follow_each_other(world: World) -> None:
    """More than a page is there at once."""
    for number in range(101):
        world.act(ALICE, post_comment, str(number))

    async def test() -> None:
        async with following(world, query="after=&types=comments&limit=1&wait=9") as stream:
            first, second = await stream.event(), await stream.event()
            assert comments(first) + comments(second) == [str(number) for number in range(101)]

    run(test)


@pytest.mark.parametrize(
    ("by", "query", "headers", "status"),
    [
        (DAVE, "", {}, 404),
        (BOB, "after=x", {}, 400),
        (BOB, "", {"last_event_id": "no cursor&limit=0"}, 400),
        (BOB, "offset=1&after=", {}, 400),
        (BOB, "offset=1", {}, 400),
    ],
)
def test_refusals_are_ordinary_answers(
    by: str, query: str, headers: dict[str, str], status: int, world: World
) -> None:
    """In the form of the API."""

    async def test() -> None:
        exchange = Exchange(app_of(world), scope_of(world, by, query, **headers))
        assert (await exchange.next())["status"] == status
        assert orjson.loads((await exchange.next())["body"]).keys() == {"message", "detail", "help"}
        await exchange.task

    run(test)


def test_what_is_no_list_of_events_is_answered_as_it_is(world: World) -> None:
    """Though its address ends like that of one, as an address of the viewer OHIF may."""

    def page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<p>"]

    async def test() -> None:
        app = EventStreams(page, world.service.log_watch, threads=2)
        exchange = Exchange(app, scope_of(world, BOB))
        started = await exchange.next()
        assert (started["status"], started["headers"]) == (200, [(b"content-type", b"text/html")])
        assert await exchange.next() == {"type": "http.response.body", "body": b"<p>"}
        await exchange.task

    run(test)


def test_a_stream_too_many_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until another has ended."""
    monkeypatch.setattr(event_stream, "MOST_STREAMS", 1)
    app = app_of(world)

    async def test() -> None:
        first = Exchange(app, scope_of(world, BOB))
        assert (await first.next())["status"] == 200
        second = Exchange(app, scope_of(world, ALICE))
        refused = await second.next()
        assert refused["status"] == 503
        assert b"retry-after" in dict(refused["headers"])
        assert b"too many streams" in (await second.next())["body"]
        await leave(first)
        third = Exchange(app, scope_of(world, ALICE))
        assert (await third.next())["status"] == 200
        await leave(third)

    run(test)


@pytest.mark.parametrize("most", [{"MOST_STREAMS": 2}, {"MOST_OF_ONE": 1}])
def test_one_user_has_a_share_of_the_streams(
    most: dict[str, int], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of all, and some of one history: however many they open, there are others for other users."""
    for name, number in most.items():
        monkeypatch.setattr(event_stream, name, number)
    app = app_of(world)

    asked = [(scope_of(world, by), status) for by, status in ((BOB, 200), (BOB, 503), (ALICE, 200))]
    run(partial(open_and_leave, app, asked))


def test_a_share_is_of_one_history(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who follows one album as often as they may can follow another."""
    monkeypatch.setattr(event_stream, "MOST_OF_ONE", 1)
    world.act(ALICE, create_album, "Other", album=OTHER)
    app, other = app_of(world), f"/albums/{OTHER}/events"

    asked = [
        (scope_of(world, ALICE) | {"path": path, "raw_path": path.encode()}, status)
        for path, status in ((EVENTS, 200), (EVENTS, 503), (other, 200))
    ]
    run(partial(open_and_leave, app, asked))


def test_a_stream_ends_for_who_is_removed(world: World) -> None:
    """With a message that says so."""

    async def test() -> None:
        async with following(world) as stream:
            await stream.event()
            world.act(ALICE, remove_member, BOB)
            end = await stream.event()
            assert end.startswith(b'event: end\ndata: {"message":"Album Not Found"')
            assert await stream.next() == {"type": "http.response.body", "body": b""}

    run(test)


def test_an_idle_stream_beats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With comments, and checks now and then that its caller may see the album."""
    monkeypatch.setattr(event_stream, "BEAT_SECONDS", 0.05)

    async def test() -> None:
        async with following(world) as stream:
            await stream.event()
            for _ in range(event_stream.CHECK_EVERY + 1):
                assert await stream.event() == b":\n\n"
            world.act(ALICE, post_comment, "x")
            found = await stream.event()
            while found == b":\n\n":
                found = await stream.event()
            assert comments(found) == ["x"]

    run(test)


def test_beats_do_not_show_private_comments_of_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come as if nothing was recorded, though each comment wakes the stream."""
    monkeypatch.setattr(event_stream, "BEAT_SECONDS", 1.0)

    async def test() -> None:
        async with following(world) as stream:
            await stream.event()
            beat = asyncio.create_task(stream.event())
            until = monotonic() + SOON
            while not beat.done() and monotonic() < until:
                await asyncio.to_thread(world.act, ALICE, post_comment, "Psst", target=CAROL)
            assert beat.done()
            assert beat.result() == b":\n\n"

    run(test)


def test_a_stream_ends_when_the_process_stops(world: World) -> None:
    """At once."""

    async def test() -> None:
        async with following(world) as stream:
            await stream.event()
            world.service.log_watch.stop()
            assert await stream.next() == {"type": "http.response.body", "body": b""}

    run(test)


def test_signals_end_streams(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handlers of the server are called as well."""
    called: list[int] = []
    handlers: dict[int, Any] = {signal.SIGTERM: lambda number, frame: called.append(number)}
    monkeypatch.setattr(signal, "getsignal", handlers.get)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)

    async def test() -> None:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            message = next(messages)
            if message["type"] == "lifespan.shutdown":
                handlers[signal.SIGTERM](signal.SIGTERM, None)
                await asyncio.sleep(0)
            return message

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await app_of(world)({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        await asyncio.sleep(0)

    run(test)
    assert called == [signal.SIGTERM]
    assert world.service.log_watch.is_stopped


def test_other_requests_are_those_of_wsgi(world: World) -> None:
    """Without ``text/event-stream``, and to other addresses."""

    async def test() -> None:
        for path, accept in (
            (EVENTS, "application/json"),
            ("/albums", "text/event-stream, application/json"),
        ):
            scope = scope_of(world, BOB, accept=accept) | {"path": path, "raw_path": path.encode()}
            exchange = Exchange(app_of(world), scope)
            assert (await exchange.next())["status"] == 200
            assert orjson.loads((await exchange.next())["body"])
            await exchange.task

    run(test)


def test_pages_are_followed_by_a_stream_with_the_session(world: World) -> None:
    """The page of an album says that there is one; elsewhere it does not, and polls."""
    browser = signed_in(world, BOB)
    browser.get(f"/ui/albums/{ALBUM}")
    assert "data-stream" not in browser.page
    [(address, cursor)] = re.findall(r'data-events="(\S+)" data-cursor="(\S+)"', browser.page)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    def asked(path: str, query: str, accept: str) -> Exchange:
        scope = scope_of(world, BOB, query, accept=accept, cookie=cookie)
        scope["headers"] = [one for one in scope["headers"] if one[0] != b"authorization"]
        return Exchange(app_of(world), scope | {"path": path, "raw_path": path.encode()})

    async def test() -> None:
        page = asked(f"/ui/albums/{ALBUM}", "", "text/html")
        assert (await page.next())["status"] == 200
        assert f'data-stream data-events="{address}"' in (await page.event()).decode()
        await page.task
        stream = asked(address, f"after={cursor}&with=version", "text/event-stream")
        assert (await stream.next())["status"] == 200
        await stream.event()
        world.act(ALICE, post_comment, "By a stream")
        event = await stream.event()
        assert comments(event) == ["By a stream"]
        assert b'"version":' in event
        stream.gone.set()
        await stream.task

    run(test)


def form_of(
    world: World, received: list[bytes], length: int, app: EventStreams | None = None
) -> Exchange:
    """A request with a form, of which some pieces have arrived, and the rest does not come."""
    scope = scope_of(world, BOB, content_length=str(length)) | {
        "method": "POST",
        "path": f"/albums/{ALBUM}/comments",
    }
    scope["headers"].append((b"content-type", b"application/x-www-form-urlencoded"))
    exchange = Exchange(app or app_of(world), scope)
    exchange.pieces, exchange._asked = received, True
    return exchange


@pytest.mark.parametrize("length", [99, paced_bodies.SHORT_BODY + 1])
def test_slow_clients_occupy_no_thread_for_long(
    length: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that does not come counts as one that ended early."""
    monkeypatch.setattr(paced_bodies, "GRACE_SECONDS", 0.1)

    async def test() -> None:
        exchange = form_of(world, [b"comment=x", b"y"], length)
        assert (await exchange.next())["status"] == 400
        assert b"ended early" in (await exchange.next())["body"]
        await exchange.task

    run(test)


def test_a_short_body_occupies_a_thread_when_it_has_arrived(world: World) -> None:
    """However many clients are about to send one."""

    async def test() -> None:
        app = app_of(world)
        slow = [form_of(world, [b"comment="], 99, app) for _ in range(5)]
        scope = scope_of(world, BOB, accept="application/json")
        exchange = Exchange(app, scope)
        assert (await exchange.next())["status"] == 200
        await exchange.task
        for one in slow:
            assert not one.task.done()
            one.task.cancel()

    run(test)


def test_a_body_in_chunks_is_not_kept(world: World) -> None:
    """It announces no length, and is given to the application once it is longer than a short one."""

    async def test() -> None:
        pieces = [bytes(paced_bodies.SHORT_BODY)] * 3
        exchange = form_of(world, pieces, 0)
        assert (await exchange.next())["status"] == 400
        await exchange.task
        assert pieces

    run(test)
