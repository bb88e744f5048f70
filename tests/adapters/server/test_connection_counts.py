"""The connection counts that the workers share."""

from __future__ import annotations

import os

from albumcore_adapters.server import ConnectionCounts
from albumcore_adapters.server.connection_counts import MAX_WORKERS


def test_the_least_of_those_who_accept() -> None:
    """A worker has the fewest if no other accepting worker has fewer."""
    connection_counts = ConnectionCounts()
    first, second, third = (connection_counts.assign(name) for name in ("first", "second", "third"))
    assert len({first, second, third}) == 3
    connection_counts.set_count(first, 5)
    assert connection_counts.has_fewest(first)
    connection_counts.set_count(second, 4)
    assert not connection_counts.has_fewest(first)
    assert connection_counts.has_fewest(second)
    connection_counts.set_count(second, 5)
    assert connection_counts.has_fewest(first)
    connection_counts.set_count(second, 0)
    connection_counts.exclude(second)
    assert connection_counts.has_fewest(first)


def test_a_slot_is_given_again() -> None:
    """The slot of a worker that exited or was killed is assigned to the next, and empty until then."""
    connection_counts = ConnectionCounts()
    slots = [connection_counts.assign(number) for number in range(MAX_WORKERS)]
    assert slots == list(range(MAX_WORKERS))
    connection_counts.set_count(slots[7], 0)
    connection_counts.set_count(slots[8], 1)
    assert not connection_counts.has_fewest(slots[8])
    connection_counts.release(7)
    connection_counts.release(7)
    assert connection_counts.has_fewest(slots[8])
    assert connection_counts.assign("new") == slots[7]


def test_a_worker_without_a_slot() -> None:
    """If there are more workers than slots, those without one accept without comparing."""
    connection_counts = ConnectionCounts()
    slots = [connection_counts.assign(number) for number in range(MAX_WORKERS)]
    assert connection_counts.assign("one too many") is None
    connection_counts.set_count(slots[0], 1)
    connection_counts.set_count(None, 0)
    assert connection_counts.has_fewest(slots[0])
    assert connection_counts.has_fewest(None)
    connection_counts.exclude(None)
    connection_counts.release("one too many")
    assert connection_counts.assign("another") is None
    connection_counts.release(0)
    assert connection_counts.assign("another") == slots[0]


def test_counts_are_seen_across_a_fork() -> None:
    """A count set by a forked process is visible in the others."""
    connection_counts = ConnectionCounts()
    mine, other = connection_counts.assign("mine"), connection_counts.assign("other")
    connection_counts.set_count(mine, 3)
    child = os.fork()
    if child == 0:
        connection_counts.set_count(other, 2)
        os._exit(0)
    os.waitpid(child, 0)
    assert not connection_counts.has_fewest(mine)
