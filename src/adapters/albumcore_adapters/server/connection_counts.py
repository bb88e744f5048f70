"""Load balancing between worker processes: each accepts a connection only if no other worker has fewer."""

from __future__ import annotations

import mmap

MAX_WORKERS = 1024
"""Worker processes that are counted: four times the largest setting, because a restart runs old and new ones."""

_NOT_ACCEPTING = -1
_WIDTH = 8  # bytes of a count


class ConnectionCounts:
    """The number of open connections of each worker, in anonymous memory that is mapped before the fork.

    Each worker writes to its own slot only. The master process, which forks and reaps the workers, assigns the slots
    and releases them, so a killed worker is no longer counted. A slot is empty until its worker accepts connections.
    """

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, MAX_WORKERS * _WIDTH)).cast("q")
        self._used = memoryview(mmap.mmap(-1, _WIDTH)).cast("q")
        self._slots: dict[object, int] = {}
        for slot in range(MAX_WORKERS):
            self._counts[slot] = _NOT_ACCEPTING

    def assign(self, worker: object) -> int | None:
        """Assign the first free slot to a worker, in the master process before the fork.

        Returns:
            The slot; None if there are more than `MAX_WORKERS` workers. Such a worker accepts every connection it
            can, and is not counted.
        """
        taken = set(self._slots.values())
        slot = next((slot for slot in range(MAX_WORKERS) if slot not in taken), None)
        if slot is not None:
            self._slots[worker] = slot
            self._used[0] = max(self._used[0], slot + 1)
        return slot

    def release(self, worker: object) -> None:
        """Empty the slot of a worker that has exited or was killed."""
        if (slot := self._slots.pop(worker, None)) is not None:
            self.exclude(slot)

    def set_count(self, slot: int | None, count: int) -> None:
        """Record the number of connections of the worker in a slot, which takes part in the comparison from now on."""
        if slot is not None:
            self._counts[slot] = count

    def exclude(self, slot: int | None) -> None:
        """Take a worker that accepts no more connections out of the comparison."""
        self.set_count(slot, _NOT_ACCEPTING)

    def has_fewest(self, slot: int | None) -> bool:
        """Return whether no worker that accepts connections has fewer than the one in this slot."""
        if slot is None:
            return True
        own = self._counts[slot]
        return all(not 0 <= count < own for count in self._counts[: self._used[0]])
