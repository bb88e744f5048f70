"""Connections to an SQLite database: opened with durable settings, pooled apart for readers and writers."""

from __future__ import annotations

import os
import sqlite3

from eventsourcing import persistence
from eventsourcing.persistence import InterfaceError, OperationalError, PersistenceError
from eventsourcing.sqlite import SQLiteConnectionPool

from albumcore_adapters.sql.commit_counter import CommitCounter
from albumcore_adapters.sql.faults import DAMAGED, StoreDamaged, fault_of_sqlite
from albumcore_adapters.sql.sqlite_file import DatabaseFile

_ERRORS: dict[type[Exception], type[Exception]] = {
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
"""The event library's error for each of the driver's."""

_STATEMENTS = 512
"""Compiled statements that a connection caches."""

LOG_BYTES = 16 * 1024 * 1024
"""What the write-ahead log keeps on the disk for its next use, in bytes; a rebuild may have made it much longer."""

_PRAGMAS = (
    "synchronous=FULL",
    f"journal_size_limit={LOG_BYTES}",
    # What was deleted is overwritten, and not left in the file until its place is needed.
    "secure_delete=ON",
)
"""Settings of every connection. A build of SQLite may have changed their defaults."""


class SQLitePool:
    """Idle connections, last in, first out; without an upper bound, since there are never more than threads.

    Connections that write are kept apart: their page cache holds what they wrote, and `busy_timeout` is 0 on them.

    Args:
        db_name: A URI or path, as SQLite takes them.
        lock_timeout: SQLite's own `busy_timeout` for readers, in seconds.

    Attributes:
        is_memory: Whether the database is in memory. It then lasts as long as one connection is open.
        file: The database file, which every new connection checks.
        commit_counter: The counter beside the file, once a connection is open; None in memory, without a
            write-ahead log, or where its file cannot be written.
    """

    def __init__(self, db_name: str, lock_timeout: float) -> None:
        self._db_name = db_name
        self._lock_timeout = lock_timeout
        self.is_memory = SQLiteConnectionPool.detect_memory_mode(db_name)
        self._is_read_only = "?mode=ro" in db_name
        self.file = DatabaseFile(db_name)
        self.commit_counter: CommitCounter | None = None
        readers: list[sqlite3.Connection] = []
        # A database in memory may be one connection's own.
        self._idle = {False: readers, True: readers if self.is_memory else []}
        self._is_closed = False
        if self.is_memory:
            readers.append(self.open())

    def acquire(self, *, is_writer: bool) -> sqlite3.Connection:
        """Take an idle connection, or open one.

        Raises:
            InterfaceError: the pool is closed, or SQLite cannot open the database.
            OperationalError: the file was replaced, or the database is busy.
        """
        try:
            return self._idle[is_writer].pop()
        except IndexError:
            return self.open(is_writer=is_writer)

    def release(self, connection: sqlite3.Connection, *, is_writer: bool) -> None:
        """Give back a connection that has no open transaction."""
        if self._is_closed:
            connection.close()
        else:
            self._idle[is_writer].append(connection)

    def discard(self, connection: sqlite3.Connection) -> None:
        """Close a connection that failed."""
        self.file.forget_log()
        connection.close()

    def close(self) -> None:
        """Close the idle connections; the others are closed when they are released."""
        self._is_closed = True
        self.file.forget_log()
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def open(self, *, is_writer: bool = False) -> sqlite3.Connection:
        """Open a connection that is not part of the pool yet.

        Raises:
            InterfaceError, OperationalError: as by `acquire`.
        """
        if self._is_closed:
            raise InterfaceError("the database was closed")
        # SQLite would open what has come to the path since, or make a file there.
        self.file.check()
        try:
            opened = sqlite3.connect(
                self._db_name,
                uri=True,
                check_same_thread=False,
                isolation_level=None,  # no implicit BEGIN
                timeout=self._lock_timeout,
                cached_statements=_STATEMENTS,
            )
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        try:
            self._set_up(opened, is_writer)
        except sqlite3.Error as error:
            opened.close()
            translated = self.translated(error)
            raise (
                translated if isinstance(translated, OperationalError) else InterfaceError(error)
            ) from error
        opened.row_factory = sqlite3.Row
        return opened

    def translated(self, error: sqlite3.Error) -> Exception:
        """The event library's error, or our fault, for an error of SQLite. Damage is reported once."""
        fault = fault_of_sqlite(error)
        if fault is StoreDamaged:
            self.file.report(DAMAGED)
        return (fault or _ERRORS.get(type(error), PersistenceError))(error)

    def _set_up(self, opened: sqlite3.Connection, is_writer: bool) -> None:
        is_wal = False
        if not self.is_memory and not self._is_read_only:
            is_wal = opened.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal"
            if is_wal and self.commit_counter is None:
                self.commit_counter = _counter_beside(opened)
        for pragma in _PRAGMAS:
            opened.execute(f"PRAGMA {pragma}")
        if is_writer and is_wal:
            # `begin_immediate` waits instead; once begun, a writer never waits.
            opened.execute("PRAGMA busy_timeout=0")
        if not self.is_memory:
            self.file.note_opened(_path_of(opened), is_wal=is_wal)


def _counter_beside(connection: sqlite3.Connection) -> CommitCounter | None:
    """The commit counter beside a connection's database; None where its file cannot be written."""
    try:
        return CommitCounter(f"{_path_of(connection)}-commits")
    except OSError:
        return None


def _path_of(connection: sqlite3.Connection) -> str:
    """The path of a connection's database file."""
    # As bytes: the name of a file need not be UTF-8.
    [file] = connection.execute("SELECT CAST(file AS BLOB) FROM pragma_database_list").fetchone()
    return os.fsdecode(file)
