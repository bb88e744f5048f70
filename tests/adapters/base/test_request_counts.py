"""Requests are counted over all workers, and no sum goes back."""

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
    """Every row is the next worker's once its own has ended, and is gone on with."""
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
    """And says what it counted; a method or status that is none is counted under another."""
    shared = RequestCounts(2)
    own = shared.for_worker(None)
    own.count("kheops", "BREW", 200, 0)
    own.count("kheops", "GET", 799, 0)
    assert list(shared.requests()) == []
    assert list(own.requests()) == [("kheops", "GET", 500, 1), ("kheops", "other", 200, 1)]


def test_a_worker_writes_to_no_row_but_its_own() -> None:
    """Two that wrote to the same one would lose counts. A row tells its own once it is used, and only then."""
    table = RequestCounts(ROWS)
    for row in range(1, ROWS):
        table.for_worker(row).count("kheops", "GET", 200, 0)
    told = [[n for *_, n in table.requests()]]
    for row in range(1, ROWS):
        table.add_worker(row)
        told.append([n for *_, n in table.requests()])
    assert told == [[], *([n] for n in range(1, ROWS))]


class _Slow:
    """Numbers of which each is read slowly."""

    def __init__(self, cells: Any) -> None:
        self.cells = cells

    def __getitem__(self, key: Any) -> Any:
        read = self.cells[key]
        time.sleep(0)  # others may run
        return read

    def __setitem__(self, key: Any, value: int) -> None:
        self.cells[key] = value


def test_threads_lose_no_count() -> None:
    """Several threads of a worker write to its row, and any of them may be stopped between reading and writing."""
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
