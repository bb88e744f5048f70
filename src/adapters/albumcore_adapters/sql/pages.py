"""Reading a table in pages, each after the key of the last row before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from albumcore_adapters.sql.faults import StoreDamaged

R = TypeVar("R")


def pages(
    read: Callable[[Any], Sequence[R]], key: Callable[[R], Any], start: Any
) -> Iterator[Sequence[R]]:
    """Yield pages of rows, until one is empty.

    Args:
        read: Returns the rows that follow a key, in the order of their keys, some of them at a time.
        key: Returns the key of a row: numbers and texts that can be compared.
        start: What precedes every key.

    Raises:
        StoreDamaged: the last key of a page does not follow the one before. A damaged index would return the same
            rows for ever.
    """
    last = start
    while page := read(last):
        before, last = last, key(page[-1])
        try:
            follows = last > before
        except TypeError:  # a key that is no number, or no text, any more
            follows = False
        if not follows:
            raise StoreDamaged("the keys of a table are not in their order")
        yield page
