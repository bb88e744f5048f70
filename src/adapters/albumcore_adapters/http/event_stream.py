"""Server-Sent Events (WHATWG HTML section 9.2): a list that is followed, as a stream that does not end.

An ASGI application around that of WSGI. It answers one kind of requests itself: for the events of an album or of an
image set, from a client that accepts ``text/event-stream``. To read events, it asks the WSGI application for those
after a cursor, with the headers of the client, each time that the watch of the log wakes it. So a stream has no rules
of its own about who may see what, and holds no thread while it is idle.
"""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from io import BytesIO
from time import monotonic
from typing import Any, TypeAlias, cast
from urllib.parse import unquote_plus

import falcon
import orjson
from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi import build_environ
from attrs import Factory, frozen

from albumcore.ids import AlbumId, PatientId
from albumcore.streams import album_stream, patient_stream
from albumcore_adapters.base.concurrency import ConcurrencyLimit, LimitReached
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.body import READ_OFF
from albumcore_adapters.http.live import AFTER, DEFAULT_LIMIT, HAS_STREAMS, READER, WAIT
from albumcore_adapters.http.paced_bodies import AsgiMessage, Receive, arrived
from albumcore_adapters.http.response import NEXT_CURSOR, TOTAL
from albumcore_adapters.store.log_watch import LogWatch

EVENT_STREAM = "text/event-stream"

READERS = 8
"""Threads that read events for all streams of a process."""

MOST_STREAMS = 2_000
"""Streams of a process at a time, half of them for one user; a further one is refused. Each takes some 100 kB."""

MOST_OF_ONE = 50
"""Streams of a process that one user has of one history."""

BEAT_SECONDS = 15.0
"""Seconds without an event after which a comment is sent, so that proxies leave the connection open."""

CHECK_EVERY = 4
"""How many of these pauses pass until it is checked again that the caller may see the events."""

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]
Wsgi: TypeAlias = Callable[[dict[str, Any], Any], Iterable[bytes]]

_ALBUM = re.compile(r".*/albums/([A-Za-z0-9]{1,64})/events/?")
_IMAGE_SET = re.compile(r".*/tscharts/v1/patient/([0-9]{1,18})/events/?")
_OF_PAGES = frozenset(
    {"content-type", "content-length", "etag", TOTAL.lower(), NEXT_CURSOR.lower()}
)
_TOO_MANY = "too many streams of events are open; try again"
_RETRY_SECONDS = 5
_MOST_DIGITS = 18  # that a number has which is read
_OF_QUERY = frozenset({AFTER, WAIT, "limit"})


@frozen
class _Followed:
    """What a request follows.

    Attributes:
        stream: The name of the stream of events.
        first: What the query of the first reading has without a cursor: that of an album begins with what comes next,
            as its list begins with the newest.
        more: What the query of every reading has.
    """

    stream: str
    first: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


