"""Tables that are read in pages: each row once, and an end whatever the rows are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.sql.pages import pages
from albumcore_adapters.store import StoreDamaged


@given(keys=st.sets(st.integers(min_value=1)).map(sorted), size=st.integers(1, 3))
def test_each_row_once(keys: list[int], size: int) -> None:
    """In the order of their keys, however many are read at a time."""

    def read(last: int) -> Sequence[int]:
        return [key for key in keys if key > last][:size]

    assert [key for page in pages(read, int, 0) for key in page] == keys


@pytest.mark.parametrize("second", [3, 2, None, "4"])
def test_a_key_that_does_not_follow(second: Any) -> None:
    """The same key again, a smaller one, and one that is no number end the reading."""
    answers = iter([[3], [second], []])
    with pytest.raises(StoreDamaged, match="order"):
        list(pages(lambda last: next(answers), lambda row: row, 0))
