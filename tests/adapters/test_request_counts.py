"""Requests are counted over all workers, and no sum goes back."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from adapters.request_counts import APIS, BOUNDS, METHODS, STATUSES, RequestCounts

ROWS = 3

requests = st.tuples(
    st.integers(0, ROWS - 1),
    st.sampled_from(APIS),
    st.sampled_from(METHODS),
    st.sampled_from(STATUSES),
    st.sampled_from((0.0, 0.004, 0.25, 3.0, 99.0)),
)


@given(st.lists(requests))
def test_the_sum_of_all_rows_is_told(made: list[tuple[int, str, str, int, float]]) -> None:
    """Every row is the next worker's once its own has ended, and is gone on with."""
    table = RequestCounts(ROWS)
    counted: dict[tuple[str, str, int], int] = {}
    seconds = dict.fromkeys(APIS, 0.0)
    for row, api, method, status, took in made:
        table.use(row)
        table.in_row(row).count(api, method, status, took)
        counted[api, method, status] = counted.get((api, method, status), 0) + 1
        seconds[api] += took
    reader = table.in_row(0)
    assert {(api, method, status): n for api, method, status, n in reader.requests()} == counted
    for api, classes, sum_ in reader.durations():
        assert abs(sum_ - seconds[api]) < 1e-3
        assert len(classes) == len(BOUNDS) + 1
        assert classes[-1] == sum(1 for one in made if one[1] == api and one[4] == 99.0)
        assert sum(classes) == sum(1 for one in made if one[1] == api)


def test_without_a_row_a_process_counts_for_itself() -> None:
    """And says what it counted; a method or status that is none is counted under another."""
    shared = RequestCounts(2)
    own = shared.in_row(None)
    own.count("kheops", "BREW", 200, 0)
    own.count("kheops", "GET", 799, 0)
    assert list(shared.requests()) == []
    assert list(own.requests()) == [("kheops", "GET", 500, 1), ("kheops", "other", 200, 1)]


def test_threads_lose_no_count() -> None:
    """Several threads of a worker write to its row."""
    table = RequestCounts()

    def count() -> None:
        for _ in range(5000):
            table.count("tscharts", "POST", 200, 0.001)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [n for *_, n in table.requests()] == [20_000]
