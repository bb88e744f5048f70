"""Connections to SQLite: durable ones, and transactions in which readers never queue behind writers."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from contextlib import AbstractContextManager
from typing import ClassVar, TypeAlias

from eventsourcing import persistence
from eventsourcing.persistence import InterfaceError, OperationalError, PersistenceError
from eventsourcing.sqlite import SQLiteConnectionPool, SQLiteDatastore

from albumcore_adapters.sql.commit_counter import Commits
from albumcore_adapters.sql.database import System
from albumcore_adapters.sql.faults import (
    DAMAGED,
    REPLACED,
    StoreDamaged,
    StoreReplaced,
    fault_of_sqlite,
)
from albumcore_adapters.sql.open_lock import identity, path_in
from albumcore_adapters.sql.read_snapshot import ReadSnapshot
from albumcore_adapters.sql.sqlite_waiting import wait_to_write

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

_log = logging.getLogger(__name__)

Line: TypeAlias = "threading.RLock | threading.Lock"

_STATEMENTS = 512
"""Statements that a connection keeps compiled."""

LOG_BYTES = 16 * 1024 * 1024
"""What the write-ahead log keeps on the disk for its next use, in bytes; a rebuild may have made it much longer."""

_PRAGMAS = (
    "synchronous=FULL",
    f"journal_size_limit={LOG_BYTES}",
    # What was deleted is overwritten, and not left in the file until its place is needed.
    "secure_delete=ON",
)
"""How every connection is set up."""

LOCK_SECONDS = 30
"""How long to wait for others who write, where nothing else is said."""

_UNASKED = 0.01
"""How long a mark is believed without asking SQLite, in seconds: somebody else's program may have written."""


