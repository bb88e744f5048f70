"""The feed against a plain list."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from albumcore import Album, EntryKind, FeedQuery, album_stream
from albumcore.errors import AlbumNotFound
from albumcore.feed import select
from albumcore.testing import (
    ALBUMS,
    CAST,
    START,
    Clock,
    Command,
    album_commands,
    history_of,
)
from albumcore_adapters.store import open_memory
from support.facts import fact_of
from support.naive import NaiveAlbum
from support.playing import on, play

ALBUM = ALBUMS[0]
STREAM = album_stream(ALBUM)
queries = st.builds(
    FeedQuery,
    st.frozensets(st.sampled_from(EntryKind)),
    st.none() | st.integers(0, 5),
    st.integers(0, 8),
)
later = st.builds(
    FeedQuery,
    st.frozensets(st.sampled_from(EntryKind)),
    st.none() | st.integers(0, 5),
    after=st.integers(0, 12),
)


@given(tried=album_commands(), query=queries)
def test_selection_equals_that_of_a_list(tried: list[Command[Album]], query: FeedQuery) -> None:
    """Every member gets the page that the naive model gets by walking its list; no viewer at all gets everything."""
    history = history_of(STREAM, tried)
    naive, at = NaiveAlbum(), START
    for command in tried:
        at += command.wait
        naive.predict(command.name, command.source, at, command.args)
    words = {kind.value for kind in query.kinds}
    for viewer in (None, *(CAST.users[CAST.users.index(user)] for user in naive.members)):
        entries, total = select(history, viewer, query)
        seen = naive.see(viewer, words, query.limit, query.offset)
        assert ([fact_of(entry) for entry in entries], total) == seen


@given(tried=album_commands(), query=queries | later)
def test_page_by_index_equals_the_selection(tried: list[Command[Album]], query: FeedQuery) -> None:
    """The indexed page is what selecting from the whole history gives, and what asking for this moment does."""
    clock = Clock()
    with open_memory(clock=clock) as store:
        play(store, clock, on(STREAM, tried))
        history = tuple(store.history(STREAM))
        assert history == history_of(STREAM, tried)
        members = store.load(STREAM).members
        for viewer in CAST.users:
            pages = []
            for at in (None, clock.now, clock.now + timedelta(days=1)):
                try:
                    page = store.feed(ALBUM, viewer, query, at=at)
                    pages.append((page.entries, page.total))
                except AlbumNotFound:
                    pages.append(((), -1))
            expected = select(history, viewer, query) if viewer in members else ((), -1)
            assert pages == [expected] * 3


@given(tried=album_commands(), query=later)
def test_later_entries_are_those_of_the_whole_list_from_behind(
    tried: list[Command[Album]], query: FeedQuery
) -> None:
    """After a version, the page begins with the oldest entry that is later: the end of the list, in reverse."""
    history = history_of(STREAM, tried)
    for viewer in (None, *CAST.users):
        every, _ = select(history, viewer, FeedQuery(query.kinds))
        rest = [one for one in reversed(every) if one.recorded.version > (query.after or 0)]
        page = rest if query.limit is None else rest[: query.limit]
        assert select(history, viewer, query) == (tuple(page), len(rest))
