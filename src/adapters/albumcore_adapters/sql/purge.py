"""Purging a database: what was deleted or replaced leaves its files too, while others go on using it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from contextlib import closing
from importlib import import_module
from typing import Any, cast

from attrs import frozen

from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.sqlite import SQLiteDatabase

_BUSY_MILLISECONDS = 100
"""How long one attempt waits for readers. Writers wait for the attempt meanwhile."""

_PAUSE = 0.1
"""Seconds between two attempts, for writers."""


@frozen
class Purged:
    """The result of a purge.

    Attributes:
        done: A sentence for each thing that was done.
        held_up: A sentence for each thing that others prevented; a later purge may succeed.
        out_of_reach: A sentence for each thing that no purge reaches.
    """

    done: tuple[str, ...] = ()
    held_up: tuple[str, ...] = ()
    out_of_reach: tuple[str, ...] = ()


def purge(database: Database, without: Collection[str], seconds: float) -> Purged:
    """Remove from the files of a database what was deleted from it or replaced in it.

    SQLite overwrites what is deleted (``secure_delete``), so that only its write-ahead log is left: it is copied into
    the file and truncated. On PostgreSQL, tables are rewritten by ``VACUUM FULL``.

    Args:
        database: The database; other processes may use it meanwhile.
        without: Tables of PostgreSQL that never have what must be purged, and are too large to be rewritten.
        seconds: How long to wait for those who read or write.
    """
    if database.system == "sqlite":
        return _purge_sqlite(cast(SQLiteDatabase, database), seconds)
    postgres: Any = import_module("albumcore_adapters.sql.postgres_purge")
    purged: Purged = postgres.purge_postgres(database, without, seconds)
    return purged


def _purge_sqlite(database: SQLiteDatabase, seconds: float) -> Purged:
    if database.connections.is_memory:
        return Purged()
    until = time.monotonic() + seconds
    with closing(database.connections.open()) as connection:
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        while not _truncated(connection):
            if time.monotonic() > until:
                return Purged(
                    held_up=(
                        "the write-ahead log still has older pages: a process reads an older state of the database",
                    )
                )
            time.sleep(_PAUSE)
    return Purged(done=("the write-ahead log was copied into the database and truncated",))


def _truncated(connection: sqlite3.Connection) -> bool:
    """Try once to truncate the write-ahead log."""
    [is_held, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_held
