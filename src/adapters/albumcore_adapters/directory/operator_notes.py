"""Notes of a store for its operator, in the database that its machines share: they are not of the history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from albumcore.times import in_utc
from albumcore_adapters.base.secret import secret_fingerprint
from albumcore_adapters.sql.database import Cursor, Database

NOTES_TABLE = "operator_note"
"""The table of the notes. It is not transferred: they are about one place."""

_SECRET = "secret_fingerprint"  # noqa: S105 - the name of a note
_BACKUP = "last_backup"


def noted_secret(database: Database) -> str | None:
    """Return the fingerprint of the secret that the store is served with; None before it is first opened."""
    return _get(database, _SECRET)


def note_secret(database: Database, secret: bytes) -> None:
    """Note the fingerprint of the secret that the store is served with from now on."""
    _set(database, _SECRET, secret_fingerprint(secret), lambda former: True)


def note_first_secret(database: Database, secret: bytes) -> None:
    """Note the fingerprint of a secret, if none is noted yet."""
    if _get(database, _SECRET) is None:
        _set(database, _SECRET, secret_fingerprint(secret), lambda former: former is None)


def last_backup(database: Database) -> datetime | None:
    """Return when the newest backup was begun that `albumcore backup` has made; None if it has made none."""
    found = _get(database, _BACKUP)
    return None if found is None else datetime.fromisoformat(found)


def note_backup(database: Database, begun_at: datetime) -> None:
    """Note that a backup is complete."""
    text = in_utc(begun_at).isoformat(timespec="microseconds")
    _set(database, _BACKUP, text, lambda former: former is None or former < text)


def _get(database: Database, name: str) -> str | None:
    with database.single_read() as cursor:
        return _found(cursor, name)


def _set(database: Database, name: str, value: str, replaces: Callable[[str | None], bool]) -> None:
    with database.transaction(commit=True) as cursor:
        if replaces(_found(cursor, name)):
            cursor.execute(f"DELETE FROM {NOTES_TABLE} WHERE name = ?", (name,))  # noqa: S608
            cursor.execute(f"INSERT INTO {NOTES_TABLE} (name, value) VALUES (?, ?)", (name, value))  # noqa: S608


def _found(cursor: Cursor, name: str) -> str | None:
    cursor.execute(f"SELECT value FROM {NOTES_TABLE} WHERE name = ?", (name,))  # noqa: S608
    row = cursor.fetchone()
    return None if row is None else str(row["value"])
