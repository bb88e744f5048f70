"""Request metrics in memory shared by all workers: counters by API, method and status, and histograms of durations."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from threading import Lock
from typing import Self

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram's buckets, in seconds; one more bucket holds what took longer."""

APIS = ("kheops", "tscharts", "pages", "service")
"""The label ``api``: one of the two APIs, the pages and what they load, or what operators and programs ask."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
STATUS_CODES = tuple(sorted(int(status) for status in HTTPStatus))

_METHODS = frozenset(METHODS)
_STATUSES = frozenset(STATUS_CODES)
_COUNTER = {
    (method, status): number
    for number, (method, status) in enumerate(
        (method, status) for method in METHODS for status in STATUS_CODES
    )
}
_COUNTERS = len(_COUNTER)
_BUCKETS = len(DURATION_BUCKETS) + 1
_API_CELLS = _COUNTERS + _BUCKETS + 1  # the last one is the sum of the durations, in microseconds
_API_OFFSET = {api: number * _API_CELLS for number, api in enumerate(APIS)}
_ROW_CELLS = len(APIS) * _API_CELLS
_CELL_BYTES = 8


class RequestCounts:
    """A table in shared memory, one row for each worker. A worker writes to its own row; reads sum over all rows.

    A row outlives its worker, and the next worker in it continues from there: a sum never decreases, however a worker
    ended. Make the table before the workers are forked. A row that was never used takes no memory.

    Args:
        rows: The largest number of workers at a time.
    """

    def __init__(self, rows: int = 1) -> None:
        # The first cell holds how many rows are in use.
        size = (rows * _ROW_CELLS + 1) * _CELL_BYTES
        self._cells = memoryview(mmap.mmap(-1, size)).cast("q")
        self._lock = Lock()
        self._start = 1
        self.add_worker(0)

    def add_worker(self, row: int) -> None:
        """Include a row in the sums. Called by the process that starts the workers, before it forks."""
        self._cells[0] = max(self._cells[0], row + 1)

    def for_worker(self, row: int | None) -> Self:
        """Return the table as the worker of a row writes to it; without a row, a separate table."""
        table = type(self)()
        if row is not None:
            table._cells, table._start = self._cells, 1 + row * _ROW_CELLS
        return table

    def count(self, api: str, method: str, status: int, seconds: float) -> None:
        """Count a request and its duration. Thread-safe.

        Args:
            api: One of `APIS`.
            method: Its method; one that is not of `METHODS` counts as ``other``.
            status: Its status; one that is not of `STATUS_CODES` counts as 500.
            seconds: Its duration, without that for which it waited for events.
        """
        start = self._start + _API_OFFSET[api]
        counter = _COUNTER.get((method, status))
        if counter is None:
            method = method if method in _METHODS else METHODS[-1]
            counter = _COUNTER[method, status if status in _STATUSES else 500]
        bucket = _COUNTERS + bisect_left(DURATION_BUCKETS, seconds)
        cells = self._cells
        with self._lock:
            cells[start + counter] += 1
            cells[start + bucket] += 1
            cells[start + _API_CELLS - 1] += int(seconds * 1_000_000)

    def requests(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield API, method, status and number of requests, for each combination that occurred."""
        sums = self._sums()
        for api, start in _API_OFFSET.items():
            for (method, status), counter in _COUNTER.items():
                if number := sums[start + counter]:
                    yield api, method, status, number

    def durations(self) -> Iterator[tuple[str, Sequence[int], float]]:
        """Yield each API with the number of requests in each bucket, and the sum of their durations in seconds."""
        sums = self._sums()
        for api, start in _API_OFFSET.items():
            buckets = start + _COUNTERS
            microseconds = sums[start + _API_CELLS - 1]
            yield api, sums[buckets : buckets + _BUCKETS], microseconds / 1_000_000

    def _sums(self) -> list[int]:
        starts = range(1, 1 + self._cells[0] * _ROW_CELLS, _ROW_CELLS)
        rows = (self._cells[start : start + _ROW_CELLS].tolist() for start in starts)
        return [sum(cells) for cells in zip(*rows, strict=True)]
