"""Live answers: what was recorded after a cursor, for which a request may wait (long poll)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from threading import Event
from time import monotonic
from typing import Any, Protocol, TypeVar

from attrs import field, frozen

from albumcore import Album, Albumcore, FeedPage, RecordedEvent, Stream
from albumcore.errors import Invalid
from albumcore.ids import UserId
from albumcore_adapters.base.concurrency import ConcurrencyLimit
from albumcore_adapters.base.cursors import (
    BEGINNING,
    OTHER_HISTORY,
    CursorGone,
    CursorPlace,
    Cursors,
)
from albumcore_adapters.http.openapi.specs import Parameters, ParameterSpec, text
from albumcore_adapters.store.log_watch import LogWatch

AFTER, WAIT = "after", "wait"
"""The query parameters of a live answer: a cursor, and how many seconds to wait for entries."""

LONGEST_WAIT = 60
"""Longest ``wait``, in seconds: less than proxies wait for an answer."""

DEFAULT_LIMIT = 100
"""Entries of a live answer, unless ``limit`` says otherwise."""

CLIENT_IS_GONE = "albumcore.client_is_gone"
"""The variable of WSGI in which a server may give a function that says whether the client has closed its side."""

WAITED = "albumcore.waited"
"""The variable of WSGI in which a live answer leaves how many seconds it waited for entries."""

READER = "albumcore.reader"
"""The variable of WSGI in which a list of events leaves the user who reads it."""

HAS_STREAMS = "albumcore.has_streams"
"""The variable of WSGI that is set where Server-Sent Events are sent as well."""

_LOOK_SECONDS = 1.0  # how often a waiting request looks whether its client is there

LIVE: Parameters = {
    AFTER: ParameterSpec(
        text(0, 64),
        "A cursor: entries after it, oldest first; empty for those from the beginning. Not with offset.",
    ),
    WAIT: ParameterSpec(
        {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT},
        "With after: the seconds to wait for an entry if there is none.",
    ),
}
"""The parameters of a route that lists a history, and follows it."""


def seconds_asked(text: str | None, query_string: str) -> int:
    """The seconds that a request asks to wait, by the value of ``wait``; 0 without one.

    Raises:
        ValueError: it is no number from 0 to 60, or the name is percent-encoded: the server has requests that wait
            handled by other threads, and knows them by the name.
    """
    if text is None:
        return 0
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LONGEST_WAIT))
    if f"{WAIT}=" in query_string and is_number and int(text) <= LONGEST_WAIT:
        return int(text)
    raise ValueError(f"a whole number from 0 to {LONGEST_WAIT} is expected")


class _Page(Protocol):
    """What was read: the entries of a page."""

    @property
    def entries(self) -> tuple[Any, ...]:
        """The entries, oldest first."""
        ...


P = TypeVar("P", bound=_Page)


@frozen
class Live:
    """What live answers need. Threads share it.

    Attributes:
        watch: Wakes waiting requests.
        cursors: Makes and reads the texts of cursors.
        limit: How many requests of this process may wait at a time, and how many of one user.
    """

    watch: LogWatch
    cursors: Cursors = field(repr=False)
    limit: ConcurrencyLimit

    def cursor_after(self, recorded: RecordedEvent[Any]) -> str:
        """The text of the cursor after an event."""
        return self.cursors.text(recorded.stream, CursorPlace(recorded.version, recorded.at))

    def beginning(self, stream: Stream[Any]) -> str:
        """The text of the cursor before the first event of a stream."""
        return self.cursors.text(stream.name, BEGINNING)

    def cursor_after_newest(self, album: Stream[Album], newest: FeedPage) -> str:
        """The text of the cursor after the first entry of a page, newest first; before the first event without one."""
        if not newest.entries:
            return self.beginning(album)
        return self.cursor_after(newest.entries[0].recorded)

    def cursor_at_end(self, albums: Albumcore, stream: Stream[Any]) -> str:
        """The text of the cursor after the newest event of a stream; before the first one if there is none."""
        newest = albums.states.current(stream)
        if not newest.version:
            return self.beginning(stream)
        return self.cursors.text(stream.name, CursorPlace(newest.version, newest.at))

    def version_after(self, albums: Albumcore, stream: Stream[Any], cursor: str) -> int:
        """The version of the event that a cursor stands after; 0 for an empty text.

        Raises:
            ValueError: the text is no cursor.
            CursorGone: the stream does not have the event.
        """
        if not cursor:
            return 0
        found = self.cursors.cursor(stream.name, cursor)
        if found == BEGINNING:
            return 0
        try:
            moment = albums.moment(stream, version=found.version)
        except Invalid:
            raise CursorGone(OTHER_HISTORY) from None
        if moment.at != found.at:
            raise CursorGone(OTHER_HISTORY)
        return found.version

    def wait_for(
        self,
        stream: Stream[Any],
        seconds: float,
        read: Callable[[], P],
        environ: MutableMapping[str, Any],
        user: UserId,
    ) -> P:
        """What ``read`` returns as soon as it has entries, or after so many seconds.

        It is called again after each event of the stream, so that it checks each time what the caller may still see,
        in a read transaction of its own. The waiting ends at once when the process stops.

        Args:
            stream: What is followed.
            seconds: How long to wait; 0 for not at all.
            read: Reads the page.
            environ: The variables of WSGI of the request.
            user: Who makes the request.

        Raises:
            LimitReached: there are no entries, and too many requests wait, or too many of the user.
        """
        found = read()
        if found.entries or not seconds:
            return found
        until = monotonic() + seconds
        news = Event()
        with self.limit.slot(user), self.watch.watching(stream.name, news.set):
            while True:
                news.clear()  # before the reading: what it misses sets it again
                found = read()
                if found.entries or self.watch.is_stopped:
                    return found
                began = monotonic()
                is_woken = _is_woken(news, until, environ)
                environ[WAITED] = environ.get(WAITED, 0.0) + monotonic() - began
                if not is_woken:
                    return read()


def _is_woken(news: Event, until: float, environ: Mapping[str, Any]) -> bool:
    """Wait for news; False when the time is over, or the client has gone."""
    is_gone: Callable[[], bool] = environ.get(CLIENT_IS_GONE, lambda: False)
    while (left := until - monotonic()) > 0:
        if news.wait(min(left, _LOOK_SECONDS)):
            return True
        if is_gone():
            return False
    return False