@frozen
class _Answer:
    """An answer of the WSGI application, and the user who reads events by it."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    reader: str = ""

    def header(self, name: str) -> str:
        """The value of a header; empty without it."""
        return next((value for one, value in self.headers if one.lower() == name.lower()), "")


@frozen
class _Pause:
    """The time until the next beat. What the client does not see does not begin it anew, or the beats would show it."""

    ends_at: float = Factory(lambda: monotonic() + BEAT_SECONDS)

    @property
    def left(self) -> float:
        """The seconds that are left of it; negative after its end."""
        return self.ends_at - monotonic()


class EventStreams:
    """The ASGI application.

    Args:
        app: The WSGI application, which has every other request.
        watch: Wakes the streams.
        threads: How many requests the WSGI application handles at a time: those that may wait, and others.
    """

    def __init__(self, app: Wsgi, watch: LogWatch, threads: int) -> None:
        self._app = app
        self._watch = watch
        self._wsgi: Any = WSGIMiddleware(cast(Any, partial(_without_rest, app)), workers=threads)
        self._readers = ThreadPoolExecutor(READERS, "event stream")
        share = -(-MOST_STREAMS // 2)
        self._open = ConcurrencyLimit(MOST_STREAMS, _TOO_MANY, _RETRY_SECONDS, share=share)
        # Each event wakes every stream of its history.
        self._same = ConcurrencyLimit(MOST_STREAMS, _TOO_MANY, _RETRY_SECONDS, share=MOST_OF_ONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or begin and end with the server."""
        followed = _followed(scope) if scope["type"] == "http" else None
        if followed is not None:
            await self._follow(followed, scope, receive, send)
            return
        if scope["type"] == "lifespan":
            self._end_on_signals()
        if scope["type"] == "http":
            receive = await arrived(receive, _length_in(scope))
        await self._wsgi(scope, receive, send)

    async def _follow(
        self, followed: _Followed, scope: Scope, receive: Receive, send: Send
    ) -> None:
        news, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop may be closed already
                loop.call_soon_threadsafe(news.set)

        client = loop.create_task(_until_gone(receive, news))
        try:
            with self._watch.watching(followed.stream, wake):
                cursor = _cursor_of(scope)
                answer = await self._read(followed, scope, cursor)
                if cursor is None and followed.first and answer.status == 200:
                    # It may be from memory, which does not say who reads; nor does it say what goes with a cursor.
                    answer = await self._read(followed, scope, answer.header(NEXT_CURSOR))
                if answer.status != 200 or not answer.reader:  # as that of a page with such a path
                    await _send_whole(answer, send)
                    return
                same = f"{answer.reader} {followed.stream}"
                with self._open.slot(answer.reader), self._same.slot(same):
                    await self._send_events(answer, followed, scope, send, news, client)
        except LimitReached as error:
            await _send_whole(_busy(error), send)
        finally:
            client.cancel()

    async def _send_events(
        self,
        answer: _Answer,
        followed: _Followed,
        scope: Scope,
        send: Send,
        news: asyncio.Event,
        client: asyncio.Task[None],
    ) -> None:
        """Send the events of the first answer, and then what comes, until the client has gone."""
        shows_cursors = (b"with", b"cursor") in _pairs(scope["query_string"])
        await send({"type": "http.response.start", "status": 200, "headers": _headers(answer)})
        cursor, messages = answer.header(NEXT_CURSOR), _messages(answer, shows_cursors)
        # An id without data: a client that reconnects before the first event goes on from here.
        await _send_some(
            send, b"retry: 1000\n\n" + b"".join(messages or [b"id: %b\n\n" % cursor.encode()])
        )
        beats, pause = 0, _Pause()
        while not (client.done() or self._watch.is_stopped):
            if len(messages) < DEFAULT_LIMIT and not await _is_set(news, pause.left):
                beats, pause = beats + 1, _Pause()
                await _send_some(send, b":\n\n")
                if beats % CHECK_EVERY:
                    continue
            news.clear()
            answer = await self._read(followed, scope, cursor)
            if answer.status not in (200, 503):
                await _send_some(send, b"event: end\ndata: %b\n\n" % (answer.body or b"{}"))
                break
            # While the store is busy, it is asked again with the beats.
            messages = _messages(answer, shows_cursors) if answer.status == 200 else []
            cursor = answer.header(NEXT_CURSOR) or cursor
            if messages:
                pause = _Pause()
                await _send_some(send, b"".join(messages))
        await send({"type": "http.response.body", "body": b""})

    async def _read(self, followed: _Followed, scope: Scope, cursor: str | None) -> _Answer:
        """Ask the WSGI application for what came after a cursor, in a thread."""
        pairs = scope["query_string"].split(b"&")
        own = [one.decode("latin-1") for one in pairs if one and _name(one) not in _OF_QUERY]
        place = followed.first if cursor is None else (f"{AFTER}={cursor}",)
        environ: dict[str, Any] = {**build_environ(cast(Any, scope), cast(Any, BytesIO()))}
        environ["QUERY_STRING"] = "&".join((*own, *followed.more, *place))
        environ["HTTP_ACCEPT"] = JSON
        environ.pop("HTTP_IF_NONE_MATCH", None)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, _ask, self._app, environ)

    def _end_on_signals(self) -> None:
        """Have streams and waiting requests end when the server is told to: it waits for its connections to end."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if callable(before):
                signal.signal(number, _then(loop, self._watch.stop, before))


def _then(
    loop: asyncio.AbstractEventLoop, stop: Callable[[], None], before: Callable[..., Any]
) -> Callable[..., Any]:
    def handle(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(stop)
        before(number, frame)

    return handle


def _without_rest(app: Wsgi, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Handle a request; the server drops what is left of its body."""
    environ[READ_OFF] = environ[HAS_STREAMS] = True
    return app(environ, start_response)


