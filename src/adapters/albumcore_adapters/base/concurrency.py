"""A limit on how many threads of a process do one thing at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic


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
        patience: How long every slot must have been occupied before a caller is refused, in seconds. Until then,
            callers wait.
        share: How many slots one holder may occupy; None for all.
    """

    def __init__(
        self,
        limit: int,
        detail: str,
        retry_after: int,
        patience: float = 0,
        share: int | None = None,
    ) -> None:
        self._free = limit
        self._share = share
        self._held: Counter[str] = Counter()
        self._full_since = 0.0
        self._changed = Condition()
        self._detail = detail
        self._retry_after = retry_after
        self._patience = patience

    @contextmanager
    def slot(self, holder: str = "", patience: float | None = None) -> Iterator[None]:
        """Occupy one slot until the block ends.

        Args:
            holder: For whom; see the share.
            patience: Another patience than that of the limit, in seconds.

        Raises:
            LimitReached: every slot is occupied, and none became free for as long as the patience lasts; or the holder
                has their share.
        """
        patience = self._patience if patience is None else patience
        with self._changed:
            if self._share is not None and self._held[holder] >= self._share:
                raise LimitReached(self._detail, self._retry_after)
            while not self._free:
                seconds = self._full_since + patience - monotonic()
                if seconds <= 0:
                    raise LimitReached(self._detail, self._retry_after)
                self._changed.wait(seconds)
            self._free -= 1
            self._held[holder] += 1
            self._full_since = monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._held[holder] -= 1
                if not self._held[holder]:
                    del self._held[holder]
                self._changed.notify()
