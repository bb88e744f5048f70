"""Read snapshots: several reads of a thread in one read transaction, under snapshot isolation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from attrs import define, field


class _ThreadState(threading.local):
    """The transaction that the reads of a thread share, opened by the first of them.

    Attributes:
        depth: How many nested read snapshots the thread is in.
        cursors: How many cursors of the shared transaction are in use.
        is_stale: Whether the thread has written since, so that the next read needs another transaction.
        ambient: The cursor of the write transaction that all transactions of the thread are part of, or None.
        transaction: The shared transaction, while it is open.
        cursor: The cursor that it was opened with.
    """

    depth = 0
    cursors = 0
    is_stale = False
    ambient: Any = None
    transaction: AbstractContextManager[Any] | None = None
    cursor: Any = None

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1
        if not self.depth:
            self.close()

    def close(self) -> None:
        transaction, self.transaction = self.transaction, None
        self.cursor, self.is_stale = None, False
        if transaction is not None:
            transaction.__exit__(None, None, None)


class ReadSnapshot:
    """Transactions of a database, of which those that read can share one: the base of both databases.

    A response made of several reads is then consistent, and costs one transaction. A database implements `begin`,
    `another_cursor` and `raise_translated`.
    """

    def __init__(self) -> None:
        self._thread = _ThreadState()

    def read_snapshot(self) -> AbstractContextManager[None]:
        """Run this thread's reads in one read transaction (snapshot isolation), which begins with the first of them.

        Blocks may be nested. After a write of this thread, the next read begins another transaction, and so sees it.
        """
        return self._thread

    def in_read_snapshot(self) -> bool:
        """Whether this thread is in a read snapshot."""
        return self._thread.depth > 0

    def transaction(self, *, commit: bool) -> AbstractContextManager[Any]:
        """A transaction of its own, or a part of the one that this thread is in."""
        thread = self._thread
        if thread.ambient is not None or (thread.depth and not commit):
            return PartOfTransaction(self, thread)
        if commit and thread.cursor is not None:
            self._end_snapshot()
        return self.begin(commit=commit)

    def single_read(self) -> AbstractContextManager[Any]:
        """A cursor for one statement that reads."""
        return self.transaction(commit=False)

    @contextmanager
    def ambient(self, transaction: AbstractContextManager[Any]) -> Iterator[None]:
        """Make everything that this thread reads and writes in the block a part of a transaction."""
        self._end_snapshot()
        with transaction as cursor:
            self._thread.ambient = cursor
            try:
                yield
            finally:
                self._thread.ambient = None

    def _end_snapshot(self) -> None:
        """Have the next read begin another transaction, before something is written."""
        if self._thread.cursors:
            self._thread.is_stale = True
        else:
            self._thread.close()

    def begin(self, *, commit: bool) -> AbstractContextManager[Any]:
        """A transaction of its own, committed at its end with ``commit``, and rolled back without."""
        raise NotImplementedError

    def another_cursor(self, cursor: Any) -> Any:
        """A further cursor in the transaction of a cursor."""
        raise NotImplementedError

    def raise_translated(self, error: BaseException) -> None:
        """Raise the event library's error for one of the database's driver; return for any other error."""
        raise NotImplementedError


@define
class PartOfTransaction:
    """A cursor in the transaction that a thread is in: the ambient one, or the one that its reads share.

    A class and no generator: a request has a dozen.
    """

    _database: ReadSnapshot
    _thread: _ThreadState
    _cursor: Any = field(default=None, init=False)

    def __enter__(self) -> Any:
        database, thread = self._database, self._thread
        if thread.ambient is None and thread.cursor is None:
            transaction = database.begin(commit=False)
            thread.cursor = transaction.__enter__()
            thread.transaction = transaction
        self._cursor = database.another_cursor(thread.ambient or thread.cursor)
        thread.cursors += 1
        return self._cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        thread = self._thread
        thread.cursors -= 1
        self._cursor.close()  # an open cursor would keep its connection from closing
        if thread.is_stale and not thread.cursors:
            thread.close()
        if error is not None:
            self._database.raise_translated(error)
