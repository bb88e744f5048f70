"""Connection counts that worker processes share, so that none accepts more connections than the others."""

from __future__ import annotations

import mmap

MOST_WORKERS = 1024
"""Worker processes that can be counted: four times what can be set, as a restart starts new ones beside the old."""

_FREE = -1
_WIDTH = 8  # bytes of a count


class Shares:
    """A table of counts in anonymous memory that is mapped before the workers are forked.

    Each worker has a slot and writes to no other. The process that starts and reaps the workers gives slots out and
    takes them back, so a worker that was killed is not counted. A slot is empty until its worker accepts connections.
    """

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, MOST_WORKERS * _WIDTH)).cast("q")
        self._used = memoryview(mmap.mmap(-1, _WIDTH)).cast("q")
        self._slots: dict[object, int] = {}
        for slot in range(MOST_WORKERS):
            self._counts[slot] = _FREE

    def give(self, worker: object) -> int | None:
        """Give a worker the first slot that no other has. Called before the fork.

        With more than `MOST_WORKERS` it has none, and takes no part: it accepts whatever it can, and is not counted.
        """
        taken = set(self._slots.values())
        slot = next((slot for slot in range(MOST_WORKERS) if slot not in taken), None)
        if slot is not None:
            self._slots[worker] = slot
            self._used[0] = max(self._used[0], slot + 1)
        return slot

    def take_back(self, worker: object) -> None:
        """Empty the slot of a worker that has ended, however it did."""
        if (slot := self._slots.pop(worker, None)) is not None:
            self.leave(slot)

    def write(self, slot: int | None, count: int) -> None:
        """Write down how many connections the worker of a slot has; with it, the worker takes part."""
        if slot is not None:
            self._counts[slot] = count

    def leave(self, slot: int | None) -> None:
        """Have the others no longer wait for this worker: it accepts no more connections."""
        self.write(slot, _FREE)

    def is_least(self, slot: int | None) -> bool:
        """Whether no worker that accepts connections has fewer than the worker of this slot."""
        if slot is None:
            return True
        own = self._counts[slot]
        return all(not 0 <= count < own for count in self._counts[: self._used[0]])
