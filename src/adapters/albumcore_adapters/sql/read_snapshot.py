"""Reading of one moment: what a thread reads in several transactions, as if it were one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


class _Held(threading.local):
    """What a thread holds while it reads: one open transaction, once it has read anything."""

    depth = 0
    in_use = 0
    is_past = False
    written: Any = None
    transaction: AbstractContextManager[Any] | None = None
    cursor: Any = None

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1
        if not self.depth:
            self.let_go()

    def take(self, transaction: AbstractContextManager[Any]) -> None:
        self.cursor = transaction.__enter__()
        self.transaction = transaction

    def let_go(self) -> None:
        transaction, self.transaction = self.transaction, None
        self.cursor, self.is_past = None, False
        if transaction is not None:
            transaction.__exit__(None, None, None)


class ReadSnapshot:
    """Transactions of a database, those that only read joined into one where that is asked for.

    An answer put together from several reads is of one moment then, and costs one transaction. A database has
    `begin`, which gives a transaction of its own, and `another`, which gives one more cursor beside one.
    """

    def __init__(self) -> None:
        self._held = _Held()

    def read_snapshot(self) -> AbstractContextManager[None]:
        """Have all that this thread reads in the block be of one moment, that of the first read.

        Whoever writes in between sees what he wrote: the next read begins another moment.
        """
        return self._held

    def transaction(self, *, commit: bool) -> AbstractContextManager[Any]:
        """A transaction, or a part of the one that this thread reads in."""
        held = self._held
        if held.written is not None:
            return self.another(held.written)
        if not commit and held.depth:
            return _Part(self, held)
        if commit and held.cursor is not None:
            self._go_on()
        return self.begin(commit=commit)

    @contextmanager
    def joining(self, transaction: AbstractContextManager[Any]) -> Iterator[None]:
        """Have all that this thread reads and writes in the block be part of a transaction."""
        self._go_on()
        with transaction as cursor:
            self._held.written = cursor
            try:
                yield
            finally:
                self._held.written = None

    def _go_on(self) -> None:
        """Have the next read begin another moment, for something is about to be written."""
        if self._held.in_use:
            self._held.is_past = True
        else:
            self._held.let_go()

    def begin(self, *, commit: bool) -> AbstractContextManager[Any]:
        """A transaction of its own, kept at its end with ``commit``, and undone without."""
        raise NotImplementedError

    def another(self, cursor: Any) -> AbstractContextManager[Any]:
        """One more cursor in the transaction that a cursor is in."""
        raise NotImplementedError


class _Part:
    """A part of the transaction that a thread reads in. A class and no generator: a request has a dozen."""

    def __init__(self, database: ReadSnapshot, held: _Held) -> None:
        self._database = database
        self._held = held

    def __enter__(self) -> Any:
        held = self._held
        if held.cursor is None:
            held.take(self._database.begin(commit=False))
        self._another = self._database.another(held.cursor)
        cursor = self._another.__enter__()
        held.in_use += 1
        return cursor

    def __exit__(self, *ended: Any) -> None:
        held = self._held
        held.in_use -= 1
        try:
            self._another.__exit__(*ended)
        finally:
            if held.is_past and not held.in_use:
                held.let_go()
