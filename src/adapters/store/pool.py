"""Connections to SQLite: durable ones, and transactions in which readers never queue behind writers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress

from eventsourcing import persistence
from eventsourcing.persistence import InterfaceError, OperationalError, PersistenceError
from eventsourcing.sqlite import SQLiteConnectionPool, SQLiteCursor, SQLiteDatastore

from adapters.store.moment import OneMoment

_KNOWN: dict[type[Exception], type[Exception]] = {
    getattr(sqlite3, name): getattr(persistence, name)
    for name in (
        "InterfaceError",
        "DataError",
        "OperationalError",
        "IntegrityError",
        "InternalError",
        "ProgrammingError",
        "NotSupportedError",
        "DatabaseError",
    )
}
"""The library's name for each error."""

_STATEMENTS = 512
"""Statements that a connection keeps compiled."""


class SQLiteDatabase(OneMoment, SQLiteDatastore):
    """An SQLite database, in a file or in memory.

    It stands in for the library's datastore and its pool, where a thread that waits to write holds up everybody
    behind it, readers too. Here writers wait in a line of their own, and a reader takes the next free connection,
    or a new one: there are never more than threads. A commit has reached the disk when it returns. In memory, where
    SQLite lets nobody read while somebody writes, one transaction runs at a time.
    """

    def __init__(self, db_name: str, lock_timeout: int = 30) -> None:
        """Nothing is opened before it is needed.

        Args:
            db_name: A URI, as SQLite takes them.
            lock_timeout: How long to wait for others who write, in seconds.
        """
        OneMoment.__init__(self)
        self.db_name = db_name
        self.originator_id_type = "text"
        self.single_row_tracking = True
        self._wait = lock_timeout
        self._is_memory = SQLiteConnectionPool.detect_memory_mode(db_name)
        self._line_of_writers = threading.RLock() if self._is_memory else threading.Lock()
        self._free: list[sqlite3.Connection] = []
        self._watch = threading.Lock()
        self._watcher: sqlite3.Connection | None = None
        self._is_closed = False
        if self._is_memory:
            self._free.append(self._open())  # what is in memory lasts as long as a connection to it

    @contextmanager
    def unsynced(self) -> Iterator[SQLiteCursor]:
        """A transaction to be kept, which is on the disk as soon as any later one is, and not before."""
        with self._begin(commit=True, synchronous="NORMAL") as cursor:
            yield cursor

    @contextmanager
    def _begin(self, *, commit: bool, synchronous: str = "FULL") -> Iterator[SQLiteCursor]:
        in_line = commit or self._is_memory
        if in_line and not self._line_of_writers.acquire(timeout=self._wait):
            raise OperationalError("others kept writing")
        try:
            connection = self._take()
            try:
                # An open cursor would keep the connection from closing.
                with known_errors(), closing(connection.cursor()) as cursor:
                    if synchronous != "FULL":
                        cursor.execute(f"PRAGMA synchronous={synchronous}")
                    # One who will write waits for his turn here, and then sees the newest state.
                    cursor.execute("BEGIN IMMEDIATE" if commit else "BEGIN")
                    yield SQLiteCursor(cursor)
                    if commit:
                        connection.commit()
            finally:
                self._give_back(connection, synchronous)
        finally:
            if in_line:
                self._line_of_writers.release()

    def _another(self, cursor: SQLiteCursor) -> AbstractContextManager[SQLiteCursor]:
        return _Beside(cursor.sqlite_cursor.connection.cursor())

    def mark(self) -> object | None:
        """What is equal to itself as long as nobody, in any process, has committed anything; None where unknown."""
        if self._is_memory:
            return None
        with self._watch, suppress(sqlite3.Error, PersistenceError):
            if self._watcher is None:
                # One connection of its own: what it tells changes by the commits of all others.
                self._watcher = self._open()
            version: int = self._watcher.execute("PRAGMA data_version").fetchone()[0]
            return version
        return None

    def close(self) -> None:
        """Let go of every connection; of one that is in use, when it comes back."""
        self._is_closed = True
        with self._watch:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
        while self._free:
            self._free.pop().close()

    def _take(self) -> sqlite3.Connection:
        try:
            return self._free.pop()
        except IndexError:
            return self._open()

    def _open(self) -> sqlite3.Connection:
        if self._is_closed:
            raise InterfaceError("the database was closed")
        try:
            opened = sqlite3.connect(
                self.db_name,
                uri=True,
                check_same_thread=False,
                isolation_level=None,  # transactions begin where we say so
                timeout=self._wait,
                cached_statements=_STATEMENTS,
            )
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        try:
            if not self._is_memory:
                opened.execute("PRAGMA journal_mode=WAL")
            # Said, not left to the default, which a build of SQLite may have changed.
            opened.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error as error:
            opened.close()
            known = (
                OperationalError if isinstance(error, sqlite3.OperationalError) else InterfaceError
            )
            raise known(error) from error
        opened.row_factory = sqlite3.Row
        return opened

    def _give_back(self, connection: sqlite3.Connection, synchronous: str) -> None:
        try:
            if connection.in_transaction:
                connection.rollback()
            if synchronous != "FULL":
                connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:
            connection.close()
            return
        if self._is_closed:
            connection.close()
        else:
            self._free.append(connection)


class _Beside:
    """One more cursor in a transaction. A class of its own, because an answer takes a dozen."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def __enter__(self) -> SQLiteCursor:
        return SQLiteCursor(self._cursor)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._cursor.close()
        if isinstance(error, sqlite3.Error):
            raise _KNOWN.get(type(error), PersistenceError)(error) from error


@contextmanager
def known_errors() -> Iterator[None]:
    """Raise errors of SQLite by the library's names."""
    try:
        yield
    except sqlite3.Error as error:
        raise _KNOWN.get(type(error), PersistenceError)(error) from error
