"""Index rows, of several streams written in turn."""

from __future__ import annotations

from hypothesis import given

from adapters.store import open_memory
from albumcore.testing import Clock
from support.facts import rows_meant, rows_of
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
