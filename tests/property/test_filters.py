"""The filters of the feed against a plain list: each alone and several together, for everybody, now and in the past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from albumcore import Album, Albumcore, EntryKind, FeedQuery, album_stream
from albumcore.errors import AlbumNotFound
from albumcore.feed import FILTERS
from albumcore.ids import UserId
from albumcore.testing import ALBUMS, CAST, START, Clock, Command, album_commands
from albumcore_adapters.store import open_memory, open_sqlite
from support.facts import fact_of
from support.naive import NaiveAlbum
from support.naive_state import Fact
from support.playing import on, play

ALBUM = ALBUMS[0]
STREAM = album_stream(ALBUM)
VIEWERS = (None, *CAST.users)
TICK = timedelta(microseconds=1)


def some(*values: str) -> st.SearchStrategy[Any]:
    """One or two of these values, seldom none, and seldom one that is nowhere; in a collection of any kind."""
    nowhere = st.sampled_from([[], ["1.2.3"], ["nobody", "\ud800"]])
    few = st.lists(st.sampled_from(values), min_size=1, max_size=2) if values else nowhere
    return st.one_of(few, few.map(tuple), few.map(frozenset), nowhere)


def values_of(told: list[datetime], facts: list[Fact]) -> Mapping[str, st.SearchStrategy[Any]]:
    """What each filter can be asked for where this happened, at these moments: mostly what will be found."""
    by = st.sampled_from([-TICK, timedelta(0), TICK])
    zone = st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9))])
    moment = st.builds(
        lambda at, by, zone: (at + by).astimezone(zone), st.sampled_from(told), by, zone
    )
    said: Mapping[str, Iterable[str | None]] = {
        "mutations": (fact["mutation"] for fact in facts),
        "users": (fact[who] for fact in facts for who in ("author", "target")),
        "studies": (fact["study"] for fact in facts),
        "series": (uid for fact in facts for uid in fact["series"]),
        "providers": (fact[how] for fact in facts for how in ("provider", "about provider")),
        "capability_tokens": (fact["token"] for fact in facts),
    }
    return {
        "kinds": st.frozensets(st.sampled_from(EntryKind)),
        "since": moment,
        "until": moment,
        **{name: some(*sorted(filter(None, set(values)))) for name, values in said.items()},
    }


def test_every_filter_is_asked_for() -> None:
    """One that is new needs values here, and a line in the model."""
    assert values_of([START], []).keys() == FILTERS.keys()


@st.composite
def queries(draw: st.DrawFn, told: list[datetime], facts: list[Fact]) -> list[FeedQuery]:
    """Each filter alone, on the whole feed and on a page; and several together."""
    values = values_of(told, facts)
    limits, offsets = st.none() | st.integers(0, 4), st.integers(0, 4)
    asked = [FeedQuery(), FeedQuery(limit=draw(limits), offset=draw(offsets))]
    asked += [FeedQuery(**{name: draw(value)}) for name, value in values.items()]
    for _ in range(3):
        names = draw(st.lists(st.sampled_from([*values]), min_size=2, max_size=4, unique=True))
        together = FeedQuery(**{name: draw(values[name]) for name in names})
        asked += [together, evolve(together, limit=draw(limits), offset=draw(offsets))]
    return asked


def predicted(tried: list[Command[Album]], at: datetime) -> NaiveAlbum:
    """The model of the album as it was at a moment."""
    naive, now = NaiveAlbum(), START
    for command in tried:
        now += command.wait
        if now <= at:
            naive.predict(command.name, command.source, now, command.args)
    return naive


def expected(naive: NaiveAlbum, viewer: UserId | None, query: FeedQuery) -> Any:
    """The page that the model gives."""
    kinds = {kind.value for kind in query.kinds}
    wanted = {name: getattr(query, name) for name in FILTERS if name != "kinds"}
    return naive.see(viewer, kinds, query.limit, query.offset, **wanted)


def page(store: Albumcore, viewer: UserId | None, query: FeedQuery, **at: Any) -> Any:
    """The page that a store gives."""
    try:
        found = store.feed(ALBUM, viewer, query, **at)
    except AlbumNotFound as error:
        return error.code
    return [fact_of(one) for one in found.entries], found.total


@contextmanager
def two_stores(clock: Clock) -> Iterator[list[Albumcore]]:
    """One in memory, and one in a file."""
    with (
        TemporaryDirectory() as folder,
        closing(open_memory(clock=clock)) as memory,
        closing(open_sqlite(Path(folder) / "store.sqlite", clock=clock)) as durable,
    ):
        yield [memory, durable]


@given(tried=album_commands(), data=st.data())
def test_filtered_page_equals_that_of_a_list(
    tried: list[Command[Album]], data: st.DataObject
) -> None:
    """Whoever looks, at whichever page, by whichever filters: both stores give what the model gives.

    They take turns in giving a moment of the past, and in having their rows made again.
    """
    moments = [START]
    for command in tried:
        moments.append(moments[-1] + command.wait)
    now = predicted(tried, moments[-1])
    asked = data.draw(queries(moments, now.ever))
    then = data.draw(st.sampled_from(moments)) + data.draw(st.sampled_from([-TICK, TICK * 0]))
    past = predicted(tried, then)
    clock = Clock()
    with two_stores(clock) as stores:
        for store in stores:
            clock.now = START
            play(store, clock, on(STREAM, tried))
        rebuilt, walked = stores[len(tried) % 2], stores[len(tried) % 2 - 1]
        wanted = [
            (viewer, query, expected(now, viewer, query), expected(past, viewer, query))
            for viewer, query in product(VIEWERS, asked)
        ]
        for viewer, query, is_now, was_then in wanted:
            assert [page(store, viewer, query) for store in stores] == [is_now] * 2
            assert page(walked, viewer, query, at=then) == was_then
        rebuilt.rebuild()
        for viewer, query, is_now, _ in wanted:
            assert page(rebuilt, viewer, query) == is_now
