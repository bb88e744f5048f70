"""Connections to SQLite: durable ones, and transactions in which readers never queue behind writers."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import AbstractContextManager, suppress
from typing import TypeAlias

from eventsourcing import persistence
from eventsourcing.persistence import InterfaceError, OperationalError, PersistenceError
from eventsourcing.sqlite import SQLiteConnectionPool, SQLiteDatastore

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

Turn: TypeAlias = "threading.RLock | threading.Lock"

_STATEMENTS = 512
"""Statements that a connection keeps compiled."""


class SQLiteDatabase(OneMoment, SQLiteDatastore):  # type: ignore[misc]  # a transaction needs no generator
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
        self.lock_timeout = lock_timeout
        self._is_memory = SQLiteConnectionPool.detect_memory_mode(db_name)
        self._line_of_writers: Turn = threading.RLock() if self._is_memory else threading.Lock()
        self._free: list[sqlite3.Connection] = []
        self._watch = threading.Lock()
        self._watcher: sqlite3.Connection | None = None
        self._is_closed = False
        if self._is_memory:
            self._free.append(self._open())  # what is in memory lasts as long as a connection to it

    def unsynced(self) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction to be kept, which is on the disk as soon as any later one is, and not before."""
        return _Transaction(self, self._line_of_writers, "BEGIN IMMEDIATE", "NORMAL")

    def begin(self, *, commit: bool) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction of its own; it is on the disk when it ends, if it is kept."""
        if commit:
            # One who will write waits for his turn here, and then sees the newest state.
            return _Transaction(self, self._line_of_writers, "BEGIN IMMEDIATE")
        return _Transaction(self, self._line_of_writers if self._is_memory else None, "BEGIN")

    def another(self, cursor: sqlite3.Cursor) -> AbstractContextManager[sqlite3.Cursor]:
        """One more cursor in the transaction that a cursor is in."""
        return _Beside(cursor.connection.cursor())

    def take(self) -> sqlite3.Connection:
        """A connection that nobody uses."""
        try:
            return self._free.pop()
        except IndexError:
            return self._open()

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection, with nothing open in it, for the next who needs one."""
        if self._is_closed:
            connection.close()
        else:
            self._free.append(connection)

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

    def _open(self) -> sqlite3.Connection:
        if self._is_closed:
            raise InterfaceError("the database was closed")
        try:
            opened = sqlite3.connect(
                self.db_name,
                uri=True,
                check_same_thread=False,
                isolation_level=None,  # transactions begin where we say so
                timeout=self.lock_timeout,
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


class _Transaction:
    """A transaction on a connection of its own. A class and no generator, because every request has some.

    Args:
        database: Whose connections it takes.
        turn: What it holds while it lasts, if anything.
        begin: The statement that begins it. One that begins otherwise than with ``BEGIN`` is kept at its end.
        synchronous: What SQLite waits for at its end.
    """

    def __init__(
        self,
        database: SQLiteDatabase,
        turn: Turn | None,
        begin: str,
        synchronous: str = "FULL",
    ) -> None:
        self._database = database
        self._turn = turn
        self._begin = begin
        self._synchronous = synchronous

    def __enter__(self) -> sqlite3.Cursor:
        turn = self._turn
        if turn is not None and not turn.acquire(timeout=self._database.lock_timeout):
            raise OperationalError("others kept writing")
        try:
            self._connection = self._database.take()
            self._cursor = cursor = self._connection.cursor()
        except BaseException:
            if turn is not None:
                turn.release()
            raise
        try:
            if self._synchronous != "FULL":
                cursor.execute(f"PRAGMA synchronous={self._synchronous}")
            cursor.execute(self._begin)
        except sqlite3.Error as error:
            self._end()
            raise _known(error) from error
        except BaseException:
            self._end()
            raise
        return cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None and self._begin != "BEGIN":
                # Not by the connection's own method, which compiles the statement anew each time.
                self._cursor.execute("COMMIT")
        except sqlite3.Error as failed:
            raise _known(failed) from failed
        finally:
            self._end()
        if isinstance(error, sqlite3.Error):
            raise _known(error) from error

    def _end(self) -> None:
        """Leave nothing open, and let others have the connection and the turn."""
        connection, cursor = self._connection, self._cursor
        try:
            if connection.in_transaction:
                cursor.execute("ROLLBACK")
            if self._synchronous != "FULL":
                cursor.execute("PRAGMA synchronous=FULL")
            cursor.close()  # an open cursor would keep the connection from closing
        except sqlite3.Error:
            connection.close()
        else:
            self._database.give_back(connection)
        finally:
            if self._turn is not None:
                self._turn.release()


class _Beside:
    """One more cursor in a transaction. A class of its own, because an answer takes a dozen."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def __enter__(self) -> sqlite3.Cursor:
        return self._cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._cursor.close()
        if isinstance(error, sqlite3.Error):
            raise _known(error) from error


def _known(error: sqlite3.Error) -> Exception:
    """An error of SQLite by the library's name."""
    return _KNOWN.get(type(error), PersistenceError)(error)
