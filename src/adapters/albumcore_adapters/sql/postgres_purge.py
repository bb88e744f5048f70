"""Purging a PostgreSQL database: tables are rewritten without the rows that were deleted or replaced."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import psycopg
from psycopg import sql

from albumcore_adapters.sql.postgres import PostgresDatabase
from albumcore_adapters.sql.purge import Purged

_LOCK_SECONDS = 2.0
"""How long one attempt waits for the lock on a table. Everyone else who wants the table waits behind it."""

_PAUSE = 0.2
"""Seconds between two attempts."""

_TABLES = (
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() "
    "AND tablename <> ALL(%s) ORDER BY tablename"
)
# A row that was deleted is copied, too, as long as a transaction may still see it.
_OLDER = (
    "SELECT count(*) AS number FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
    "AND coalesce(datname, current_database()) = current_database() "
    "AND backend_xmin IS NOT NULL AND age(backend_xmin) >= age(%s::xid8::xid)"
)

_OUT_OF_REACH = (
    "the write-ahead log of the server, its archive, and standbys with archives of their own have older pages until "
    "the server overwrites or removes them",
)


def purge_postgres(database: PostgresDatabase, without: Collection[str], seconds: float) -> Purged:
    """Rewrite all tables but some; see `albumcore_adapters.sql.purge.purge`."""
    until = time.monotonic() + seconds
    with database.maintenance(_LOCK_SECONDS) as connection:
        if not _older_readers_gone(connection, until):
            return Purged(
                held_up=(
                    "the tables were not rewritten: a transaction reads an older state of the database",
                ),
                out_of_reach=_OUT_OF_REACH,
            )
        tables = [row["name"] for row in connection.execute(_TABLES, [[*without]]).fetchall()]
        schema = database.server.schema
        locked = [one for one in tables if not _rewritten(connection, schema, one, until)]
        # Columns' most common values. The owner of the database may rewrite it; for others it is skipped.
        _rewritten(connection, "pg_catalog", "pg_statistic", until)
    done = f"{len(tables) - len(locked)} tables were rewritten"
    held_up = tuple(f"{table} was not rewritten: others use it all the time" for table in locked)
    return Purged((done,), held_up, _OUT_OF_REACH)


def _older_readers_gone(connection: psycopg.Connection[Any], until: float) -> bool:
    """Wait for the transactions that see the database as it was before now."""
    row = connection.execute("SELECT pg_current_xact_id()::text AS xid").fetchone()
    assert row is not None
    while True:
        found = connection.execute(_OLDER, [row["xid"]]).fetchone()
        if found is not None and not found["number"]:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(_PAUSE)


def _rewritten(connection: psycopg.Connection[Any], schema: str, table: str, until: float) -> bool:
    """Rewrite a table, with its indexes and statistics; False if its lock could not be had in time."""
    analyze = "" if schema == "pg_catalog" else ", ANALYZE"
    rewrite = sql.SQL(f"VACUUM (FULL{analyze}) {{}}").format(sql.Identifier(schema, table))
    while True:
        try:
            connection.execute(rewrite)
            return True
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE)
