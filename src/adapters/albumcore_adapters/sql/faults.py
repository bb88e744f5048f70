"""Faults that an administrator has to repair: a full disk, a replaced file, damage; by the databases' error codes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from eventsourcing.persistence import DatabaseError, OperationalError, PersistenceError


class StoreFull(OperationalError):
    """The database has no space left, on its disk or in a quota. Nothing was recorded."""


class StoreReplaced(OperationalError):
    """The database file was replaced or removed since it was opened. The process has to be restarted."""


class StoreDamaged(DatabaseError):
    """The database is corrupt, or is no database any more."""


REPLACED = "the database file was replaced or removed while it was open: restart the service"
DAMAGED = "the database is damaged: stop the service, and run `albumcore verify`"

_OF_SQLITE: Mapping[int, type[PersistenceError]] = {
    sqlite3.SQLITE_FULL: StoreFull,
    # The index of the write-ahead log could not be extended.
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
    """The fault that an error of SQLite means, if any."""
    # Errors of the module itself, such as that of a closed connection, have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return _OF_SQLITE.get(code) or _OF_SQLITE.get(code & 0xFF)


def fault_of_postgres(sqlstate: str | None) -> type[PersistenceError] | None:
    """The fault that an SQLSTATE of PostgreSQL means, if any."""
    return _OF_POSTGRES.get(sqlstate)
