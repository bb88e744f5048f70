"""The tables of a store, all but those that are made from its events: numbered migrations, run when it is opened.

A database has one schema version: how many of the `MIGRATIONS` it has been through. A new one has been through none,
and is made by the same path. SQLite keeps the number in ``PRAGMA user_version``, PostgreSQL in the one row of
``store_version``.

To add a column or a table, add a migration at the end. One that was released stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from eventsourcing.persistence import PersistenceError

from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.schema_v1 import (
    fold_patients,
    make_tables,
    note_claims,
    statements,
)


class NewerStore(PersistenceError):
    """A newer release wrote the store: this one does not know its tables, and leaves them alone."""


@frozen
class _System:
    """What SQLite and PostgreSQL say in words of their own.

    Attributes:
        is_there: Finds a table by its name.
        first: Makes room for the number, with 0 in it.
        number: Finds it, as ``version``.
        note: Sets it.
        position: The column, in version 1, by which events are in the order in which they were recorded.
    """

    is_there: str
    first: str
    number: str
    note: str
    position: str


_SYSTEMS = {
    "sqlite": _System(
        is_there="SELECT 1 AS one FROM sqlite_master WHERE type = 'table' AND name = ?",
        first="",
        number="SELECT user_version AS version FROM pragma_user_version",
        note="PRAGMA user_version = {}",
        position="rowid",
    ),
    "postgres": _System(
        is_there="SELECT 1 AS one FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?",
        first="CREATE TABLE IF NOT EXISTS store_version (version INTEGER NOT NULL);"
        "INSERT INTO store_version VALUES (0)",
        number="SELECT version FROM store_version",
        note="UPDATE store_version SET version = {}",
        position="notification_id",
    ),
}

Migration = Callable[[Any, str], None]
"""Changes the tables, by a cursor of a transaction that is kept, on ``sqlite`` or ``postgres``."""


def _from_no_version(cursor: Any, system: str) -> None:
    """Make the tables. A store that was made before there were versions has some, or all, of them."""
    words = _SYSTEMS[system]
    knows_no_claims = _is_there(cursor, system, "directory_series") and not _is_there(
        cursor, system, "directory_claim"
    )
    for statement in statements(words.first):
        cursor.execute(statement)
    make_tables(cursor, system)
    fold_patients(cursor)
    if knows_no_claims:
        note_claims(cursor, words.position)


_EVENTS = """
CREATE TABLE stored_events (
    originator_id TEXT,
    originator_version INTEGER,
    topic TEXT,
    state BLOB,
    notification_id INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE (originator_id, originator_version)
);
"""
_FORMER = "ALTER TABLE stored_events RENAME TO former_events;"
_MOVE = """
INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id)
    SELECT originator_id, originator_version, topic, state, rowid FROM former_events ORDER BY rowid;
DROP TABLE former_events;
"""
_GIVEN = """
INSERT INTO sqlite_sequence (name, seq) SELECT 'stored_events', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'stored_events');
UPDATE sqlite_sequence SET seq = max(seq, (SELECT coalesce(max(position), 0) FROM webhook_position))
    WHERE name = 'stored_events';
"""


def _positions_in_a_column(cursor: Any, system: str) -> None:
    """Keep positions in a column on SQLite, so that none is given twice; the implicit ones could be."""
    if system != "sqlite":
        return
    cursor.execute("SELECT 1 AS one FROM stored_events LIMIT 1")
    # To rename a table is to read all definitions anew, which would be most of what a new store costs.
    is_new = cursor.fetchone() is None
    script = f"DROP TABLE stored_events; {_EVENTS}" if is_new else _FORMER + _EVENTS + _MOVE
    # A position that webhooks have come to is not given again, even if its event was deleted before.
    for statement in statements(script + _GIVEN):
        cursor.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (
    _from_no_version,  # 1
    _positions_in_a_column,  # 2
)
"""What makes a store of version 1 of a new one, a store of version 2 of that, and so on."""


def schema_version(database: Database) -> int:
    """How many migrations a database has been through; 0 where it is empty, or older than versions are."""
    with database.transaction(commit=False) as cursor:
        return _version(cursor, database.system)


def migrate(database: Database) -> None:
    """Bring a database to the version of this code, one migration in each transaction, with its number.

    Whatever ends it on the way, the next call goes on from there. Several processes may call it at once.

    Raises:
        NewerStore: it has been through more than are known here. Nothing is changed.
        PersistenceError: the database does not do its part. It is as the last whole migration has left it.
    """
    version = schema_version(database)
    while version < len(MIGRATIONS):
        with database.transaction(commit=True) as cursor:
            # What is written first takes the turn on SQLite already; another process may have migrated meanwhile.
            version = _version(cursor, database.system)
            if version < len(MIGRATIONS):
                MIGRATIONS[version](cursor, database.system)
                version += 1
                cursor.execute(_SYSTEMS[database.system].note.format(version))
    _check(version)


def is_migrated(database: Database) -> bool:
    """Whether a database has been through all migrations that are known here.

    Raises:
        NewerStore: it has been through more.
    """
    version = schema_version(database)
    _check(version)
    return version == len(MIGRATIONS)


def _check(version: int) -> None:
    if version > len(MIGRATIONS):
        raise NewerStore(
            f"a newer albumcore wrote the store: its schema version is {version}, "
            f"and this release knows none past {len(MIGRATIONS)}"
        )


def _is_there(cursor: Any, system: str, table: str) -> bool:
    cursor.execute(_SYSTEMS[system].is_there, [table])
    return cursor.fetchone() is not None


def _version(cursor: Any, system: str) -> int:
    if system == "postgres" and not _is_there(cursor, system, "store_version"):
        return 0
    cursor.execute(_SYSTEMS[system].number)
    return int(cursor.fetchone()["version"])
