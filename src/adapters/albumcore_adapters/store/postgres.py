"""The event store on PostgreSQL: the library's recorder, with the index rows in the same transaction."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import (
    BaseInfrastructureFactory,
    InterfaceError,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import (
    PostgresAggregateRecorder,
    PostgresApplicationRecorder,
    PostgresFactory,
)
from eventsourcing.utils import Environment, EnvType, retry, strtobool

from albumcore.commands import BUSY_SECONDS
from albumcore.index import ROWS, Change
from albumcore_adapters.sql.postgres import (
    LOCK_SECONDS,
    ConnectionLost,
    PostgresDatabase,
)
from albumcore_adapters.sql.postgres_cursor import (
    NO_STATEMENT_TIMEOUT,
    PortableCursor,
    translated_errors,
)
from albumcore_adapters.sql.postgres_pool import connection_settings
from albumcore_adapters.sql.postgres_server import connect_directly
from albumcore_adapters.store.recorder import EVENT, FINGERPRINT_TABLE, IndexRecorder, index_tables
from albumcore_adapters.store.rows import columns_of, index_fingerprint, table_of

URL = "POSTGRES_URL"
OPENING = int.from_bytes(b"opening.")
"""The number of the advisory lock of whoever makes tables, or makes index rows again, before he works with them."""

OPENING_SECONDS = 600
"""How long to wait for others who open the store, and may be making its rows again."""

# It is idle while others of its process make the rows, however long that takes.
_ENTER = (
    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; "
    f"SELECT pg_try_advisory_xact_lock({OPENING})"
)
_EVENTS = "stored_events"
_SNAPSHOTS = "stored_snapshots"
_LOCK = f"LOCK TABLE {_EVENTS} IN EXCLUSIVE MODE"
_SNAPSHOT_TABLE = f"""CREATE TABLE IF NOT EXISTS {_SNAPSHOTS} (
    originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (originator_id, originator_version))"""
_INSERT = f"INSERT INTO {{table}} ({', '.join(EVENT)}) VALUES (?, ?, ?, ?)"  # noqa: S608
# Nothing where the version before is not there, which the column refuses; and no answer has to be waited for.
_INSERT_AFTER = (
    f"INSERT INTO {_EVENTS} ({', '.join(EVENT)}) VALUES (?, (SELECT originator_version + 1 "  # noqa: S608
    f"FROM {_EVENTS} WHERE originator_id = ? AND originator_version = ?), ?, ?)"
)

_again = retry((InterfaceError, OperationalError), max_attempts=2, wait=0.05)
"""Reads are tried once more, on another connection. The library's ten times would keep a caller for minutes."""


