"""What only a few threads may do at a time, and a further one is refused rather than made to wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore


class Busy(Exception):
    """As many threads as may do it are doing it already.

    Attributes:
        detail: One sentence for a person.
        retry_after: Whole seconds after which to try again.
    """

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class Turns:
    """Turns at something that takes long or takes much. Threads of one process share it.

    Args:
        most: How many turns are taken at a time.
        detail: What one that is refused is told.
        retry_after: Whole seconds after which it may try again.
    """

    def __init__(self, most: int, detail: str, retry_after: int) -> None:
        self._free = BoundedSemaphore(most)
        self._detail = detail
        self._retry_after = retry_after

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a turn until the block ends.

        Raises:
            Busy: all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise Busy(self._detail, self._retry_after)
        try:
            yield
        finally:
            self._free.release()
