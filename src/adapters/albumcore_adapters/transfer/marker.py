"""The mark on a store that is being copied into: until it is whole, nobody else is to open it."""

from __future__ import annotations

from datetime import datetime

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database

TABLE = "unfinished_copy"


def is_unfinished(database: Database) -> bool:
    """Whether a copy into this database has begun and not come to its end."""
    with database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT begun_at FROM {TABLE}")  # noqa: S608
        return bool(cursor.fetchall())


def mark_unfinished(database: Database, at: datetime) -> None:
    """Have it count as unfinished from now on."""
    with database.transaction(commit=True) as cursor:
        begun = in_utc("at", at).isoformat()
        cursor.execute(f"INSERT INTO {TABLE} (begun_at) VALUES (?)", (begun,))  # noqa: S608


def mark_finished(database: Database) -> None:
    """Have it count as whole."""
    with database.transaction(commit=True) as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")  # noqa: S608
