"""Request metrics are summed over all workers, and never decrease."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.base.request_counts import (
    APIS,
    DURATION_BUCKETS,
    METHODS,
    STATUS_CODES,
    RequestCounts,
)

ROWS = 3

requests = st.tuples(
    st.integers(0, ROWS - 1),
    st.sampled_from(APIS),
    st.sampled_from(METHODS),
    st.sampled_from(STATUS_CODES),
    st.sampled_from((0.0, 0.004, 0.25, 3.0, 99.0)),
)


@given(st.lists(requests))
def test_the_sum_of_all_rows_is_told(made: list[tuple[int, str, str, int, float]]) -> None:
    """Reads return the sums over all rows, also of rows that several workers used in turn."""
    table = RequestCounts(ROWS)
    counted: dict[tuple[str, str, int], int] = {}
    seconds = dict.fromkeys(APIS, 0.0)
    for row, api, method, status, took in made:
        table.add_worker(row)
        table.for_worker(row).count(api, method, status, took)
        counted[api, method, status] = counted.get((api, method, status), 0) + 1
        seconds[api] += took
    reader = table.for_worker(0)
    assert {(api, method, status): n for api, method, status, n in reader.requests()} == counted
    for api, classes, sum_ in reader.durations():
        assert abs(sum_ - seconds[api]) < 1e-3
        assert len(classes) == len(DURATION_BUCKETS) + 1
        assert classes[-1] == sum(1 for one in made if one[1] == api and one[4] == 99.0)
        assert sum(classes) == sum(1 for one in made if one[1] == api)


def test_without_a_row_a_process_counts_for_itself() -> None:
    """A table for no worker is separate; unknown methods count as other, and unknown statuses as 500."""
    shared = RequestCounts(2)
    own = shared.for_worker(None)
    own.count("kheops", "BREW", 200, 0)
    own.count("kheops", "GET", 799, 0)
    assert list(shared.requests()) == []
    assert list(own.requests()) == [("kheops", "GET", 500, 1), ("kheops", "other", 200, 1)]


def test_a_worker_writes_to_no_row_but_its_own() -> None:
    """Each worker writes to a row of its own; a row is summed once it is in use."""
    table = RequestCounts(ROWS)
    for row in range(1, ROWS):
        table.for_worker(row).count("kheops", "GET", 200, 0)
    told = [[n for *_, n in table.requests()]]
    for row in range(1, ROWS):
        table.add_worker(row)
        told.append([n for *_, n in table.requests()])
    assert told == [[], *([n] for n in range(1, ROWS))]


class _Slow:
    """Cells that let another thread run after each read."""

    def __init__(self, cells: Any) -> None:
        self.cells = cells

    def __getitem__(self, key: Any) -> Any:
        read = self.cells[key]
        time.sleep(0)  # others may run
        return read

    def __setitem__(self, key: Any, value: int) -> None:
        self.cells[key] = value


def test_threads_lose_no_count() -> None:
    """Threads of one worker that interleave between read and write lose no count."""
    table = RequestCounts()
    table._cells = cast(Any, _Slow(table._cells))

    def count() -> None:
        for _ in range(50):
            table.count("tscharts", "POST", 200, 0.001)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [n for *_, n in table.requests()] == [200]