def _length_in(scope: Scope) -> int:
    """The length of the body that a request announces; 0 without it, or if it is none."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(given[:_MOST_DIGITS]) if given.isdigit() else 0


def _followed(scope: Scope) -> _Followed | None:
    """What a request follows; None if it is for no stream of events."""
    accepts = [value for name, value in scope["headers"] if name == b"accept"]
    if scope["method"] != "GET" or EVENT_STREAM.encode() not in b",".join(accepts):
        return None
    if match := _IMAGE_SET.fullmatch(scope["path"]):
        return _Followed(patient_stream(PatientId(int(match[1]))).name)
    if match := _ALBUM.fullmatch(scope["path"]):
        stream = album_stream(AlbumId(match[1])).name
        return _Followed(stream, first=("limit=0",), more=("with=cursor",))
    return None


def _cursor_of(scope: Scope) -> str | None:
    """The cursor to begin after: the last id that the client has received, or that of ``after``; None without."""
    for name, value in scope["headers"]:
        if name == b"last-event-id" and value:
            # What is no cursor is refused as one.
            return "".join(
                one if one.isalnum() or one in "-_" else "." for one in value.decode("latin-1")
            )
    given = [value for name, value in _pairs(scope["query_string"]) if name == AFTER.encode()]
    return given[0].decode("latin-1") if given else None


def _pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    split = [one.partition(b"=") for one in query.split(b"&")]
    return [(_name(name).encode(), value) for name, _, value in split]


def _name(pair: bytes) -> str:
    return unquote_plus(pair.partition(b"=")[0].decode("latin-1"))


def _ask(app: Wsgi, environ: dict[str, Any]) -> _Answer:
    started: list[Any] = []
    pieces = app(environ, lambda status, headers, error=None: started.extend((status, headers)))
    try:
        body = b"".join(pieces)
    finally:
        getattr(pieces, "close", lambda: None)()
    status, headers = started[-2:]
    return _Answer(int(status.partition(" ")[0]), headers, body, environ.get(READER, ""))


def _messages(answer: _Answer, shows_cursors: bool) -> list[bytes]:
    """A message for each entry of an answer, with the cursor after it as its id."""
    made = []
    for entry in orjson.loads(answer.body):
        cursor = entry["cursor"]
        if not shows_cursors:
            del entry["cursor"]
        made.append(b"id: %b\ndata: %b\n\n" % (cursor.encode(), orjson.dumps(entry)))
    return made


def _headers(answer: _Answer) -> list[tuple[bytes, bytes]]:
    own = [("Content-Type", EVENT_STREAM), ("X-Accel-Buffering", "no")]
    others = [one for one in answer.headers if one[0].lower() not in _OF_PAGES]
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in (*own, *others)]


def _busy(reached: LimitReached) -> _Answer:
    error = falcon.HTTPServiceUnavailable(
        description=reached.detail, retry_after=reached.retry_after
    )
    headers = [("Content-Type", JSON), *dict(error.headers or {}).items()]
    return _Answer(503, headers, error.to_json())


async def _send_whole(answer: _Answer, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _send_some(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive, news: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    news.set()


async def _is_set(news: asyncio.Event, seconds: float) -> bool:
    """Wait for news; False when the time is over, which it may be before."""
    if seconds <= 0:
        return False
    with suppress(TimeoutError):
        await asyncio.wait_for(news.wait(), seconds)
    return news.is_set()
