"""The database: whether it is there, of which version and form, and how many connections it takes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any

from attrs import frozen

from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.doctor.findings import Finding
from albumcore_adapters.sql.database import Database, Row
from albumcore_adapters.sql.migrations import MIGRATIONS, schema_version
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store.configured import NoStore, require_store
from albumcore_adapters.transfer.marker import is_unfinished

_SERVER = "SELECT version() AS version"
_COLLATION = """
SELECT datname AS name, datcollversion AS made, pg_database_collation_actual_version(oid) AS now
FROM pg_database WHERE datname = current_database()
"""
_COLLATION_SINCE = 15
_ROOM = """
SELECT current_setting('server_version_num')::integer / 10000 AS major,
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true)::integer, 0) AS server,
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role,
    (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database
"""


@frozen
class Workers:
    """What the service needs of a database.

    Attributes:
        number: Its worker processes.
        threads: The threads of each that use the database to answer requests.
        connections: The most connections that each opens.
    """

    number: int
    threads: int
    connections: int


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database of an existing store, until the end of the block. No table is made or changed.

    Raises:
        NoStore: there is no store.
        SettingsError, StoreError: it cannot be opened.
    """
    require_store(settings)
    database: Any
    if settings.database is None:
        database = SQLiteDatabase((settings.data.absolute() / DATABASE_FILE).as_uri())
    else:
        postgres = import_module("albumcore_adapters.sql.postgres")
        database = postgres.PostgresDatabase(settings.database)
    with closing(database):
        yield database


def unreachable(settings: Settings, error: Exception) -> Finding:
    """Return the finding of a database that cannot be opened, or read."""
    reason = " ".join(str(error).split()).removesuffix(".")
    if isinstance(error, NoStore):
        todo = "start `albumcore serve`, which makes one, or name the right place"
    elif settings.database is None:
        todo = f"see that {settings.data} is the right directory, then run `albumcore verify`"
    else:
        todo = "see that PostgreSQL runs, and that ALBUMCORE_DATABASE names it and a user that it lets in"
    return Finding("database", "problem", f"The database cannot be used ({reason}): {todo}.")


def form(database: Database) -> Iterator[Finding]:
    """Examine the version of the database, and that of its tables."""
    version, newest = schema_version(database), len(MIGRATIONS)
    if version > newest:
        sentence = (
            f"A newer albumcore wrote the store: its tables are of version {version}, and this release knows {newest}: "
            "install that release."
        )
        yield Finding("database", "problem", sentence)
    elif version < newest:
        sentence = (
            f"The tables are of version {version}, and this release has version {newest}: start the service, which "
            "changes them, after a backup."
        )
        yield Finding("database", "problem", sentence)
    elif is_unfinished(database):
        sentence = (
            "The store is an unfinished copy or restore: run `albumcore copy` again to its end, or restore into an "
            "empty database."
        )
        yield Finding("database", "problem", sentence)
    else:
        sentence = f"{_system(database)} answers, with UTF-8 and tables of version {version}."
        yield Finding("database", "fine", sentence)
    if database.system == "postgres":
        yield from _collation(database)


def connections(database: Database, workers: Workers) -> Finding:
    """Compare the connections that the workers may open with those that the server admits."""
    if database.system == "sqlite":
        return Finding(
            "connections", "fine", "SQLite takes as many connections as there are threads."
        )
    if database.server.is_pooled:  # type: ignore[attr-defined]
        sentence = "A pooler stands before the database, and how many connections it admits is in its configuration."
        return Finding("connections", "left out", sentence)
    room = _row(database, _ROOM)
    admitted = min(
        limit for limit in (room["server"], room["role"], room["database"]) if limit >= 0
    )
    needed = workers.number * workers.connections
    each = f"each of {workers.number} workers, with {workers.threads} threads, may open {workers.connections}"
    if needed > admitted:
        sentence = (
            f"The workers of this machine may open {needed} connections ({each}), and the database admits {admitted} "
            "for all machines: raise max_connections, or the limit of the role or the database, or lower "
            "ALBUMCORE_WORKERS."
        )
        return Finding("connections", "problem", sentence)
    sentence = f"The database admits {admitted} connections, and this machine needs {needed} at most: {each}."
    return Finding("connections", "fine", sentence)


def _system(database: Database) -> str:
    if database.system == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    return " ".join(str(_row(database, _SERVER)["version"]).split()[:2])


def _collation(database: Database) -> Iterator[Finding]:
    """Examine whether the system sorts texts as it did when the database was made: its indexes are sorted so."""
    if _row(database, _ROOM)["major"] < _COLLATION_SINCE:
        return
    found = _row(database, _COLLATION)
    if found["made"] != found["now"]:
        name = found["name"]
        sentence = (
            f"The system sorts texts otherwise than when the database was made (collation {found['made']}, now "
            f"{found['now']}), and indexes may miss rows: stop the service, then run REINDEX DATABASE {name} and "
            f"ALTER DATABASE {name} REFRESH COLLATION VERSION."
        )
        yield Finding("database", "problem", sentence)


def _row(database: Database, select: str) -> Row:
    with database.single_read() as cursor:
        cursor.execute(select)
        [row] = cursor.fetchall()
        found: Row = row
        return found
