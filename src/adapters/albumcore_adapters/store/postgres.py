"""The event store on PostgreSQL: the event library's recorders, with index rows in the same transaction."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    BaseInfrastructureFactory,
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import (
    PostgresAggregateRecorder,
    PostgresApplicationRecorder,
    PostgresFactory,
)
from eventsourcing.utils import Environment, EnvType, retry, strtobool

from albumcore.commands import BUSY_SECONDS, SEALED
from albumcore.index import ROWS, Change
from albumcore.sealing import KeyedNotification
from albumcore_adapters.sql.database import LOCK_SECONDS, MAX_INTEGER
from albumcore_adapters.sql.postgres import (
    LOCK_WRITES,
    ConnectionLost,
    PostgresDatabase,
)
from albumcore_adapters.sql.postgres_cursor import (
    NO_STATEMENT_TIMEOUT,
    PortableCursor,
    translated_errors,
)
from albumcore_adapters.sql.postgres_pool import conninfo_of
from albumcore_adapters.sql.postgres_server import connect_directly
from albumcore_adapters.store.recorder import EVENT, FINGERPRINT_TABLE, IndexRecorder, index_tables
from albumcore_adapters.store.rows import (
    TABLES,
    columns_of,
    condition_of,
    index_fingerprint,
    lookup_name,
)
from albumcore_adapters.store.snapshots import SnapshotList, may_be_stored, snapshot_replacements

URL = "POSTGRES_URL"
OPENING = int.from_bytes(b"opening.")
"""The number of the advisory lock of a process that opens a store: it may migrate tables, or rebuild the index."""

OPENING_SECONDS = 600
"""How long to wait for another process that opens the store, and may be rebuilding its index."""

# This connection is idle while another one of its process rebuilds the index, however long that takes.
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
# NULL, which the column refuses, where the version before does not exist; and no answer has to be waited for.
_INSERT_AFTER = (
    f"INSERT INTO {_EVENTS} ({', '.join(EVENT)}) VALUES (?, (SELECT originator_version + 1 "  # noqa: S608
    f"FROM {_EVENTS} WHERE originator_id = ? AND originator_version = ?), ?, ?)"
)

_select_events = PostgresAggregateRecorder.select_events.__wrapped__
_select_notifications = PostgresApplicationRecorder.select_notifications.__wrapped__

_again = retry((InterfaceError, OperationalError), max_attempts=2, wait=0.05)
"""Retry a read once, on another connection. The library's ten attempts would block a caller for minutes."""


