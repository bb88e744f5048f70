"""Connections to PostgreSQL, and transactions on them that behave as those on SQLite do.

SQL outside of this package is written once, in what both databases understand, with ``?`` for parameters.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from math import ceil
from typing import Any, ClassVar, cast

import psycopg
from attrs import frozen
from eventsourcing.persistence import (
    InterfaceError,
    InternalError,
    OperationalError,
    PersistenceError,
)
from eventsourcing.postgres import ConnectionPool, PostgresDatastore
from psycopg import pq
from psycopg.abc import Query
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row

from albumcore_adapters.sql.database import System
from albumcore_adapters.sql.faults import DAMAGED, StoreDamaged
from albumcore_adapters.sql.postgres_cursor import PortableCursor, known_errors
from albumcore_adapters.sql.postgres_server import directly, look_at, milliseconds
from albumcore_adapters.sql.read_snapshot import ReadSnapshot

WRITERS = int.from_bytes(b"albumcor")
"""The number of the advisory lock that whoever writes beside the events holds until he is done."""

_TAKE_TURNS = f"SELECT pg_advisory_xact_lock({WRITERS})"

LOCK_SECONDS = 30
WAIT_SECONDS = 5.0
SETTLE_SECONDS = 30.0
MOST_CONNECTIONS = 16
# The server, too, notices in half a minute that its client is gone: it may hold what others wait for.
_KEEPALIVES = (
    "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = '30s'"
)
_KWARGS: dict[str, Any] = {"row_factory": dict_row, "autocommit": True}
_DEFAULTS = {
    "application_name": "albumcore",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    # A network that swallows packets is noticed in about half a minute, not in the two hours of TCP's own habit.
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
# One that is being kept ends by itself. Ended from outside while it waits for a synchronous standby, it would pass
# for kept without being there. A backend whose transaction is another by now is left alone.
_END_IT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid = %s AND usename = current_user AND datname = current_database() AND xact_start IS NOT NULL "
    "AND coalesce(backend_xid = nullif(%s, '')::xid8::xid, %s = '') AND "
    "(wait_event = 'ClientRead' OR query <> 'COMMIT' AND wait_event IS DISTINCT FROM 'SyncRep')"
)


class ConnectionLost(OperationalError):
    """The connection broke, and nothing was kept: it may be tried again at once."""


@frozen
class _Named:
    """How the server names a transaction, for when it has to be asked what became of it."""

    backend: int
    xid: str = ""
    history: str = ""


def connection_settings(url: str) -> Mapping[str, Any]:
    """What a database address says, by libpq's names.

    Raises:
        ValueError: it is none. The message does not repeat it: it may hold a password.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("no address of a PostgreSQL database")
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise ValueError("no address of a PostgreSQL database") from None
    # Of a password with an @ in it libpq takes the rest for a host. Paths and abstract sockets may have one.
    if any("@" in host and host[0] not in "/@" for host in str(given.get("host", "")).split(",")):
        raise ValueError("no address of a PostgreSQL database")
    return given


