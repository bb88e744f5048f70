"""The databases' own checks: SQLite's `integrity_check`, and `amcheck` of PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import frozen
from eventsourcing.persistence import PersistenceError

from albumcore_adapters.sql.faults import StoreDamaged, fault_of_sqlite

_MOST = 1000
"""The most lines that SQLite reports of a damaged database."""

# The extension may be in another schema than ours, which alone is in the search path.
_INSTALLED = (
    "SELECT quote_ident(nspname) AS schema FROM pg_extension"
    " JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'amcheck'"
)
_INDEXES = (
    "SELECT lookup.oid AS oid, lookup.relname AS name FROM pg_index"
    " JOIN pg_class AS lookup ON lookup.oid = indexrelid"
    " JOIN pg_am ON pg_am.oid = lookup.relam"
    " JOIN pg_namespace ON pg_namespace.oid = lookup.relnamespace"
    " WHERE amname = 'btree' AND indisvalid AND nspname = current_schema() ORDER BY name"
)


class Unreadable(Exception):
    """A database cannot be read without writing beside it, and its directory is read-only."""


@frozen
class Checked:
    """The result of a database's own check.

    Attributes:
        problems: A line for each inconsistency.
        left_out: What could not be checked, and why, as a sentence; None if nothing.
    """

    problems: list[str]
    left_out: str | None = None


def address_to_read(file: Path) -> str:
    """The URI with which SQLite reads a file and writes nothing, neither to it nor beside it.

    Raises:
        Unreadable: changes lie in a write-ahead log beside it, and its directory is read-only.
    """
    file = file.absolute()
    log = file.with_name(f"{file.name}-wal")
    if not log.exists():
        return f"{file.as_uri()}?mode=ro&immutable=1"
    if os.access(file.parent, os.W_OK):
        # A service may be running: with the write-ahead log, its commits are read in one snapshot.
        return f"{file.as_uri()}?mode=ro"
    if log.stat().st_size:
        raise Unreadable(
            f"{file.parent} is read-only, and {log.name} holds changes that SQLite reads from a writable directory "
            "alone: copy the directory, and verify the copy"
        )
    return f"{file.as_uri()}?mode=ro&immutable=1"


def check_sqlite(file: Path) -> Checked:
    """Check a file by SQLite: every page, every index against its table, every foreign key.

    Raises:
        Unreadable: as by `address_to_read`.
        StoreError: it is not a database, or cannot be opened.
    """
    found: list[str] = []
    try:
        with closing(sqlite3.connect(address_to_read(file), uri=True)) as connection:
            # A damaged name may not be valid text.
            connection.text_factory = lambda told: told.decode(errors="backslashreplace")
            # Line by line: the check itself may stop at a page that it cannot read.
            for [told] in connection.execute(f"PRAGMA integrity_check({_MOST})"):
                found += [line for line in told.splitlines() if told != "ok"]
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
                found.append(f"{table} row {row}: it refers to a row of {parent} that is not there")
    except sqlite3.Error as error:
        fault = fault_of_sqlite(error) or PersistenceError
        if fault is not StoreDamaged or not (found or _has_header(file)):
            raise fault(error) from error
        found.append(str(error))
    except UnicodeDecodeError as error:
        found.append(f"a name in it is no text: {error}")
    return Checked([f"database: {line}" for line in found])


def _has_header(file: Path) -> bool:
    """Whether a file has the header of an SQLite database."""
    with file.open("rb") as opened:
        return opened.read(16) == b"SQLite format 3\0"


def check_postgres(database: Any) -> Checked:
    """Check our indexes by PostgreSQL, each against its table, if the extension `amcheck` is available.

    The extension is created if it is missing and the user may create it, and everything is rolled back.
    """
    found: list[str] = []
    with database.transaction(commit=False) as c:
        # An index is checked by one statement, however large it is.
        c.execute("SET LOCAL statement_timeout = 0")
        c.execute(_INSTALLED)
        installed = c.fetchone()
        try:
            if installed is None:
                c.execute("CREATE EXTENSION amcheck")
                c.execute(_INSTALLED)
                installed = c.fetchone()
            schema = installed["schema"]
            c.execute(_INDEXES)
            for index in c.fetchall():
                c.execute("SAVEPOINT checking")
                try:
                    c.execute(
                        f"SELECT {schema}.bt_index_check(?::oid::regclass, true)", [index["oid"]]
                    )
                except StoreDamaged as error:
                    found.append(f"database: {index['name']}: {error}")
                c.execute("ROLLBACK TO SAVEPOINT checking")
        except PersistenceError as error:
            return Checked(
                found,
                f"the indexes of PostgreSQL were not checked, for amcheck cannot be used: {error}",
            )
    return Checked(found)
