"""Short answers are given one after the other by the threads of a process.

Of several threads that compute, one does at a time in any case. Each lets go of the interpreter whenever it asks the
system for anything, and where another processor is free, the next thread takes it at once: a request then passes the
interpreter on a dozen times, and that takes longer than the request.
"""

from __future__ import annotations

from threading import Lock

from attrs import define, field

PATIENCE = 0.005
"""How long a request waits for its turn, in seconds. Whoever waits longer goes on: the disk may be slow."""


@define(eq=False)
class Turn:
    """A request's turn, for as long as the block lasts; had by nobody else, unless that takes too long."""

    _of_all: Lock
    _is_had: bool = field(default=False, init=False)

    def __enter__(self) -> None:
        self._is_had = self._of_all.acquire(timeout=PATIENCE)

    def __exit__(self, *_: object) -> None:
        if self._is_had:
            self._of_all.release()
