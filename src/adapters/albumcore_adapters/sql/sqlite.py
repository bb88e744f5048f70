"""SQLite as a `Database`: one writer at a time, readers that never wait for it, and a data version."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import AbstractContextManager
from typing import ClassVar

from eventsourcing.persistence import PersistenceError
from eventsourcing.sqlite import SQLiteDatastore

from albumcore_adapters.sql.database import LOCK_SECONDS, System
from albumcore_adapters.sql.read_snapshot import ReadSnapshot
from albumcore_adapters.sql.sqlite_pool import SQLitePool
from albumcore_adapters.sql.sqlite_transaction import Transaction, WriterLock

_VERSION_SECONDS = 0.01
"""How long a data version is valid without asking SQLite: a program that counts no commits may have written."""


class SQLiteDatabase(ReadSnapshot, SQLiteDatastore):  # type: ignore[misc]  # a transaction needs no generator
    """An SQLite database, in a file in WAL mode or in memory.

    It takes the place of the event library's datastore and pool, in which a waiting writer blocks everybody behind it,
    readers too. Here, writers of a process queue on a lock, and a reader takes an idle connection or opens one. A
    commit is on the disk when it returns. In memory, where SQLite has no readers beside a writer, one transaction runs
    at a time.

    A transaction that writes checks that the path still leads to the file that was opened, with its write-ahead log
    beside it. Once that fails, every transaction is refused: what this process commits is not what others read.
    """

    system: ClassVar[System] = "sqlite"

    def __init__(self, db_name: str, lock_timeout: float = LOCK_SECONDS) -> None:
        """Nothing is opened before it is needed.

        Args:
            db_name: A URI, as SQLite takes them.
            lock_timeout: How long to wait for other writers, in seconds.
        """
        ReadSnapshot.__init__(self)
        self.db_name = db_name
        self.originator_id_type = "text"
        self.single_row_tracking = True
        self.lock_timeout = lock_timeout
        self.connections = SQLitePool(db_name, lock_timeout)
        self._is_memory = self.connections.is_memory
        self._writer_lock: WriterLock = threading.RLock() if self._is_memory else threading.Lock()
        self._version_lock = threading.Lock()
        self._version_cursor: sqlite3.Cursor | None = None
        self._version: tuple[int | None, float, int] = (None, 0.0, 0)

    def write_transaction(self, seconds: float) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction that commits, and waits at most so many seconds for other writers."""
        return Transaction(self.connections, self._writer_lock, commit=True, seconds=seconds)

    def unsynced(self) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction that commits without waiting for the disk: it is durable as soon as any later one is."""
        return Transaction(
            self.connections,
            self._writer_lock,
            commit=True,
            seconds=self.lock_timeout,
            synchronous="NORMAL",
        )

    def begin(self, *, commit: bool) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction of its own, durable when it has committed."""
        lock = self._writer_lock if commit or self._is_memory else None
        return Transaction(self.connections, lock, commit=commit, seconds=self.lock_timeout)

    def another_cursor(self, cursor: sqlite3.Cursor) -> sqlite3.Cursor:
        """A further cursor in the transaction of a cursor."""
        return cursor.connection.cursor()

    def raise_translated(self, error: BaseException) -> None:
        """Raise the event library's error, or our fault, for an error of SQLite."""
        if isinstance(error, sqlite3.Error):
            raise self.connections.translated(error) from error

    def trouble(self) -> str | None:
        """Why this process cannot use the database until it is restarted; None as far as is known."""
        return self.connections.file.checked_trouble()

    def data_version(self) -> object | None:
        """A value that stays equal until any process commits; None where it is unknown, and in memory.

        A commit of another program than albumcore is noticed within `_VERSION_SECONDS`.
        """
        if self._is_memory:
            return None
        counter = self.connections.commit_counter
        number = counter.last() if counter is not None else None
        counted, until, version = self._version
        if number is not None and number == counted and time.monotonic() < until:
            return version
        with self._version_lock:
            asked = time.monotonic()
            try:
                if self._version_cursor is None:
                    # A connection of its own: its `data_version` changes by the commits of all others.
                    self._version_cursor = self.connections.open().cursor()
                [newest] = self._version_cursor.execute("PRAGMA data_version").fetchone()
                self.connections.file.check()
            except (sqlite3.Error, PersistenceError):
                return None
            # The counter was read before: while it stays the same, SQLite would give this version again.
            self._version = number, asked + _VERSION_SECONDS, newest
            return self._version[2]

    def close(self) -> None:
        """Close every connection; one that is in use, when its transaction ends."""
        with self._version_lock:
            self.connections.close()
            if self._version_cursor is not None:
                self._version_cursor.connection.close()
                self._version_cursor = None
            self._version = None, 0.0, 0
