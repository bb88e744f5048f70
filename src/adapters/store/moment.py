"""Reading of one moment: what a thread reads in several transactions, as if it were one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any


class _Held(threading.local):
    """What a thread holds while it reads: one open transaction, once it has read anything."""

    depth = 0
    cursor: Any = None
    in_use = 0
    is_past = False

    def __init__(self) -> None:
        self.open = ExitStack()

    def let_go(self) -> None:
        self.cursor, self.is_past = None, False
        self.open.close()


class OneMoment:
    """Transactions of a database, those that only read joined into one where that is asked for.

    An answer put together from several reads is of one moment then, and costs one transaction. A database has
    `_begin`, which gives a transaction of its own, and `_another`, which gives one more cursor beside one.
    """

    def __init__(self) -> None:
        self._held = _Held()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Have all that this thread reads in the block be of one moment, that of the first read.

        Whoever writes in between sees what he wrote: the next read begins another moment.
        """
        held = self._held
        held.depth += 1
        try:
            yield
        finally:
            held.depth -= 1
            if not held.depth:
                held.let_go()

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[Any]:
        """A transaction, or a part of the one that this thread reads in."""
        held = self._held
        if commit:
            held.is_past = True
            if not held.in_use:
                held.let_go()
        if commit or not held.depth:
            with self._begin(commit=commit) as cursor:
                yield cursor
            return
        if held.cursor is None:
            held.cursor = held.open.enter_context(self._begin(commit=False))
        held.in_use += 1
        try:
            with self._another(held.cursor) as cursor:
                yield cursor
        finally:
            held.in_use -= 1
            if held.is_past and not held.in_use:
                held.let_go()

    def _begin(self, *, commit: bool) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def _another(self, cursor: Any) -> AbstractContextManager[Any]:
        raise NotImplementedError
