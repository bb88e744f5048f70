"""A limit on how many threads of a process do one thing at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore


class LimitReached(Exception):
    """A concurrency limit is reached; the work was not started.

    Attributes:
        detail: One sentence for a person.
        retry_after: Whole seconds after which to try again.
    """

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class ConcurrencyLimit:
    """A semaphore that refuses instead of blocking: for work that takes much time or memory. Thread-safe.

    Args:
        limit: How many threads may be inside at a time.
        detail: What `LimitReached` says of a refusal.
        retry_after: Whole seconds after which a refused caller may try again.
    """

    def __init__(self, limit: int, detail: str, retry_after: int) -> None:
        self._slots = BoundedSemaphore(limit)
        self._detail = detail
        self._retry_after = retry_after

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Occupy one slot until the block ends.

        Raises:
            LimitReached: every slot is occupied.
        """
        if not self._slots.acquire(blocking=False):
            raise LimitReached(self._detail, self._retry_after)
        try:
            yield
        finally:
            self._slots.release()
