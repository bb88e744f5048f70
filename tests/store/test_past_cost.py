"""What the past costs: a page and its total do not grow with the history, and a state does not replay all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from random import Random
from statistics import median
from typing import Any

import pytest

from albumcore import (
    Albumcore,
    AlbumEdited,
    CommentPosted,
    FeedQuery,
    MemberAdded,
    SeriesImported,
    SeriesRemoved,
    add_member,
    create_album,
    edit_album,
)
from albumcore.codec import Codec
from albumcore.errors import ChangedSince
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore.index import changes
from albumcore.kernel import Act, RecordedEvent
from albumcore.streams import album_stream
from support.album import alice, bob
from support.clock import Clock
from support.given import ALICE

ID, SIZE, BATCH, TIMES = AlbumId("Long"), 6000, 500, 10
LONG = album_stream(ID)
PAGE = FeedQuery(limit=20)


@pytest.fixture(scope="module")
def events() -> list[Any]:
    """What happens again and again."""
    series = StudyUID("1.2"), SeriesUID("1.2.3")
    whispered, said = CommentPosted("Look", bob), CommentPosted("Seen", None)
    return [said, SeriesImported(*series), whispered, said, SeriesRemoved(*series)]


@pytest.fixture(scope="module")
def app(open_shared: Callable[..., Albumcore], events: list[Any]) -> Albumcore:
    """An album of some thousand events, one a second. Tests read it."""
    clock = Clock()
    store = open_shared(clock=clock)
    store.handle(LONG, create_album, ALICE, "Long")
    store.handle(LONG, add_member, ALICE, bob)

    def recorded() -> Iterator[RecordedEvent[Any]]:
        for version in range(3, SIZE + 1):
            act = Act(ALICE, clock())
            yield RecordedEvent(LONG.name, version, act, events[(version - 3) % len(events)])

    remaining = recorded()
    while batch := list(islice(remaining, BATCH)):
        store.events.put(batch, changes=[one for event in batch for one in changes(event)])
    assert MemberAdded(bob) in [one.event for one in store.history(LONG, until=2)]
    return store


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the events that were read."""
    names: list[str] = []
    decode = Codec.read

    def counted(codec: Codec, stored: Any, **options: Any) -> Any:
        names.append(stored.topic)
        return decode(codec, stored, **options)

    monkeypatch.setattr(Codec, "read", counted)
    return names


def moments(app: Albumcore) -> list[datetime]:
    """Times all over the history."""
    random = Random(1)
    versions = [random.randint(SIZE // 10, SIZE) for _ in range(TIMES * 3)]
    return [app.moment(LONG, version=version).at for version in versions]


def test_a_page_of_the_past_reads_its_own_events_only(app: Albumcore, read: list[str]) -> None:
    """Whatever the size of the album, and so does the number of comments."""
    for at in moments(app):
        read.clear()
        page = app.feed(ID, alice, PAGE, at=at)
        assert len(read) <= 20
        version = app.moment(LONG, at).version
        assert page.total == version
        app.album_counts(ID, alice, version)
        assert len(read) <= 20


def test_a_page_of_the_past_takes_about_as_long_as_one_of_the_present(app: Albumcore) -> None:
    """Ten times as long is allowed here, where the machine is busy; the benchmarks are stricter."""

    def seconds(at: datetime | None) -> float:
        before = time.perf_counter()
        app.feed(ID, alice, PAGE, at=at)
        return time.perf_counter() - before

    times = moments(app)
    seconds(None)
    past, present = [], []
    for at in times:
        past.append(seconds(at))
        present.append(seconds(None))
    assert median(past) < 10 * median(present)


def test_the_search_for_what_came_since_an_event_ends(
    open_store: Callable[..., Albumcore], clock: Clock, read: list[str]
) -> None:
    """With what it was if that is among the last thousand of its kind, and without otherwise."""
    store = open_store()
    store.handle(LONG, create_album, ALICE, "Long")
    for description in ("", "About", "Other"):
        store.handle(LONG, edit_album, ALICE, "First", description)
    renamed = [
        RecordedEvent(LONG.name, version, Act(ALICE, clock()), AlbumEdited(name=f"{version}"))
        for version in range(5, 1505)
    ]
    for start, known in ((0, 4), (990, 4), (1000, None)):
        batch = renamed[len([*store.history(LONG)]) - 4 : start]
        store.events.put(batch, changes=[one for event in batch for one in changes(event)])
        store.load(LONG, version=2)
        store.load(LONG)
        read.clear()
        with pytest.raises(ChangedSince) as refused:
            store.undo(ID, 3, ALICE)
        assert refused.value.version == known
        assert len(read) <= 1010


def test_a_state_of_the_past_replays_since_the_nearest_snapshot(
    app: Albumcore, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a long replay has stored some on its way."""
    monkeypatch.setattr("albumcore.state_cache.LONG", 1000)
    app.load(LONG, version=SIZE)
    for at in moments(app):
        read.clear()
        version = app.moment(LONG, at).version
        assert (len(app.load(LONG, at=at).studies) == 1) == ((version - 3) % 5 in (1, 2, 3))
        assert len(read) <= 1500