class SQLiteDatabase(ReadSnapshot, SQLiteDatastore):  # type: ignore[misc]  # a transaction needs no generator
    """An SQLite database, in a file or in memory.

    It stands in for the library's datastore and its pool, where a thread that waits to write holds up everybody
    behind it, readers too. Here writers wait in a line of their own, and a reader takes the next free connection,
    or a new one: there are never more than threads. A commit has reached the disk when it returns. In memory, where
    SQLite lets nobody read while somebody writes, one transaction runs at a time.

    Each transaction that writes looks whether the path still leads to the file that was opened, and whether its
    write-ahead log is still beside it. Once that is not so, every transaction is refused, because what is gone is not
    what others read.
    """

    system: ClassVar[System] = "sqlite"

    def __init__(self, db_name: str, lock_timeout: float = LOCK_SECONDS) -> None:
        """Nothing is opened before it is needed.

        Args:
            db_name: A URI, as SQLite takes them.
            lock_timeout: How long to wait for others who write, in seconds.
        """
        ReadSnapshot.__init__(self)
        self.db_name = db_name
        self.originator_id_type = "text"
        self.single_row_tracking = True
        self.lock_timeout = lock_timeout
        self._is_memory = SQLiteConnectionPool.detect_memory_mode(db_name)
        self._is_read_only = "?mode=ro" in db_name
        self._line_of_writers: Line = threading.RLock() if self._is_memory else threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._writers: list[sqlite3.Connection] = []
        self._watch = threading.Lock()
        self._watcher: sqlite3.Cursor | None = None
        self._known: tuple[int | None, float, int] = (None, 0.0, 0)
        self.commits: Commits | None = None
        # As it was given: a symbolic link on the way to the file may lead elsewhere later.
        self._path = path_in(db_name)
        self._file: tuple[int, int] | None = None
        self._log_path = ""
        self._log_file: tuple[int, int] | None = None
        self._trouble: str | None = None
        self._is_replaced = False
        self._is_closed = False
        if self._is_memory:
            # What is in memory lasts as long as a connection to it.
            self._readers.append(self._open())

    def unsynced(self) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction to be kept, which is on the disk as soon as any later one is, and not before."""
        return _Transaction(self, self._line_of_writers, is_kept=True, synchronous="NORMAL")

    def writing(self, seconds: float) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction to be kept, which waits so many seconds for others who write."""
        return _Transaction(self, self._line_of_writers, is_kept=True, seconds=seconds)

    def begin(self, *, commit: bool) -> AbstractContextManager[sqlite3.Cursor]:
        """A transaction of its own; it is on the disk when it ends, if it is kept."""
        in_line = commit or self._is_memory
        return _Transaction(self, self._line_of_writers if in_line else None, is_kept=commit)

    def another(self, cursor: sqlite3.Cursor) -> AbstractContextManager[sqlite3.Cursor]:
        """One more cursor in the transaction that a cursor is in."""
        return _Beside(self, cursor.connection.cursor())

    def take(self, is_writer: bool) -> sqlite3.Connection:
        """A connection that nobody uses; one to write by is not one to read by."""
        try:
            return self._free(is_writer).pop()
        except IndexError:
            return self._open(is_writer)

    def give_back(self, connection: sqlite3.Connection, is_writer: bool) -> None:
        """Keep a connection, with nothing open in it, for the next who needs one."""
        if self._is_closed:
            connection.close()
        else:
            self._free(is_writer).append(connection)

    def close_one(self, connection: sqlite3.Connection) -> None:
        """Close a connection that is of no more use."""
        # It may be the last that has the write-ahead log open, and SQLite makes another one for the next.
        self._log_file = None
        connection.close()

    def trouble(self) -> str | None:
        """Why this process cannot serve from the database until it is restarted; None as far as is known."""
        with contextlib.suppress(PersistenceError):
            self.check_file()
        return self._trouble

    def check_file(self, *, look: bool = True, is_writing: bool = False) -> None:
        """See that the path leads to the file that was opened, and that it did so whenever it was looked at before.

        The same goes for its write-ahead log, from the first transaction on that writes: as long as it is open, SQLite
        leaves it where it is, and without it what is committed would be lost with this process.

        Raises:
            StoreReplaced: it leads to another one, or to none.
            OperationalError: the file system does not tell.
        """
        if look and self._file is not None and not self._is_replaced:
            try:
                self._is_replaced = identity(self._path) != self._file
                if self._log_path and (is_writing or self._log_file is not None):
                    log = identity(self._log_path)
                    self._is_replaced |= log != (self._log_file or log)
                    self._log_file = log
            except (FileNotFoundError, NotADirectoryError):
                self._is_replaced = True
            except OSError as error:
                raise OperationalError(error) from error
            if self._is_replaced:
                self._note(REPLACED)
        if self._is_replaced:
            raise StoreReplaced(REPLACED)

    def known(self, error: sqlite3.Error) -> Exception:
        """An error of SQLite by the library's name, or by that of the fault it tells of."""
        fault = fault_of_sqlite(error)
        if fault is StoreDamaged:
            self._note(DAMAGED)
        return (fault or _KNOWN.get(type(error), PersistenceError))(error)

    def _note(self, trouble: str) -> None:
        """Keep in mind, and log once, that this process cannot go on with the database."""
        if self._trouble != trouble:
            self._trouble = trouble
            _log.error(trouble)

    def _free(self, is_writer: bool) -> list[sqlite3.Connection]:
        # What is in memory may be one connection's own.
        return self._writers if is_writer and not self._is_memory else self._readers

    def data_version(self) -> object | None:
        """What is equal to itself as long as nobody, in any process, has committed anything; None where unknown.

        What another program than albumcore commits is seen a hundredth of a second later, or sooner.
        """
        if self._is_memory:
            return None
        number = self.commits.last() if self.commits is not None else None
        known, until, told = self._known
        if number is not None and number == known and time.monotonic() < until:
            return told
        with self._watch:
            asked = time.monotonic()
            try:
                if self._watcher is None:
                    # One connection of its own: what it tells changes by the commits of all others.
                    self._watcher = self._open().cursor()
                version: int = self._watcher.execute("PRAGMA data_version").fetchone()[0]
                self.check_file()
            except (sqlite3.Error, PersistenceError):
                return None
            # The number was read before: if it is still the same later, this is what would be told again.
            self._known = number, asked + _UNASKED, version
            return version

    def close(self) -> None:
        """Let go of every connection; of one that is in use, when it comes back."""
        self._is_closed = True
        with self._watch:
            if self._watcher is not None:
                self._watcher.connection.close()
                self._watcher = None
            self._known = None, 0.0, 0
        self._log_file = None
        for free in (self._readers, self._writers):
            while free:
                free.pop().close()

    def _open(self, is_writer: bool = False) -> sqlite3.Connection:
        if self._is_closed:
            raise InterfaceError("the database was closed")
        # SQLite would open what has come to the path since, or make a file there.
        self.check_file()
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
            is_wal = False
            if not self._is_memory and not self._is_read_only:
                is_wal = opened.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal"
                if is_wal and self.commits is None:
                    self.commits = _commits_of(opened)
            # Said, not left to the defaults, which a build of SQLite may have changed.
            for pragma in _PRAGMAS:
                opened.execute(f"PRAGMA {pragma}")
            if is_writer and is_wal:
                # It waits in its own way to begin, and once it has begun, nothing makes it wait.
                opened.execute("PRAGMA busy_timeout=0")
            if not self._is_memory and self._file is None:
                self._file = identity(_path_of(opened))
                self._log_path = f"{_path_of(opened)}-wal" if is_wal else ""
        except sqlite3.Error as error:
            opened.close()
            known = self.known(error)
            raise (
                known if isinstance(known, OperationalError) else InterfaceError(error)
            ) from error
        opened.row_factory = sqlite3.Row
        return opened