class PostgresDatabase(ReadSnapshot, PostgresDatastore):
    """A PostgreSQL database, by its address.

    Whatever libpq takes may stand in the address (``sslmode``, ``options``, ``service``, ...). Tables are made and
    looked for in the first schema of the search path that exists, and in no other: the next may hold another store.

    Raises:
        ValueError: it is no address.
        InterfaceError, OperationalError: the database cannot be reached, or does not let us in.
        NotSupportedError: it is no PostgreSQL of version 13 or later, or does not store UTF-8.

    Attributes:
        server: What the server is, and what it lets us do.
    """

    system: ClassVar[System] = "postgres"

    def __init__(self, url: str, lock_seconds: float = LOCK_SECONDS) -> None:
        given = connection_settings(url)
        conninfo = make_conninfo(**{**_DEFAULTS, **given})
        with known_errors(), directly(conninfo) as connection:
            self.server = look_at(connection)
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
        # Where the next transaction may be on another connection to the server, each says it anew.
        self._limits = self.server.limits(lock_seconds, is_local=self.server.is_pooled)
        # The library's own pool is opened when it is first used, which it never is.
        self.pool = ConnectionPool(
            conninfo,
            connection_class=psycopg.Connection[DictRow],
            kwargs=_KWARGS | ({"prepare_threshold": None} if self.server.is_pooled else {}),
            min_size=1,
            max_size=MOST_CONNECTIONS,
            open=False,
            configure=None if self.server.is_pooled else self._configure,
            timeout=WAIT_SECONDS,
            reconnect_timeout=WAIT_SECONDS,
            num_workers=1,
        )

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection, outside any transaction.

        Raises:
            OperationalError: the database is gone, or all connections are in use for too long.
        """
        try:
            if self._thread.ambient is not None:
                with known_errors():
                    yield self._thread.ambient.connection
                return
            with known_errors():
                self.pool.open()
                connection = self._live_connection()
                try:
                    yield connection
                finally:
                    self.pool.putconn(connection)
        except StoreDamaged:
            self._is_damaged = True
            raise

    def trouble(self) -> str | None:
        """Why nothing can be served from the database until it is mended; None as far as is known."""
        return DAMAGED if self._is_damaged else None

    @contextmanager
    def looking(self) -> Iterator[PortableCursor]:
        """A cursor for one statement that reads: it sees one moment without any transaction."""
        if self._thread.depth or self._thread.ambient is not None:
            with self.transaction(commit=False) as cursor:
                yield cursor
        else:
            with self.single() as cursor:
                yield cursor

    @contextmanager
    def single(self) -> Iterator[PortableCursor]:
        """A cursor for one statement by itself, which is kept as soon as it is done."""
        with self.get_connection() as connection:
            if not self.server.is_pooled:
                yield PortableCursor(connection)
                return
            self._begin(connection, "READ COMMITTED")
            try:
                yield PortableCursor(connection)
                connection.execute("COMMIT")
            finally:
                _undo(connection)

    def data_version(self) -> object | None:
        """Nothing: to ask whether anybody has committed anything would cost what it is to save."""

    def register_type_adapters(self) -> None:
        """Nothing: the library's types for arrays of events are not used."""

    def _live_connection(self) -> psycopg.Connection[DictRow]:
        # The pool's own way of checking waits longer with each dead one that it meets.
        for _ in range(MOST_CONNECTIONS):
            connection = self.pool.getconn()
            if _is_live(connection):
                return connection
            self.pool.putconn(connection)
        raise psycopg.OperationalError("the server closes every connection")

    @contextmanager
    def transaction(self, *, commit: bool = False) -> Iterator[PortableCursor]:
        """A transaction: kept at the end with ``commit``, undone without it or on an error.

        Without ``commit`` all its statements see one moment. With it, it waits for its turn first: one writes at a
        time, and sees all that was kept before. A connection that breaks is followed up: an error means that
        nothing was kept.

        Raises:
            ConnectionLost: the connection broke, and nothing was kept.
            OperationalError: the database is gone, or was busy for too long. Where it stays gone while a
                transaction is being kept, nobody knows whether it was: the message says so.
        """
        with ReadSnapshot.transaction(self, commit=commit) as cursor:
            yield cursor

    def write_transaction(
        self, turn: str, *, blind: bool, seconds: float | None = None
    ) -> AbstractContextManager[PortableCursor]:
        """A transaction that is kept, and waits for its turn in its own way.

        Args:
            turn: The statement that waits for the turn of this one, and takes it.
            blind: Nobody waits for what the statements answer, so they travel together with the end, and their
                errors come at the end too.
            seconds: How long it waits for its turn; as long as the database says, by default.

        Raises:
            ConnectionLost, OperationalError: as with `transaction`.
        """
        if self._thread.ambient is not None:
            return self.another_cursor(self._thread.ambient)
        self._end_snapshot()
        return self._writing(turn, blind, seconds or self._lock_seconds)

    def begin(self, *, commit: bool) -> AbstractContextManager[PortableCursor]:
        """A transaction of its own; see `transaction`."""
        if not commit:
            return self._seeing()
        return self._writing(_TAKE_TURNS, blind=False, seconds=self._lock_seconds)

    @contextmanager
    def _seeing(self) -> Iterator[PortableCursor]:
        with self.get_connection() as connection:
            self._begin(connection, "REPEATABLE READ")
            try:
                yield PortableCursor(connection)
            finally:
                _undo(connection)

    def _configure(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(cast(Query, f"{_KEEPALIVES}; {self._limits}"))

    def _begin(self, connection: psycopg.Connection[Any], level: str, *further: str) -> Any:
        own = (self._limits,) if self.server.is_pooled else ()
        begin = "; ".join((f"BEGIN ISOLATION LEVEL {level}", *own, *further))
        return connection.execute(cast(Query, begin))

    def _take_turn(self, connection: psycopg.Connection[Any], turn: str, seconds: float) -> _Named:
        bound = f"SET LOCAL lock_timeout = {milliseconds(seconds)}"
        named = f"SELECT {self.server.named}"
        cursor = self._begin(connection, "READ COMMITTED", bound, turn, named)
        while cursor.nextset():
            pass
        [row] = cursor.fetchall()
        return _Named(row["backend"], row["xid"], row["history"])

    @contextmanager
    def another_cursor(self, cursor: PortableCursor) -> Iterator[PortableCursor]:
        """One more cursor in the transaction that a cursor is in."""
        with known_errors():
            yield PortableCursor(cursor.connection)

    @contextmanager
    def _writing(self, turn: str, blind: bool, seconds: float) -> Iterator[PortableCursor]:
        lost: Exception | None = None
        with self.get_connection() as connection:
            # Behind a pooler that number is none of the server's, and who has it there is left alone.
            named = _Named(0 if self.server.is_pooled else connection.info.backend_pid)
            try:
                named = self._take_turn(connection, turn, seconds)
                with connection.pipeline() if blind else contextlib.nullcontext():
                    yield PortableCursor(connection)
                    if blind:
                        connection.execute("COMMIT", prepare=False)
                if not blind:
                    _keep(connection)
            except (psycopg.Error, PersistenceError) as error:
                if not connection.broken:
                    _undo(connection)
                    raise
                lost = error
            except BaseException:
                _undo(connection)
                raise
        # The broken connection was given back first: others may be waiting for their turn to ask.
        if lost is not None and not self._was_kept(named):
            raise ConnectionLost("the connection was lost, and nothing was kept") from lost

    def _was_kept(self, named: _Named) -> bool:
        """Whether a transaction was kept whose end nobody told us of. What is left of it is ended."""
        until = time.monotonic() + SETTLE_SECONDS
        told: str | None = "in progress"
        # A COMMIT may have reached the server that its process is about to read.
        time.sleep(0.02)
        while told == "in progress" and time.monotonic() < until:
            with (
                contextlib.suppress(InterfaceError, OperationalError),
                self.get_connection() as connection,
            ):
                # Its server process may not know yet that we are gone, and hold what others wait for.
                connection.execute(_END_IT, [named.backend, named.xid, named.xid])
                asked = [named.xid, named.history, named.xid]
                cursor = connection.execute(self.server.how_it_ended, asked)
                [row] = cursor.fetchall()
                told = row["told"]
            if told == "in progress":
                time.sleep(0.02)
        if told not in ("committed", "aborted"):
            raise OperationalError("the connection was lost; nobody knows what was kept")
        return told == "committed"


def _is_live(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server kept it open meanwhile; where it said nothing, it is not asked."""
    listening = select.poll()
    listening.register(connection.fileno(), select.POLLIN)
    if not listening.poll(0):
        return True
    # An idle server says nothing: this is most likely a farewell.
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        connection.close()
        return False
    return True


def _keep(connection: psycopg.Connection[Any]) -> None:
    if connection.info.transaction_status == pq.TransactionStatus.INERROR:
        raise InternalError("a statement of this transaction failed, so it is not kept")
    connection.execute("COMMIT", prepare=False)


def _undo(connection: psycopg.Connection[Any]) -> None:
    # Where that fails the connection is gone, and with it the transaction. Said past the driver, which would forget
    # what it has prepared.
    with contextlib.suppress(psycopg.Error):
        connection.pgconn.exec_(b"ROLLBACK")


__all__ = [
    "ConnectionLost",
    "PortableCursor",
    "PostgresDatabase",
    "connection_settings",
    "known_errors",
]
