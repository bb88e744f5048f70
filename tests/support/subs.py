"""Where a store names people by their subs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from albumcore_adapters.sql.database import Database

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    "postgres": "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
}
OF_PEOPLE = "directory_person"
"""The one table that may have a sub."""


def tables_with(database: Database, subs: Iterable[str]) -> set[str]:
    """The tables of which some value contains one of the subs."""
    wanted = [sub.encode() for sub in subs]
    found = set()
    with database.transaction(commit=False) as cursor:
        cursor.execute(_TABLES[database.system])
        for table in [row["name"] for row in cursor.fetchall()]:
            cursor.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            values = (_bytes(row[name]) for row in cursor.fetchall() for name in columns)
            content = b"\n".join(values)
            if any(sub in content for sub in wanted):
                found.add(table)
    return found


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