class _Transaction:
    """A transaction on a connection of its own. A class and no generator, because every request has some.

    Args:
        database: Whose connections it takes.
        turn: What it holds while it lasts, if anything.
        is_kept: Whether it is kept at its end; it is undone else, and if it ends with an error.
        synchronous: What SQLite waits for at its end.
        seconds: How long it waits for others who write; as long as the database says, by default.
    """

    def __init__(
        self,
        database: SQLiteDatabase,
        turn: Line | None,
        is_kept: bool,
        synchronous: str = "FULL",
        seconds: float | None = None,
    ) -> None:
        self._database = database
        self._turn = turn
        self._is_kept = is_kept
        self._synchronous = synchronous
        self._seconds = database.lock_timeout if seconds is None else seconds

    def __enter__(self) -> sqlite3.Cursor:
        turn, is_kept = self._turn, self._is_kept
        if turn is not None and not turn.acquire(timeout=self._seconds):
            raise OperationalError("others kept writing")
        try:
            self._connection = self._database.take(is_kept)
            self._cursor = cursor = self._connection.cursor()
        except BaseException:
            if turn is not None:
                turn.release()
            raise
        try:
            if self._synchronous != "FULL":
                cursor.execute(f"PRAGMA synchronous={self._synchronous}")
            try:
                cursor.execute("BEGIN IMMEDIATE" if is_kept else "BEGIN")
            except sqlite3.OperationalError as error:
                if not is_kept:
                    raise
                wait_to_write(cursor, error, self._seconds)
            self._database.check_file(look=is_kept, is_writing=is_kept)
        except sqlite3.Error as error:
            self._end()
            raise self._database.known(error) from error
        except BaseException:
            self._end()
            raise
        return cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None and self._is_kept:
                commits = self._database.commits
                number = commits.begin() if commits is not None else 0
                # Not by the connection's own method, which compiles the statement anew each time.
                self._cursor.execute("COMMIT")
                if commits is not None:
                    commits.end(number)
        except sqlite3.Error as failed:
            raise self._database.known(failed) from failed
        finally:
            self._end()
        if isinstance(error, sqlite3.Error):
            raise self._database.known(error) from error

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
            self._database.close_one(connection)
        else:
            self._database.give_back(connection, self._is_kept)
        finally:
            if self._turn is not None:
                self._turn.release()


class _Beside:
    """One more cursor in a transaction. A class of its own, because an answer takes a dozen."""

    def __init__(self, database: SQLiteDatabase, cursor: sqlite3.Cursor) -> None:
        self._database = database
        self._cursor = cursor

    def __enter__(self) -> sqlite3.Cursor:
        return self._cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._cursor.close()
        if isinstance(error, sqlite3.Error):
            raise self._database.known(error) from error


def _commits_of(connection: sqlite3.Connection) -> Commits | None:
    """The numbers beside the database that a connection is to; None where they cannot be kept."""
    try:
        return Commits(f"{_path_of(connection)}-commits")
    except OSError:
        return None


def _path_of(connection: sqlite3.Connection) -> str:
    """Where the file is that a connection is to."""
    # As bytes: the name of a file need not be UTF-8.
    [file] = connection.execute("SELECT CAST(file AS BLOB) FROM pragma_database_list").fetchone()
    return os.fsdecode(file)
