"""Following the whole store from a position, while others write."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from albumcore import RecordedEvent
from albumcore.testing import Clock
from albumcore_adapters.store import open_memory
from support.playing import Turn, interleaved, play


@given(turns=interleaved(), data=st.data())
def test_polling_gives_each_event_once_in_order(turns: list[Turn], data: st.DataObject) -> None:
    """Whoever asks again from the last position gets every event of every stream once, in the order of recording."""
    clock, position = Clock(), 0
    got: list[RecordedEvent[Any]] = []
    with open_memory(clock=clock) as store:
        while turns:
            batch = data.draw(st.integers(1, 5))
            play(store, clock, turns[:batch])
            turns = turns[batch:]
            for limit in data.draw(st.lists(st.integers(1, 4), max_size=2)):
                found = store.follow(position, limit)
                assert len(found) <= limit
                for later, one in found:
                    assert later > position
                    position = later
                    got.append(one)
        got += [one for _, one in store.follow(position, 10_000)]
        assert got == [one for _, one in store.follow(0, 10_000)]
        for stream in {one.stream for one in got}:
            of_stream = [one for one in got if one.stream == stream]
            assert [one.version for one in of_stream] == [*range(1, len(of_stream) + 1)]
