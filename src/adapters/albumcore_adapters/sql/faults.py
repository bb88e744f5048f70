"""Failures of a database that its administrator has to mend, told apart from all others by the database's own codes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from eventsourcing.persistence import DatabaseError, OperationalError, PersistenceError


class StoreFull(OperationalError):
    """There is no room left for the database, on its disk or within a quota. Nothing was recorded."""


class StoreReplaced(OperationalError):
    """The database file was replaced or removed since it was opened. Only a process that opens it anew can go on."""


class StoreDamaged(DatabaseError):
    """The database is damaged: it does not hold together, or is no database any more."""


REPLACED = "the database file was replaced or removed while it was open: restart the service"
DAMAGED = "the database is damaged: stop the service, and run `albumcore verify`"

_OF_SQLITE: Mapping[int, type[PersistenceError]] = {
    sqlite3.SQLITE_FULL: StoreFull,
    # The index of the write-ahead log could not be made longer.
    sqlite3.SQLITE_IOERR_SHMSIZE: StoreFull,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
}
_OF_POSTGRES: Mapping[str | None, type[PersistenceError]] = {
    "53100": StoreFull,  # disk_full
    "XX001": StoreDamaged,  # data_corrupted
    "XX002": StoreDamaged,  # index_corrupted
}


def fault_of_sqlite(error: sqlite3.Error) -> type[PersistenceError] | None:
    """Which of these failures an error of SQLite is, if any."""
    # Errors of the module itself, such as that of a closed connection, have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return _OF_SQLITE.get(code) or _OF_SQLITE.get(code & 0xFF)


def fault_of_postgres(sqlstate: str | None) -> type[PersistenceError] | None:
    """Which of these failures an SQLSTATE of PostgreSQL stands for, if any."""
    return _OF_POSTGRES.get(sqlstate)
