"""Transactions on SQLite: how one begins, waits for the write lock, commits and is rolled back."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TypeAlias

from attrs import define, field
from eventsourcing.persistence import OperationalError

from albumcore_adapters.sql.sqlite_pool import SQLitePool

WriterLock: TypeAlias = "threading.RLock | threading.Lock"

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0001, 0.005
"""Seconds between two attempts to begin while another process writes."""


@define
class Transaction:
    """A context manager for one transaction on a pooled connection.

    A class and no generator, since every request has some.

    Attributes:
        pool: Where the connection comes from.
        lock: The lock of this process to hold meanwhile, if any.
        commit: Whether it is committed at its end. Without it, or on an error, it is rolled back.
        seconds: How long it waits to begin, for this lock and for the write lock of the file.
        synchronous: What a commit waits for: ``FULL`` for the disk, ``NORMAL`` for the operating system.
    """

    _pool: SQLitePool
    _lock: WriterLock | None
    _commit: bool = field(kw_only=True)
    _seconds: float = field(kw_only=True)
    _synchronous: str = field(default="FULL", kw_only=True)
    _connection: sqlite3.Connection = field(init=False)
    _cursor: sqlite3.Cursor = field(init=False)

    def __enter__(self) -> sqlite3.Cursor:
        lock, commit = self._lock, self._commit
        if lock is not None and not lock.acquire(timeout=self._seconds):
            raise OperationalError("others kept writing")
        try:
            self._connection = self._pool.acquire(is_writer=commit)
            self._cursor = cursor = self._connection.cursor()
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        try:
            if self._synchronous != "FULL":
                cursor.execute(f"PRAGMA synchronous={self._synchronous}")
            if commit:
                begin_immediate(cursor, self._seconds)
                self._pool.file.check(is_writing=True)
            else:
                cursor.execute("BEGIN")
                self._pool.file.require_not_replaced()
        except sqlite3.Error as error:
            self._end()
            raise self._pool.translated(error) from error
        except BaseException:
            self._end()
            raise
        return cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None and self._commit:
                counter = self._pool.commit_counter
                number = counter.begin() if counter is not None else 0
                # Not by the connection's own method, which compiles the statement anew each time.
                self._cursor.execute("COMMIT")
                if counter is not None:
                    counter.end(number)
        except sqlite3.Error as failed:
            raise self._pool.translated(failed) from failed
        finally:
            self._end()
        if isinstance(error, sqlite3.Error):
            raise self._pool.translated(error) from error

    def _end(self) -> None:
        """Roll back what is open, then release the connection and the lock."""
        connection, cursor = self._connection, self._cursor
        try:
            if connection.in_transaction:
                cursor.execute("ROLLBACK")
            if self._synchronous != "FULL":
                cursor.execute("PRAGMA synchronous=FULL")
            cursor.close()  # an open cursor would keep the connection from closing
        except sqlite3.Error:
            self._pool.discard(connection)
        else:
            self._pool.release(connection, is_writer=self._commit)
        finally:
            if self._lock is not None:
                self._lock.release()


def begin_immediate(cursor: sqlite3.Cursor, seconds: float) -> None:
    """Begin a transaction that holds the write lock of the file, and so sees the newest state.

    SQLite's own busy handler sleeps a millisecond and more, where most transactions take less.

    Raises:
        sqlite3.OperationalError: other processes wrote for so many seconds; or it is refused for another reason.
    """
    try:
        cursor.execute("BEGIN IMMEDIATE")
        return
    except sqlite3.OperationalError as error:
        refusal = error
    begun = now = time.monotonic()
    until, pause = begun + seconds, _SHORTEST_PAUSE
    # The extended code says why it is busy.
    while refusal.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY and now < until:
        time.sleep(pause)
        now = time.monotonic()
        # SQLite has no queue: the longer one waits, the more often one tries.
        pause = min(1.5 * pause, _LONGEST_PAUSE, max(_SHORTEST_PAUSE, 0.00005 / (now - begun)))
        try:
            cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            refusal = error
        else:
            return
    raise refusal
