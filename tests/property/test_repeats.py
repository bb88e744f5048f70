"""Commands that come again change nothing, whatever they are, and whenever they come."""

from __future__ import annotations

import hashlib

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from albumcore import Act, CommandKey
from albumcore.errors import AlbumcoreError
from albumcore.index import CommandRow
from albumcore.testing import Clock
from albumcore_adapters.store import open_memory
from support.facts import rows_of
from support.playing import Turn, interleaved, play


def key_of(number: int) -> CommandKey:
    """The key of the command at that place."""
    return CommandKey(f"n{number}", hashlib.sha256(b"%d" % number).hexdigest())


@given(turns=interleaved(), data=st.data())
def test_repeats_leave_the_same_history(turns: list[Turn], data: st.DataObject) -> None:
    """Each command with a key of its own, and after any of them an earlier one again: as if each had come once."""
    repeats = st.lists(st.integers(0, len(turns)), min_size=len(turns), max_size=len(turns))
    again = data.draw(repeats) if turns else []
    once, clock = Clock(), Clock()
    with open_memory(clock=once) as plain, open_memory(clock=clock) as store:
        play(plain, once, turns)
        for number, (stream, command) in enumerate(turns):
            clock.now += command.wait
            try:
                led_to = store.handle_once(
                    key_of(number), stream, command.decision, command.source, *command.args
                )
            except AlbumcoreError:
                led_to = ()
            assert store.done_before(key_of(number)) == led_to
            if again[number] <= number and (known := store.done_before(key_of(again[number]))):
                stream, command = turns[again[number]]
                assert known == store.handle_once(
                    key_of(again[number]), stream, command.decision, command.source, *command.args
                )
        kept = [one for _, one in store.follow(0, 10_000)]
        assert [evolve(one, act=Act(one.act.source, one.at)) for one in kept] == [
            one for _, one in plain.follow(0, 10_000)
        ]
        rows, plain_rows = rows_of(store), rows_of(plain)
        assert len(rows.pop(CommandRow)) == len(
            {one.act.command.id for one in kept if one.act.command}
        )
        assert plain_rows.pop(CommandRow) == []
        assert rows == plain_rows
        assert store.verify() == []
