"""PostgreSQL as a `Database`: transactions that behave as those on SQLite do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from math import ceil
from typing import Any, ClassVar, cast

import psycopg
from eventsourcing.persistence import PersistenceError
from eventsourcing.postgres import PostgresDatastore
from psycopg.abc import Query
from psycopg.rows import DictRow

from albumcore_adapters.sql.database import LOCK_SECONDS, System
from albumcore_adapters.sql.faults import DAMAGED, StoreDamaged
from albumcore_adapters.sql.postgres_cursor import PortableCursor, translated_errors
from albumcore_adapters.sql.postgres_pool import (
    KEEPALIVES,
    conninfo_of,
    live_connection,
    make_pool,
)
from albumcore_adapters.sql.postgres_server import (
    connect_directly,
    inspect_server,
    milliseconds,
)
from albumcore_adapters.sql.postgres_transaction import (
    ConnectionLost,
    TransactionId,
    commit,
    roll_back,
    was_committed,
)
from albumcore_adapters.sql.read_snapshot import PartOfTransaction, ReadSnapshot

WRITE_LOCK = int.from_bytes(b"albumcor")
"""The number of the advisory lock of transactions that write beside the events."""

LOCK_WRITES = f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"
"""The statement that takes it."""


class PostgresDatabase(ReadSnapshot, PostgresDatastore):
    """A PostgreSQL database, by its address.

    The address takes every parameter of libpq (``sslmode``, ``options``, ``service``, ...). Tables are made and looked
    up in the first schema of the search path that exists, and in no other: the next may hold another store.

    Raises:
        ValueError: it is no address.
        InterfaceError, OperationalError: the database cannot be reached, or refuses the user.
        NotSupportedError: it is no PostgreSQL of version 13 or later, or does not store UTF-8.

    Attributes:
        server: Which server it is, and what it supports.
    """

    system: ClassVar[System] = "postgres"

    def __init__(self, url: str, lock_seconds: float = LOCK_SECONDS) -> None:
        conninfo = conninfo_of(url)
        with translated_errors(), connect_directly(conninfo) as connection:
            self.server = inspect_server(connection)
        ReadSnapshot.__init__(self)
        self._is_damaged = False
        PostgresDatastore.__init__(
            self,
            dbname="",
            host="",
            port="",
            user="",
            password="",
            schema=self.server.schema,
            lock_timeout=ceil(lock_seconds),
            originator_id_type="text",
        )
        self._lock_seconds = lock_seconds
        # Behind a pooler, each transaction sets its limits: the next may be on another connection to the server.
        self._limits = self.server.limits(lock_seconds, is_local=self.server.is_pooled)
        # In place of the library's own pool, which has not been opened.
        self.pool = make_pool(conninfo, None if self.server.is_pooled else self._configure)

    # Connections

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection, outside any transaction.

        Raises:
            OperationalError: the database is gone, or all connections are in use for too long.
        """
        try:
            if self._thread.ambient is not None:
                with translated_errors():
                    yield self._thread.ambient.connection
                return
            with translated_errors():
                self.pool.open()
                connection = live_connection(self.pool)
                try:
                    yield connection
                finally:
                    self.pool.putconn(connection)
        except StoreDamaged:
            self._is_damaged = True
            raise

    def _configure(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(cast(Query, f"{KEEPALIVES}; {self._limits}"))

    def register_type_adapters(self) -> None:
        """Nothing: the library's types for arrays of events are not used."""

    # Transactions

    @contextmanager
    def transaction(self, *, commit: bool = False) -> Iterator[PortableCursor]:
        """A transaction: committed at the end with ``commit``, rolled back without it or on an error.

        Without ``commit``, all its statements see one snapshot. With it, it first takes a lock that all such
        transactions take, and so sees all that was committed before. Where its connection breaks, the server is asked
        for the outcome: an error means that nothing was committed.

        Raises:
            ConnectionLost: the connection broke, and nothing was committed.
            OperationalError: the database is gone, or was busy for too long. Where it stays gone during a commit, the
                outcome is unknown, and the message says so.
        """
        with ReadSnapshot.transaction(self, commit=commit) as cursor:
            yield cursor

    @contextmanager
    def single_read(self) -> Iterator[PortableCursor]:
        """A cursor for one statement that reads. It needs no transaction, and two round trips less."""
        if self._thread.depth or self._thread.ambient is not None:
            with self.transaction(commit=False) as cursor:
                yield cursor
        else:
            with self.autocommit() as cursor:
                yield cursor

    @contextmanager
    def autocommit(self) -> Iterator[PortableCursor]:
        """A cursor for one statement, which commits by itself."""
        with self.get_connection() as connection:
            if not self.server.is_pooled:
                yield PortableCursor(connection)
                return
            self._begin(connection, "READ COMMITTED")
            try:
                yield PortableCursor(connection)
                connection.execute("COMMIT")
            finally:
                roll_back(connection)

    def write_transaction(
        self, lock: str, *, pipelined: bool, seconds: float | None = None
    ) -> AbstractContextManager[PortableCursor]:
        """A transaction that commits, under a lock of its own.

        Args:
            lock: The statement that takes the lock.
            pipelined: Send all statements and the commit without waiting for answers. Errors are raised at the end.
            seconds: How long to wait for the lock; the database's default if None.

        Raises:
            ConnectionLost, OperationalError: as by `transaction`.
        """
        if self._thread.ambient is not None:
            return PartOfTransaction(self, self._thread)
        self._end_snapshot()
        return self._write(lock, pipelined, seconds or self._lock_seconds)

    def begin(self, *, commit: bool) -> AbstractContextManager[PortableCursor]:
        """A transaction of its own; see `transaction`."""
        if not commit:
            return self._read()
        return self._write(LOCK_WRITES, pipelined=False, seconds=self._lock_seconds)

    def another_cursor(self, cursor: PortableCursor) -> PortableCursor:
        """A further cursor in the transaction of a cursor."""
        return PortableCursor(cursor.connection)

    def raise_translated(self, error: BaseException) -> None:
        """Raise the event library's error for an error of the driver."""
        if isinstance(error, psycopg.Error):
            with translated_errors():
                raise error

    @contextmanager
    def _read(self) -> Iterator[PortableCursor]:
        with self.get_connection() as connection:
            self._begin(connection, "REPEATABLE READ")
            try:
                yield PortableCursor(connection)
            finally:
                roll_back(connection)

    @contextmanager
    def _write(self, lock: str, pipelined: bool, seconds: float) -> Iterator[PortableCursor]:
        lost: Exception | None = None
        with self.get_connection() as connection:
            # Behind a pooler, this number belongs to no server process, or to that of another client.
            transaction = TransactionId(0 if self.server.is_pooled else connection.info.backend_pid)
            try:
                transaction = self._begin_locked(connection, lock, seconds)
                with connection.pipeline() if pipelined else contextlib.nullcontext():
                    yield PortableCursor(connection)
                    if pipelined:
                        connection.execute("COMMIT", prepare=False)
                if not pipelined:
                    commit(connection)
            except (psycopg.Error, PersistenceError) as error:
                if not connection.broken:
                    roll_back(connection)
                    raise
                lost = error
            except BaseException:
                roll_back(connection)
                raise
        # After the broken connection was given back: others may be waiting for one to ask as well.
        if lost is not None and not self._was_committed(transaction):
            raise ConnectionLost("the connection was lost, and nothing was kept") from lost

    def _begin(self, connection: psycopg.Connection[Any], level: str, *further: str) -> Any:
        own = (self._limits,) if self.server.is_pooled else ()
        begin = "; ".join((f"BEGIN ISOLATION LEVEL {level}", *own, *further))
        return connection.execute(cast(Query, begin))

    def _begin_locked(
        self, connection: psycopg.Connection[Any], lock: str, seconds: float
    ) -> TransactionId:
        timeout = f"SET LOCAL lock_timeout = {milliseconds(seconds)}"
        identify = f"SELECT {self.server.transaction_columns}"
        cursor = self._begin(connection, "READ COMMITTED", timeout, lock, identify)
        while cursor.nextset():
            pass
        [row] = cursor.fetchall()
        return TransactionId(row["backend"], row["xid"], row["history"])

    def _was_committed(self, transaction: TransactionId) -> bool:
        return was_committed(self.get_connection, self.server, transaction)

    @contextmanager
    def maintenance(self, lock_seconds: float) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection for statements that run outside of a transaction and may take long.

        Args:
            lock_seconds: How long a statement waits for a lock. Behind a pooler, the server's own limit applies.
        """
        with self.get_connection() as connection:
            if self.server.is_pooled:
                yield connection
                return
            limits = f"SET statement_timeout = 0; SET lock_timeout = {milliseconds(lock_seconds)}"
            connection.execute(cast(Query, limits))
            try:
                yield connection
            finally:
                connection.execute(cast(Query, self._limits))

    # State

    def trouble(self) -> str | None:
        """Why nothing can be served from the database until it is mended; None as far as is known."""
        return DAMAGED if self._is_damaged else None

    def data_version(self) -> object | None:
        """None: PostgreSQL has no cheap counter of commits."""


__all__ = ["ConnectionLost", "PortableCursor", "PostgresDatabase"]
