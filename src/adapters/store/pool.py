"""Connections to SQLite: durable ones, and handed out so that readers never queue behind writers."""

from __future__ import annotations

import sqlite3
import threading

from eventsourcing.persistence import ConnectionUnavailableError, InterfaceError, OperationalError
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool


class DurablePool(SQLiteConnectionPool):
    """Connections on which a commit has reached the disk when it returns.

    It mends two habits of the library's pool. A thread that waits to write there holds up everybody behind it,
    readers too; here writers wait in a line of their own. And a connection that cannot be opened leaves the
    pool locked for writing there, for ever; here it gives back what was taken for it.
    """

    def __init__(self, *, db_name: str, lock_timeout: int) -> None:
        super().__init__(
            db_name=db_name, lock_timeout=lock_timeout, pool_timeout=float(lock_timeout)
        )
        self._line_of_writers = threading.Lock()
        self._asked = threading.local()

    def get_connection(
        self, timeout: float | None = None, *, is_writer: bool | None = None
    ) -> SQLiteConnection:
        """Hand out a connection; one at a time for writing.

        Raises:
            ConnectionUnavailableError: none became free in time.
            InterfaceError: none could be opened.
        """
        wait = self.pool_timeout if timeout is None else timeout
        if is_writer and not self._line_of_writers.acquire(timeout=wait):
            raise ConnectionUnavailableError("others kept writing")
        self._asked.is_writer = is_writer
        try:
            return super().get_connection(wait, is_writer=is_writer)
        except BaseException:
            if is_writer:
                self._line_of_writers.release()
            raise

    def put_connection(self, conn: SQLiteConnection) -> None:
        """Take a connection back, and let the next writer have its turn."""
        is_writer = conn.is_writer
        try:
            super().put_connection(conn)
        finally:
            if is_writer:
                self._line_of_writers.release()

    def _get_connection(self, timeout: float = 0.0) -> SQLiteConnection:
        try:
            return super()._get_connection(timeout)
        except BaseException:
            self._give_back()
            raise

    def _give_back(self) -> None:
        """Undo what the library took before it tried to open a connection.

        Nobody waits to be told: only one thread at a time is in the library's `get_connection`.
        """
        if self._asked.is_writer is True:
            self._num_writers -= 1
            self._writer_lock.release()
        elif self._asked.is_writer is False:
            with self._no_readers:
                self._num_readers -= 1
        self._asked.is_writer = None  # the library calls itself again while it waits

    def _create_connection(self) -> SQLiteConnection:
        try:
            opened = sqlite3.connect(
                self.db_name,
                uri=True,
                check_same_thread=False,
                isolation_level=None,  # transactions begin where the library says so
                timeout=self.pool_timeout,
            )
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        try:
            if not self.is_sqlite_memory_mode:
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
        return SQLiteConnection(opened, max_age=self.max_age)
