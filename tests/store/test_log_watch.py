"""Watching the log: whoever waits is woken by events of any process, and by nothing that is lost."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from eventsourcing.persistence import OperationalError

from albumcore import Albumcore, Source, album_stream, create_album, post_comment
from albumcore.ids import AlbumId, UserId
from albumcore_adapters.store import watch_of
from albumcore_adapters.store.log_watch import LogWatch

ALICE = Source(UserId("alice"))
ONE, OTHER = album_stream(AlbumId("One0000001")), album_stream(AlbumId("Other00001"))
SOON = 20.0


@pytest.fixture
def store(app: Albumcore) -> Albumcore:
    """An empty store of each kind."""
    return app


@pytest.fixture
def watch(store: Albumcore) -> Iterator[LogWatch]:
    """A watch of the store's log."""
    watch = watch_of(store)
    yield watch
    watch.stop()
    if watch._thread is not None:
        watch._thread.join(SOON)
        assert not watch._thread.is_alive()


def settled(watch: LogWatch, news: Event) -> None:
    """Wait for the first look, which wakes everybody, and forget it."""
    assert news.wait(SOON)
    news.clear()


def test_events_of_the_stream_wake(store: Albumcore, watch: LogWatch) -> None:
    """Those of others do not."""
    store.handle(ONE, create_album, ALICE, "One")
    news, others = Event(), Event()
    with watch.watching(ONE.name, news.set), watch.watching(OTHER.name, others.set):
        settled(watch, news)
        settled(watch, others)
        store.handle(ONE, post_comment, ALICE, "x")
        assert news.wait(SOON)
        assert not others.is_set()


def test_no_event_is_missed(store: Albumcore, watch: LogWatch) -> None:
    """One that is recorded at any time after the block was entered wakes: here a reader that never sleeps on news."""
    store.handle(ONE, create_album, ALICE, "One")
    number = 30

    def write() -> None:
        for one in range(number):
            store.handle(ONE, post_comment, ALICE, str(one))

    writer, seen = Thread(target=write), 1
    writer.start()
    while seen < number + 1:
        news = Event()
        with watch.watching(ONE.name, news.set):
            found = len(list(store.history(ONE, after=seen)))
            seen += found
            if not found:
                assert news.wait(SOON)
    writer.join()


def test_stopping_wakes_all(watch: LogWatch) -> None:
    """Once and for all: a thread that comes later finds it stopped, and begins nothing."""
    news = Event()
    with watch.watching(ONE.name, news.set):
        settled(watch, news)
        watch.stop()
        assert news.is_set()
        assert watch.is_stopped
    with watch.watching(ONE.name, news.set):
        pass


def test_stopping_before_the_start(store: Albumcore) -> None:
    """Nothing is begun."""
    watch = watch_of(store)
    watch.stop()
    with watch.watching(ONE.name, Event().set):
        assert watch._thread is None


def test_a_look_that_fails_is_made_again(
    store: Albumcore, watch: LogWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the beginning: everybody is woken once it succeeds."""
    store.handle(ONE, create_album, ALICE, "One")
    news, failed = Event(), Event()
    select = store.recorder.select_notifications

    def fail(*args: Any, **kwargs: Any) -> Any:
        if failed.is_set():
            return select(*args, **kwargs)
        failed.set()
        raise OperationalError("the server is gone")

    with watch.watching(ONE.name, news.set):
        settled(watch, news)
        monkeypatch.setattr(store.recorder, "select_notifications", fail)
        store.handle(OTHER, create_album, ALICE, "Other")
        assert failed.wait(SOON)
        assert news.wait(SOON)
