"""Any moment of the past: its state and its feed."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from albumcore import Album, album_stream, fold
from albumcore.errors import AlbumNotFound
from albumcore.testing import ALBUMS, CAST, START, Clock, Command, album_commands
from albumcore_adapters.store import open_memory
from support.facts import fact_of, facts_of, facts_predicted, standing_facts, standing_predicted
from support.naive import NaiveAlbum
from support.playing import on, play

ALBUM = ALBUMS[0]
STREAM = album_stream(ALBUM)
INSTANT = timedelta(microseconds=1)


@given(tried=album_commands(), data=st.data())
def test_moment_of_the_past_equals_what_was_true_then(
    tried: list[Command[Album]], data: st.DataObject
) -> None:
    """State and feed of a moment are what a naive model knew at that moment, the moment's own events included."""
    known, naive, clock = [(START - 2 * INSTANT, NaiveAlbum())], NaiveAlbum(), Clock()
    with open_memory(clock=clock, snapshot_every=4) as store:
        for command in tried:
            play(store, clock, on(STREAM, [command]))
            naive.predict(command.name, command.source, clock.now, command.args)
            known.append((clock.now, deepcopy(naive)))
        at = data.draw(moments_around(known))
        then = [model for told, model in known if told <= at][-1]
        assert facts_of(store.load(STREAM, at=at)) == facts_predicted(then)
        for viewer in CAST.users:
            expected = then.see(viewer, {"comments", "mutations"})
            try:
                page = store.feed(ALBUM, viewer, at=at)
            except AlbumNotFound:
                assert expected == "album_not_found"
                continue
            assert ([fact_of(entry) for entry in page.entries], page.total) == expected
            assert standing_facts(page) == standing_predicted(then, expected[0])


def moments_around(known: list[tuple[datetime, NaiveAlbum]]) -> st.SearchStrategy[datetime]:
    """The moments that something happened at, those next to them, and those between."""
    shift = st.sampled_from([timedelta(0), -INSTANT, INSTANT, timedelta(minutes=30)])
    return st.builds(lambda one, by: one[0] + by, st.sampled_from(known[1:]), shift)


@given(tried=album_commands(), data=st.data())
def test_version_of_the_past_equals_the_fold_so_far(
    tried: list[Command[Album]], data: st.DataObject
) -> None:
    """A version is the fold of that many events; with a moment too, whichever comes first."""
    clock = Clock()
    with open_memory(clock=clock, snapshot_every=4) as store:
        play(store, clock, on(STREAM, tried))
        history = tuple(store.history(STREAM))
        version = data.draw(st.integers(0, len(history) + 2))
        at = data.draw(st.sampled_from(history)).at
        state = fold(STREAM.initial, history[:version])
        assert store.load(STREAM, version=version) == state
        assert tuple(store.history(STREAM, until=version)) == history[:version]
        by_then = [one for one in history if one.at <= at]
        assert store.load(STREAM, version, at) == fold(STREAM.initial, by_then[:version])