class PostgresRecorder(IndexRecorder, PostgresApplicationRecorder):
    """Appends events together with the changes of the index rows they mean, and answers from those rows.

    Whoever appends locks the table of events against others who do, so that events are kept in the order of their
    positions: who follows them from a position misses none.
    """

    loses_replies = True
    datastore: PostgresDatabase

    def has_current_index(self) -> bool:
        """Whether the index tables are there, look as the row classes of this code want them, and mean the same."""
        with self.datastore.transaction() as c:
            return _is_index_current(c)

    def clear_tables(self, c: PortableCursor) -> None:
        """Delete the rows; tables of another form are made anew.

        Others go on reading the rows that were there until this is kept.
        """
        # In this very transaction: who holds the lock must not wait for a connection, of which a pooler has few, and
        # which those who wait for the lock may have.
        if _is_index_current(c):
            for kind in ROWS:
                c.execute(f"DELETE FROM {table_of(kind)}")  # noqa: S608
            return
        for table in (*map(table_of, ROWS), FINGERPRINT_TABLE):
            c.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in index_tables():
            # Not IF NOT EXISTS: they were just dropped, and to look would be to wait for an answer.
            c.execute(statement.replace(" IF NOT EXISTS", ""))

    # Appending

    def insert_events(
        self, stored_events: Sequence[StoredEvent], changes: Iterable[Change] = (), **_: Any
    ) -> None:
        """Append events, with the changes of rows that they mean: all of it or nothing.

        Raises:
            IntegrityError: a version of a stream is there already, or the one before it is not; or the key of a row is
                taken. Nothing is stored.
            OperationalError: the database is gone or was busy for too long. Nothing is stored, unless it says that
                nobody knows.
        """
        told = tuple(changes)
        try:
            self._append(stored_events, told)
        except ConnectionLost:
            self._append(stored_events, told)

    def _append(self, stored_events: Sequence[StoredEvent], changes: Iterable[Change]) -> None:
        with self._appending() as c:
            for number, stored in enumerate(stored_events):
                follows = not number and stored.originator_version > 1
                c.execute(*(_following(stored) if follows else _insertion(_EVENTS, stored)))
            self.apply(c, changes)
            c.execute(f"NOTIFY {self.channel_name}")

    def _appending(self) -> AbstractContextManager[PortableCursor]:
        return self.datastore.write_transaction(_LOCK, pipelined=True)

    def write_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """A transaction of all that this thread reads and appends in the block: nothing else is appended meanwhile."""
        return self.datastore.ambient(
            self.datastore.write_transaction(_LOCK, pipelined=False, seconds=seconds)
        )

    @contextmanager
    def rebuild_transaction(self) -> Iterator[tuple[PortableCursor, PortableCursor]]:
        """A transaction that nobody appends in between; what is written travels ahead of the answers to it."""
        with self._appending() as c:
            c.execute(NO_STATEMENT_TIMEOUT)
            yield c, PortableCursor(c.connection)

    # Reading

    select_events = _again(PostgresAggregateRecorder.select_events.__wrapped__)
    select_notifications = _again(PostgresApplicationRecorder.select_notifications.__wrapped__)
    max_notification_id = _again(PostgresApplicationRecorder.max_notification_id.__wrapped__)

    def next_number(self, name: str) -> int:
        """A number never given before under that name, greater than all of them.

        It is not waited for until it is on the disk: the event that carries it is, and brings it there.
        """
        with self.datastore.autocommit() as c:
            c.execute(
                "INSERT INTO numbers SELECT ?, 1 FROM (SELECT set_config('synchronous_commit', 'off', true)) AS quick "
                "ON CONFLICT (name) DO UPDATE SET given = numbers.given + 1 RETURNING given",
                [name],
            )
            [row] = c.fetchall()
            return int(row["given"])


def _is_index_current(c: PortableCursor) -> bool:
    wanted = {(table_of(kind), name) for kind in ROWS for name in columns_of(kind)}
    wanted |= {(FINGERPRINT_TABLE, "form"), *_lookups()}
    tables = [*map(table_of, ROWS), FINGERPRINT_TABLE]
    # The tables themselves are asked as well: one may have been dropped by hand.
    c.execute(
        "SELECT table_name AS name, column_name AS part FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = ANY(?) UNION ALL "
        "SELECT tablename, indexname FROM pg_indexes "
        "WHERE schemaname = current_schema() AND tablename = ANY(?)",
        [tables, tables],
    )
    if wanted != {(row["name"], row["part"]) for row in c.fetchall()}:
        return False
    c.execute(f"SELECT form FROM {FINGERPRINT_TABLE}")  # noqa: S608
    return [row["form"] for row in c.fetchall()] == [index_fingerprint()]


def _lookups() -> Iterator[tuple[str, str]]:
    for kind in ROWS:
        table = table_of(kind)
        yield table, f"{table}_pkey"
        for lookup in kind.LOOKUPS:
            yield table, f"{table}_by_{'_'.join(lookup)}"


def _insertion(table: str, stored: StoredEvent) -> tuple[str, list[Any]]:
    values = [stored.originator_id, stored.originator_version, stored.topic, stored.state]
    return _INSERT.format(table=table), values


