"""What is in the database behind a store, read and changed past the store."""

from __future__ import annotations

from typing import Any

from albumcore import Albumcore
from albumcore_adapters.store import database_of

INTO_EVENTS = "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
"""Begins a statement that stores an event past the store."""


def query(app: Albumcore, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows that a statement finds."""
    with database_of(app).transaction(commit=False) as cursor:
        cursor.execute(statement, values)
        return [tuple(row[name] for name in row.keys()) for row in cursor.fetchall()]  # noqa: SIM118


def tamper(app: Albumcore, statement: str, *values: Any) -> None:
    """Change the database as nobody should."""
    with database_of(app).transaction(commit=True) as cursor:
        cursor.execute(statement, values)
