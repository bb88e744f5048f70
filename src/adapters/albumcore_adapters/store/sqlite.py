"""The event store on SQLite: the event library's recorders, with index rows in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import IntegrityError, Notification, StoredEvent
from eventsourcing.sqlite import (
    SQLiteAggregateRecorder,
    SQLiteApplicationRecorder,
    SQLiteFactory,
)
from eventsourcing.utils import Environment, EnvType

from albumcore.commands import BUSY_SECONDS, SEALED
from albumcore.index import Change
from albumcore.sealing import KeyedNotification
from albumcore_adapters.sql.database import LOCK_SECONDS, MAX_INTEGER
from albumcore_adapters.sql.open_lock import OpenLock
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store.recorder import (
    EVENT,
    FINGERPRINT_TABLE,
    IndexRecorder,
    index_tables,
    last_number,
)
from albumcore_adapters.store.rows import (
    TABLES,
    condition_of,
    index_fingerprint,
)
from albumcore_adapters.store.snapshots import SnapshotList, may_be_stored, snapshot_replacements
from albumcore_adapters.store.stored_tuples import keyed_tuple, stored_tuple

_FORMER = ("feed_row", "feed_series_row")
"""Index tables of older releases. Without them, an older process cannot append and leave the new ones out."""


_EVENT = ", ".join(EVENT)


class SQLiteRecorder(IndexRecorder, SQLiteApplicationRecorder):
    """Appends events and the changes of index rows that they lead to, in one transaction."""

    datastore: SQLiteDatabase

    def __init__(self, datastore: Any, events_table_name: str = "stored_events") -> None:
        super().__init__(datastore, events_table_name)
        self.insert_events_statement = (
            f"INSERT INTO {self.events_table_name} ({_EVENT}) VALUES (?, ?, ?, ?)"  # noqa: S608
        )
        self.select_max_notification_id_statement = (
            f"SELECT max({self.position}) FROM {self.events_table_name}"  # noqa: S608
        )
        self._is_there = (
            f"SELECT 1 FROM {self.events_table_name} "  # noqa: S608
            "WHERE originator_id = ? AND originator_version = ?"
        )

    def has_current_index(self) -> bool:
        """Whether the index tables exist, are defined as this code defines them, and have its fingerprint."""
        wanted = {statement.replace(" IF NOT EXISTS", "") for statement in index_tables()}
        with self.datastore.transaction(commit=False) as c:
            c.execute("SELECT sql FROM sqlite_master")
            # The definitions too: an older release may have recreated tables since the fingerprint was written.
            if not wanted <= {row["sql"] for row in c.fetchall()}:
                return False
            c.execute(f"SELECT form FROM {FINGERPRINT_TABLE}")  # noqa: S608
            return [row["form"] for row in c.fetchall()] == [index_fingerprint()]

    def insert_events(
        self, stored_events: Sequence[StoredEvent], changes: Iterable[Change] = (), **kwargs: Any
    ) -> Sequence[int] | None:
        """Append events, and apply the changes of rows that they lead to, in one transaction.

        Raises:
            IntegrityError: a version exists, or the one before it does not (optimistic concurrency); or the key of a
                row exists.
        """
        positions = []
        with self.datastore.transaction(commit=True) as c:
            first = next(iter(stored_events), None)
            if first is not None and first.originator_version > 1:
                # After a restore, a process may have cached versions that no longer exist.
                c.execute(self._is_there, (first.originator_id, first.originator_version - 1))
                if c.fetchone() is None:
                    raise IntegrityError("the version before it is not there")
            for one in stored_events:
                row = (one.originator_id, one.originator_version, one.topic, one.state)
                c.execute(self.insert_events_statement, row)
                positions.append(c.lastrowid or 0)
            if self.sealer is not None:
                self.insert_keys(c, stored_events)
            self.apply(c, changes)
        return positions

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Stored events of a stream, as the library's method returns them; faster."""
        matched = [originator_id, gt or 0, MAX_INTEGER if lte is None else lte]
        with self.datastore.transaction(commit=False) as c:
            c.row_factory = None  # rows as tuples
            c.execute(
                f"SELECT {self.columns} FROM {self.events_table_name}{self.join} "  # noqa: S608
                "WHERE originator_id = ? AND originator_version > ? AND originator_version <= ? "
                f"ORDER BY originator_version {'DESC' if desc else 'ASC'} LIMIT ?",
                [*matched, -1 if limit is None else limit],
            )
            made = stored_tuple if self.sealer is None else keyed_tuple
            found: list[Any] = [*map(made, c.fetchall())]
            return found

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Stored events of all streams by position, as the library's method returns them."""
        least = 0 if start is None else start if inclusive_of_start else start + 1
        condition, matched = condition_of({"topic": topics} if topics else {})
        with self.datastore.transaction(commit=False) as c:
            c.row_factory = None  # rows as tuples
            c.execute(
                f"SELECT {_EVENT}, {self.position}{', key' if self.sealer else ''} "  # noqa: S608
                f"FROM {self.events_table_name}{self.join} "
                f"WHERE {self.position} >= ? AND {self.position} <= ? AND {condition} "
                f"ORDER BY {self.position} LIMIT ?",
                [least, MAX_INTEGER if stop is None else stop, *matched, limit],
            )
            kind = Notification if self.sealer is None else KeyedNotification
            return [kind(*row) for row in c.fetchall()]

    def next_number(self, name: str) -> int:
        """The next number under a name: greater than all assigned before.

        Not synced to the disk: the commit of the event that carries it syncs both.
        """
        with self.datastore.unsynced() as c:
            c.execute(
                "INSERT INTO numbers VALUES (?, 1) "
                "ON CONFLICT (name) DO UPDATE SET given = numbers.given + 1",
                [name],
            )
            # Not RETURNING: Python 3.11 runs with versions of SQLite without it.
            return last_number(c, name)

    @contextmanager
    def rebuild_transaction(self) -> Iterator[tuple[Any, Any]]:
        """A transaction under the write lock, for reads and writes by one cursor."""
        with self.datastore.transaction(commit=True) as c:
            yield c, c

    def write_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """Make this thread's reads and appends in the block one transaction, under the write lock."""
        return self.datastore.ambient(self.datastore.write_transaction(seconds))

    def exclusive_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """The same: SQLite has one writer."""
        return self.write_transaction(seconds)

    def clear_tables(self, c: Any) -> None:
        """Drop and create the index tables."""
        for table in (*TABLES.values(), FINGERPRINT_TABLE, *_FORMER):
            c.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in index_tables():
            c.execute(statement)


