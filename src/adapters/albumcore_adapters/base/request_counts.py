"""How many requests were answered, and how long they took, in memory that all workers of a service share."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from threading import Lock
from typing import Self

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the classes of durations, in seconds; there is one more class, for what took longer."""

APIS = ("kheops", "tscharts", "service")
"""What a request is counted under; ``service`` is what belongs to neither API."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
STATUSES = tuple(sorted(int(status) for status in HTTPStatus))

_METHOD = {method: number for number, method in enumerate(METHODS)}
_STATUS = {status: number for number, status in enumerate(STATUSES)}
_PLACE = {
    (method, status): of_method * len(STATUSES) + of_status
    for method, of_method in _METHOD.items()
    for status, of_status in _STATUS.items()
}
_COUNTS = len(METHODS) * len(STATUSES)
_CLASSES = len(BOUNDS) + 1
_OF_API = _COUNTS + _CLASSES + 1  # the last one is the sum of the durations, in microseconds
_API = {api: number * _OF_API for number, api in enumerate(APIS)}
_ROW = len(APIS) * _OF_API
_WIDTH = 8  # bytes of a number


class RequestCounts:
    """A table with a row for each worker, which it alone writes to; what is told is the sum of all rows.

    A row outlives its worker, and the next worker in it goes on from there. So no sum ever goes back, however a
    worker ended. The memory is mapped before the workers are forked, and a row that was never used takes none.

    Args:
        rows: How many processes there may be at a time.
    """

    def __init__(self, rows: int = 1) -> None:
        self._cells = memoryview(mmap.mmap(-1, (rows * _ROW + 1) * _WIDTH)).cast("q")
        self._lock = Lock()
        self._begin = 1
        self.use(0)

    def use(self, row: int) -> None:
        """Have a row counted in the sums. Called where the workers are started, before the fork."""
        self._cells[0] = max(self._cells[0], row + 1)

    def in_row(self, row: int | None) -> Self:
        """The table as the worker of a row writes to it; without a row, a table of its own."""
        found = type(self)()
        if row is not None:
            found._cells, found._begin = self._cells, 1 + row * _ROW
        return found

    def count(self, api: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        begin = self._begin + _API[api]
        place = _PLACE.get((method, status))
        if place is None:
            known = (
                method if method in _METHOD else METHODS[-1],
                status if status in _STATUS else 500,
            )
            place = _PLACE[known]
        one = begin + place
        of_class = begin + _COUNTS + bisect_left(BOUNDS, seconds)
        last = begin + _OF_API - 1
        cells = self._cells
        with self._lock:
            cells[one] += 1
            cells[of_class] += 1
            cells[last] += int(seconds * 1_000_000)

    def requests(self) -> Iterator[tuple[str, str, int, int]]:
        """API, method, status, and how many there were, of what there was."""
        sums = self._sums()
        for api, begin in _API.items():
            for (method, status), place in _PLACE.items():
                if found := sums[begin + place]:
                    yield api, method, status, found

    def durations(self) -> Iterator[tuple[str, Sequence[int], float]]:
        """API, how many requests there were in each class of durations, and all their seconds together."""
        sums = self._sums()
        for api, begin in _API.items():
            classes = begin + _COUNTS
            microseconds = sums[begin + _OF_API - 1]
            yield api, sums[classes : classes + _CLASSES], microseconds / 1_000_000

    def _sums(self) -> list[int]:
        used = self._cells[0]
        rows = (self._cells[1 + row * _ROW : 1 + (row + 1) * _ROW].tolist() for row in range(used))
        return [sum(cells) for cells in zip(*rows, strict=True)]
