"""The counts that workers share."""

from __future__ import annotations

import os

from albumcore_adapters.server import Shares
from albumcore_adapters.server.spread import MOST_WORKERS


def test_the_least_of_those_who_accept() -> None:
    """A worker is the least when no other has fewer; those that do not accept are not asked."""
    shares = Shares()
    first, second, third = (shares.give(name) for name in ("first", "second", "third"))
    assert len({first, second, third}) == 3
    shares.write(first, 5)
    assert shares.is_least(first)
    shares.write(second, 4)
    assert not shares.is_least(first)
    assert shares.is_least(second)
    shares.write(second, 5)
    assert shares.is_least(first)
    shares.write(second, 0)
    shares.leave(second)
    assert shares.is_least(first)


def test_a_slot_is_given_again() -> None:
    """The slot of a worker that ended, however it did, is given to the next, and counts nothing until then."""
    shares = Shares()
    slots = [shares.give(number) for number in range(MOST_WORKERS)]
    assert slots == list(range(MOST_WORKERS))
    shares.write(slots[7], 0)
    shares.write(slots[8], 1)
    assert not shares.is_least(slots[8])
    shares.take_back(7)
    shares.take_back(7)
    assert shares.is_least(slots[8])
    assert shares.give("new") == slots[7]


def test_a_worker_without_a_slot() -> None:
    """With more workers than slots, those that have none accept connections without a look at the others."""
    shares = Shares()
    slots = [shares.give(number) for number in range(MOST_WORKERS)]
    assert shares.give("one too many") is None
    shares.write(slots[0], 1)
    shares.write(None, 0)
    assert shares.is_least(slots[0])
    assert shares.is_least(None)
    shares.leave(None)
    shares.take_back("one too many")
    assert shares.give("another") is None
    shares.take_back(0)
    assert shares.give("another") == slots[0]


def test_counts_are_seen_across_a_fork() -> None:
    """What a forked process writes down, the others read."""
    shares = Shares()
    mine, other = shares.give("mine"), shares.give("other")
    shares.write(mine, 3)
    child = os.fork()
    if child == 0:
        shares.write(other, 2)
        os._exit(0)
    os.waitpid(child, 0)
    assert not shares.is_least(mine)