def _following(stored: StoredEvent) -> tuple[str, list[Any]]:
    """What stores an event if the one before it is there."""
    # Whoever has a standby take over that the last events had not reached knows of versions that are gone.
    stream, before = stored.originator_id, stored.originator_version - 1
    return _INSERT_AFTER, [stream, stream, before, stored.topic, stored.state]


class PostgresSnapshotRecorder(PostgresAggregateRecorder):
    """Keeps the newest snapshot of each stream, and no other: one of a long album is a megabyte."""

    datastore: PostgresDatabase

    def create_table(self) -> None:
        """Make the table where it is not there yet."""
        with self.datastore.transaction(commit=True) as c:
            c.execute(_SNAPSHOT_TABLE)

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> None:
        """Keep snapshots in the place of those before them."""
        with self.datastore.transaction(commit=True) as c:
            for stored in stored_events:
                c.execute(
                    f"DELETE FROM {_SNAPSHOTS} WHERE originator_id = ?",  # noqa: S608
                    [stored.originator_id],
                )
                c.execute(*_insertion(_SNAPSHOTS, stored))

    select_events = _again(PostgresAggregateRecorder.select_events.__wrapped__)


class Factory(PostgresFactory):
    """The library's way of opening PostgreSQL, with our recorders and our connections.

    Raises:
        ValueError: the address is missing or none, or the environment asks for the library's own functions in the
            database. They append without a lock, so who follows the events would miss some.
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        # The library's own for PostgreSQL would ask for each part of the address by itself.
        BaseInfrastructureFactory.__init__(self, env)
        if strtobool(self.env.get(self.POSTGRES_ENABLE_DB_FUNCTIONS) or "no"):
            raise ValueError(
                f"{self.POSTGRES_ENABLE_DB_FUNCTIONS} must not be set: the functions of the event library append "
                "without a lock, and whoever follows the events would miss some"
            )
        self.datastore = PostgresDatabase(
            self.env.get(URL) or "", float(self.env.get(BUSY_SECONDS) or LOCK_SECONDS)
        )

    def application_recorder(self) -> PostgresRecorder:
        """The recorder of events and index rows."""
        recorder = PostgresRecorder(self.datastore, events_table_name=_EVENTS)
        if self.env_create_table():
            recorder.create_table()
        return recorder

    def aggregate_recorder(self, purpose: str = "events") -> PostgresSnapshotRecorder:
        """The recorder of snapshots, the only purpose there is."""
        recorder = PostgresSnapshotRecorder(self.datastore, events_table_name=f"stored_{purpose}")
        if self.env_create_table():
            recorder.create_table()
        return recorder


@contextmanager
def exclusive_open(url: str) -> Iterator[None]:
    """Let one at a time into the block, of all who open the same database.

    Raises:
        OperationalError: others have been in it for ten minutes.
    """
    until = time.monotonic() + OPENING_SECONDS
    with translated_errors(), connect_directly(url) as connection:
        # A lock of the transaction, and asked for again and again: behind a pooler, one of the session would stay,
        # and whoever waits in the server would hold a connection that the one in the block may need.
        while not _entered(connection):
            connection.execute("ROLLBACK")
            if time.monotonic() > until:
                raise OperationalError("another process has been opening this store for too long")
            time.sleep(0.02)
        yield


def _entered(connection: psycopg.Connection[Any]) -> bool:
    cursor = connection.execute(_ENTER)
    while cursor.nextset():
        pass
    [(is_in,)] = cursor.fetchall()
    return bool(is_in)


def has_store(url: str) -> bool:
    """Whether there is a store in a database.

    Raises:
        ValueError: the address is none.
        InterfaceError, OperationalError: the database cannot be reached, or does not let us in.
    """
    connection_settings(url)
    with translated_errors(), connect_directly(url) as connection:
        # Not wherever the search path leads: the next schema may hold the store of somebody else.
        looked = "SELECT to_regclass(quote_ident(current_schema()) || %s) IS NOT NULL"
        [(there,)] = connection.execute(looked, [f".{_EVENTS}"]).fetchall()
    return bool(there)