class PostgresRecorder(IndexRecorder, PostgresApplicationRecorder):
    """Appends events and the changes of index rows that they lead to, in one transaction.

    An append locks the table of events against other appends, so that events are committed in the order of their
    positions: a follower that continues from a position misses none.
    """

    loses_replies = True
    datastore: PostgresDatabase

    def has_current_index(self) -> bool:
        """Whether the index tables exist, are defined as this code defines them, and have its fingerprint."""
        with self.datastore.transaction() as c:
            return _is_index_current(c)

    def clear_tables(self, c: PortableCursor) -> None:
        """Delete the rows, or drop and create the tables if they are not defined as this code defines them.

        Other processes read the rows before until this commits.
        """
        # In this very transaction: the holder of the lock must not wait for a second connection. A pooler has few, and
        # those who wait for the lock may have them.
        if _is_index_current(c):
            for kind in ROWS:
                c.execute(f"DELETE FROM {TABLES[kind]}")  # noqa: S608
            return
        for table in (*TABLES.values(), FINGERPRINT_TABLE):
            c.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in index_tables():
            # Without IF NOT EXISTS: they were just dropped, and the check would wait for an answer.
            c.execute(statement.replace(" IF NOT EXISTS", ""))

    # Appending

    def insert_events(
        self, stored_events: Sequence[StoredEvent], changes: Iterable[Change] = (), **_: Any
    ) -> None:
        """Append events, and apply the changes of rows that they lead to, in one transaction.

        Raises:
            IntegrityError: a version exists, or the one before it does not (optimistic concurrency); or the key of a
                row exists.
            OperationalError: the database is gone or was busy for too long. Nothing was stored, unless the message
                says that the outcome is unknown.
        """
        rows = tuple(changes)
        try:
            self._append(stored_events, rows)
        except ConnectionLost:
            self._append(stored_events, rows)

    def _append(self, stored_events: Sequence[StoredEvent], changes: Iterable[Change]) -> None:
        with self._appending() as c:
            for number, stored in enumerate(stored_events):
                follows = not number and stored.originator_version > 1
                c.execute(*(_following(stored) if follows else _insertion(_EVENTS, stored)))
            if self.sealer is not None:
                self.insert_keys(c, stored_events)
            self.apply(c, changes)
            c.execute(f"NOTIFY {self.channel_name}")

    def _appending(self) -> AbstractContextManager[PortableCursor]:
        return self.datastore.write_transaction(_LOCK, pipelined=True)

    def write_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """Make this thread's reads and appends in the block one transaction, under the lock on the events."""
        return self.datastore.ambient(
            self.datastore.write_transaction(_LOCK, pipelined=False, seconds=seconds)
        )

    def exclusive_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """The same, and nothing is written beside the events either."""
        return self.datastore.ambient(
            self.datastore.write_transaction(
                f"{_LOCK}; {LOCK_WRITES}", pipelined=False, seconds=seconds
            )
        )

    @contextmanager
    def rebuild_transaction(self) -> Iterator[tuple[PortableCursor, PortableCursor]]:
        """A transaction under the lock on the events. Writes are pipelined."""
        with self._appending() as c:
            c.execute(NO_STATEMENT_TIMEOUT)
            yield c, PortableCursor(c.connection)

    # Reading

    @_again
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Stored events of a stream, as the library's method returns them; in a sealed store with their keys."""
        if self.sealer is None:
            found: Sequence[StoredEvent] = _select_events(
                self, originator_id, gt=gt, lte=lte, desc=desc, limit=limit
            )
            return found
        condition = "originator_id = ? AND originator_version > ? AND originator_version <= ?"
        order = f"originator_version {'DESC' if desc else 'ASC'}"
        values = [originator_id, gt or 0, MAX_INTEGER if lte is None else lte]
        return [self.event_of(row) for row in self._select_keyed(condition, values, order, limit)]

    @_again
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Stored events of all streams by position, as the library's method returns them; with keys likewise."""
        if self.sealer is None:
            found: Sequence[Notification] = _select_notifications(
                self, start, limit, stop, topics, inclusive_of_start=inclusive_of_start
            )
            return found
        least = 0 if start is None else start if inclusive_of_start else start + 1
        condition, matched = condition_of({"topic": topics} if topics else {})
        condition = f"{self.position} >= ? AND {self.position} <= ? AND {condition}"
        values = [least, MAX_INTEGER if stop is None else stop, *matched]
        return [
            KeyedNotification(*(row[name] for name in (*EVENT, self.position, "key")))
            for row in self._select_keyed(condition, values, self.position, limit)
        ]

    def _select_keyed(
        self, condition: str, values: Sequence[Any], order: str, limit: int | None
    ) -> list[Any]:
        limited = "" if limit is None else f" LIMIT {limit:d}"
        with self.datastore.single_read() as c:
            c.execute(
                f"SELECT {self.columns}, {self.position} FROM {_EVENTS}{self.join} "  # noqa: S608
                f"WHERE {condition} ORDER BY {order}{limited}",
                values,
            )
            return c.fetchall()

    max_notification_id = _again(PostgresApplicationRecorder.max_notification_id.__wrapped__)

    def next_number(self, name: str) -> int:
        """The next number under a name: greater than all assigned before.

        Not synced to the disk: the commit of the event that carries it syncs both.
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
    wanted = {(TABLES[kind], name) for kind in ROWS for name in columns_of(kind)}
    wanted |= {(FINGERPRINT_TABLE, "form"), *_lookups()}
    tables = [*TABLES.values(), FINGERPRINT_TABLE]
    # The definitions too: a table may have been dropped by hand.
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
        table = TABLES[kind]
        yield table, f"{table}_pkey"
        for lookup in kind.LOOKUPS:
            yield table, lookup_name(table, lookup)


def _insertion(table: str, stored: StoredEvent) -> tuple[str, list[Any]]:
    values = [stored.originator_id, stored.originator_version, stored.topic, stored.state]
    return _INSERT.format(table=table), values


def _following(stored: StoredEvent) -> tuple[str, list[Any]]:
    """The statement that stores an event if the one before it exists."""
    # After a failover to a standby that lacked the last events, a process may have cached versions that are gone.
    stream, before = stored.originator_id, stored.originator_version - 1
    return _INSERT_AFTER, [stream, stream, before, stored.topic, stored.state]


class PostgresSnapshotRecorder(SnapshotList, PostgresAggregateRecorder):
    """Stores snapshots, and deletes those that are too near to each other."""

    datastore: PostgresDatabase

    def create_table(self) -> None:
        """Create the table if it does not exist."""
        with self.datastore.transaction(commit=True) as c:
            c.execute(_SNAPSHOT_TABLE)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], position: int | None = None, **_: Any
    ) -> None:
        """Store snapshots, and delete those that are too near to each other; see `may_be_stored`."""
        with self.datastore.transaction(commit=True) as c:
            for stored in stored_events:
                if not may_be_stored(c, stored, position):
                    continue
                for statement, values in snapshot_replacements(_SNAPSHOTS, stored):
                    c.execute(statement, values)
                c.execute(*_insertion(_SNAPSHOTS, stored))

    select_events = _again(PostgresAggregateRecorder.select_events.__wrapped__)


class Factory(PostgresFactory):
    """The event library's factory for PostgreSQL, with our recorders and database.

    Raises:
        ValueError: the address is missing or invalid, or the environment enables the library's functions in the
            database. They append without a lock, so followers would miss events.
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        # Not by PostgresFactory, which reads each part of the address from a variable of its own.
        BaseInfrastructureFactory.__init__(self, env)
        if strtobool(self.env.get(self.POSTGRES_ENABLE_DB_FUNCTIONS) or "no"):
            raise ValueError(
                f"{self.POSTGRES_ENABLE_DB_FUNCTIONS} must not be set: the functions of the event library append "
                "without a lock, and followers would miss events"
            )
        self.datastore = PostgresDatabase(
            self.env.get(URL) or "", float(self.env.get(BUSY_SECONDS) or LOCK_SECONDS)
        )

    def application_recorder(self) -> PostgresRecorder:
        """The recorder of events and index rows."""
        recorder = PostgresRecorder(self.datastore, events_table_name=_EVENTS)
        if self.env_create_table():
            recorder.create_table()
        recorder.find_sealer(self.env.get(SEALED))
        return recorder

    def aggregate_recorder(self, purpose: str = "events") -> PostgresSnapshotRecorder:
        """The recorder of snapshots, the only purpose there is."""
        recorder = PostgresSnapshotRecorder(self.datastore, events_table_name=f"stored_{purpose}")
        if self.env_create_table():
            recorder.create_table()
        return recorder


@contextmanager
def exclusive_open(url: str) -> Iterator[None]:
    """Let one process at a time into the block, of all that open the same database.

    Raises:
        OperationalError: others have held the lock for `OPENING_SECONDS`.
    """
    until = time.monotonic() + OPENING_SECONDS
    with translated_errors(), connect_directly(url) as connection:
        # A lock of the transaction, and polled: behind a pooler, a session's lock would outlive the session, and a
        # process that waits in the server would hold a connection that the one in the block may need.
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
    """Whether a database contains a store.

    Raises:
        ValueError: it is no address.
        InterfaceError, OperationalError: the database cannot be reached, or does not let us in.
    """
    conninfo = conninfo_of(url)
    with translated_errors(), connect_directly(conninfo) as connection:
        # Not along the search path: the next schema may hold another store.
        looked = "SELECT to_regclass(quote_ident(current_schema()) || %s) IS NOT NULL"
        [(there,)] = connection.execute(looked, [f".{_EVENTS}"]).fetchall()
    return bool(there)
