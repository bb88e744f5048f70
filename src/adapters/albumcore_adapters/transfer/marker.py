"""The marks of a transfer that was cut off: a store that bears one is not opened.

A copy, or a restore into PostgreSQL, marks its target in a table until the target is complete. A restore of a data
directory, cut off between its two renames, leaves ``<data>.before-restore`` and no data directory.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from albumcore.times import in_utc
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store.configured import NoStore, store_exists

TABLE = "unfinished_copy"


class UnfinishedCopy(NoStore):
    """The store is incomplete: a copy into it, or a restore, was cut off."""


def is_unfinished(database: Database) -> bool:
    """Return whether a copy into this database has begun and is not complete."""
    with database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT begun_at FROM {TABLE}")  # noqa: S608
        return bool(cursor.fetchall())


def mark_unfinished(database: Database, at: datetime) -> None:
    """Mark the database as the target of a copy that begins."""
    with database.transaction(commit=True) as cursor:
        begun = in_utc(at).isoformat()
        cursor.execute(f"INSERT INTO {TABLE} (begun_at) VALUES (?)", (begun,))  # noqa: S608


def mark_finished(database: Database) -> None:
    """Remove the mark: the copy is complete."""
    with database.transaction(commit=True) as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")  # noqa: S608


def refuse_unfinished_copy(database: Database) -> None:
    """Check that an open store is complete.

    Raises:
        UnfinishedCopy: it bears the mark of a copy.
    """
    if is_unfinished(database):
        raise UnfinishedCopy(
            "the store is an unfinished copy: run `albumcore copy` again, to its end"
        )


def refuse_unfinished_restore(settings: Settings) -> None:
    """Check, before a store is opened, that no restore of the data directory was cut off.

    Raises:
        UnfinishedCopy: the data directory is missing, and the one that a restore renamed is beside its place.
    """
    old = before_restore(settings.data)
    if settings.database is None and old.exists() and not store_exists(settings):
        raise UnfinishedCopy(
            f"{settings.data} is missing, and {old} is there: a restore was cut off between two renames. "
            f"Run `albumcore restore` again, or rename {old.name} back"
        )


def before_restore(data: Path) -> Path:
    """Return where a restore leaves the data directory that it replaces."""
    data = data.resolve()
    return data.with_name(f"{data.name}.before-restore")