class SQLiteSnapshotRecorder(SnapshotList, SQLiteAggregateRecorder):
    """Stores snapshots, and deletes those that are too near to each other."""

    datastore: SQLiteDatabase

    def _insert_events(
        self, c: Any, stored_events: Sequence[StoredEvent], position: int | None = None, **_: Any
    ) -> Sequence[int] | None:
        stored_events = [one for one in stored_events if may_be_stored(c, one, position)]
        for stored in stored_events:
            for statement, values in snapshot_replacements(self.events_table_name, stored):
                c.execute(statement, values)
        return super()._insert_events(c, stored_events)


class Factory(SQLiteFactory):
    """The event library's factory for SQLite, with our recorders and database."""

    aggregate_recorder_class = SQLiteSnapshotRecorder
    application_recorder_class = SQLiteRecorder
    lock: OpenLock | None = None

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self.datastore: SQLiteDatabase = SQLiteDatabase(
            self.datastore.pool.db_name, float(self.env.get(BUSY_SECONDS) or LOCK_SECONDS)
        )

    def application_recorder(self) -> SQLiteRecorder:
        """The recorder of events and index rows."""
        recorder = cast(SQLiteRecorder, super().application_recorder())
        recorder.find_sealer(self.env.get(SEALED))
        return recorder

    def close(self) -> None:
        """Close every connection, and release the lock by which the store counts as open."""
        super().close()
        if self.lock is not None:
            self.lock.close()
