"""Index rows, of several streams written in turn."""

from __future__ import annotations

from hypothesis import given

from albumcore import album_stream
from albumcore.testing import ALBUMS, Clock
from albumcore_adapters.store import open_memory
from support.facts import row_facts, row_facts_predicted, rows_meant, rows_of
from support.naive import NaiveAlbum
from support.playing import Turn, interleaved, play


@given(turns=interleaved())
def test_rows_equal_rebuilt_rows(turns: list[Turn]) -> None:
    """Rows written event by event are those of a plain interpreter of the changes, and those made again."""
    clock = Clock()
    with open_memory(clock=clock) as store:
        play(store, clock, turns)
        written = rows_of(store)
        assert store.verify() == []
        history = [one for _, one in store.follow(0, 10_000)]
        assert written == rows_meant(history)
        assert store.rebuild() == len(history)
        assert rows_of(store) == written


@given(turns=interleaved())
def test_rows_of_two_albums_equal_those_of_two_models(turns: list[Turn]) -> None:
    """What happens to one album changes no row of the other, though they share members, studies and providers."""
    clock = Clock()
    naive = {album_stream(album).name: NaiveAlbum() for album in ALBUMS}
    with open_memory(clock=clock) as store:
        for stream, command in turns:
            play(store, clock, [(stream, command)])
            if stream.name in naive:
                naive[stream.name].predict(command.name, command.source, clock.now, command.args)
        for album in ALBUMS:
            assert row_facts(store, album) == row_facts_predicted(naive[album_stream(album).name])
