"""Which tables are transferred, and how the rows of one database are made equal to those of another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cache, partial
from itertools import islice
from typing import Any, TypeAlias

from attrs import frozen

from albumcore_adapters.directory.operator_notes import NOTES_TABLE
from albumcore_adapters.store import (
    StoreError,
    StoreUnavailable,
    database_of,
    open_memory,
)
from albumcore_adapters.store.rows import TABLES
from albumcore_adapters.store.sealing import SEALED_TABLE
from albumcore_adapters.transfer.endpoint import Endpoint
from albumcore_adapters.transfer.marker import TABLE as MARKER

BATCH = 500
"""Rows that are read by one statement, or written in one transaction."""

RowValues: TypeAlias = tuple[Any, ...]

REBUILT = ("form_of_rows", "stored_snapshots", *TABLES.values())
"""Tables that are derived from the events, and rebuilt from them when the first is empty."""

SHORT_LIVED = (
    "directory_event_key",
    "directory_person",
    "directory_account",
    "directory_patient",
    "directory_deleted_patient",
    "directory_study",
    "directory_series",
    "directory_instance",
    "directory_stored_instance",
    "directory_header",
    "directory_thumbnail",
    "webhook_known",
    "webhook_secret",
    "webhook_trigger",
)
"""Tables with names, texts, keys and secrets: without them, a sealed store has pseudonyms, ids and numbers only."""

_LEFT_OUT = {*REBUILT, MARKER, NOTES_TABLE}

_NEVER_EMPTY = {"numbers", "webhook_position", SEALED_TABLE}
"""Tables that have a row in a new store."""


class UnstorableRow(Exception):
    """The target database does not accept a row of the source."""


@frozen
class Table:
    """A table that is transferred.

    Attributes:
        name: Its name.
        key: The columns of the primary key, by which its rows are ordered.
        columns: All columns, those of the key first.
        identity: The column whose values the database generates, or None.
        numbers: The columns of integers.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    identity: str | None = None
    numbers: frozenset[str] = frozenset()

    def key_of(self, row: RowValues) -> RowValues:
        """Return the primary key of a row."""
        return row[: len(self.key)]


EVENT_TABLE = Table(
    "stored_events",
    ("position",),
    ("position", "originator_id", "originator_version", "topic", "state"),
    "position",
)
"""The events. ``position`` stands for a column that each database names differently, see `column_name`."""


@cache
def tables_beside_events() -> tuple[Table, ...]:
    """Return every table of a store except for the events, what is derived from them, and notes about the place.

    The schema of a new store is the list: a table is transferred from the release on that introduces it.
    """
    store = open_memory()
    try:
        database = database_of(store)
        with database.transaction(commit=False) as cursor:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name"
            )
            names = [row["name"] for row in cursor.fetchall()]
            found = []
            for name in names:
                if name not in _LEFT_OUT and name != EVENT_TABLE.name:
                    cursor.execute("SELECT name, type, pk FROM pragma_table_info(?)", [name])
                    found.append(_table(name, cursor.fetchall()))
    finally:
        store.close()
    return tuple(found)


def transferred_tables() -> tuple[Table, ...]:
    """Return the events and every table beside them."""
    return EVENT_TABLE, *tables_beside_events()


def _table(name: str, columns: list[Any]) -> Table:
    in_key = sorted((one for one in columns if one["pk"]), key=lambda one: one["pk"])
    key = tuple(one["name"] for one in in_key)
    rest = tuple(one["name"] for one in columns if not one["pk"])
    numbers = frozenset(one["name"] for one in columns if one["type"] == "INTEGER")
    has_identity = len(key) == 1 and key[0] in numbers
    return Table(name, key, key + rest, key[0] if has_identity else None, numbers)


# Reading


def rows(endpoint: Endpoint, table: Table, after: RowValues | None = None) -> Iterator[RowValues]:
    """Yield the rows of a table in the order of their keys, those after a key if it is given; `BATCH` rows a query."""
    names = {column: _quoted(endpoint, table, column) for column in table.columns}
    key = ", ".join(names[column] for column in table.key)
    shown = ", ".join(f'{name} AS "{column}"' for column, name in names.items())
    marks = ", ".join("?" * len(table.key))
    select = f"SELECT {shown} FROM {table.name}"  # noqa: S608
    while True:
        past = "" if after is None else f" WHERE ({key}) > ({marks})"
        with endpoint.database.transaction(commit=False) as cursor:
            cursor.execute(f"{select}{past} ORDER BY {key} LIMIT {BATCH}", after or ())
            found = [tuple(row[column] for column in table.columns) for row in cursor.fetchall()]
        yield from found
        if len(found) < BATCH:
            return
        after = table.key_of(found[-1])


def newest_event(endpoint: Endpoint) -> RowValues | None:
    """Return the row of the event that was recorded last."""
    position = endpoint.statements.position
    with endpoint.database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT max({position}) AS last FROM {EVENT_TABLE.name}")  # noqa: S608
        [row] = cursor.fetchall()
    last: int | None = row["last"]
    return None if last is None else next(rows(endpoint, EVENT_TABLE, (last - 1,)))


def count(endpoint: Endpoint, table: Table) -> int:
    """Return the number of rows of a table."""
    with endpoint.database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT count(*) AS number FROM {table.name}")  # noqa: S608
        [row] = cursor.fetchall()
    number: int = row["number"]
    return number


def is_empty(endpoint: Endpoint) -> bool:
    """Return whether a store, which has all tables, holds no more than a new one."""
    return not any(
        any(True for _ in rows(endpoint, table))
        for table in transferred_tables()
        if table.name not in _NEVER_EMPTY
    )


def in_key_order(table: Table, unordered: Iterable[RowValues]) -> Iterator[RowValues]:
    """Yield rows in the order of their keys, as `rows` yields those of a table."""
    # In a temporary file, because the rows of a large table do not fit into memory.
    with closing(sqlite3.connect("")) as temporary:
        names = ", ".join(f'"{column}"' for column in table.columns)
        key = ", ".join(f'"{column}"' for column in table.key)
        temporary.execute(f"CREATE TABLE ordered ({names}, PRIMARY KEY ({key})) WITHOUT ROWID")
        marks = ", ".join("?" * len(table.columns))
        temporary.executemany(f"INSERT INTO ordered VALUES ({marks})", unordered)  # noqa: S608
        yield from temporary.execute(f"SELECT {names} FROM ordered ORDER BY {key}")  # noqa: S608


def with_progress(
    found: Iterable[RowValues], progress: Callable[[int], None], before: int = 0
) -> Iterator[RowValues]:
    """Yield the rows, and report after each `BATCH` and at the end how many there were, with ``before`` added."""
    number = 0
    for row in found:
        number += 1
        if number % BATCH == 0:
            progress(before + number)
        yield row
    progress(before + number)


def differences(
    wanted: Iterable[RowValues],
    found: Iterable[RowValues],
    table: Table,
    *,
    only_found: bool = False,
) -> Iterator[tuple[RowValues | None, RowValues | None]]:
    """Compare two sorted sequences of rows by a merge join, and yield each pair that differs.

    Args:
        wanted: The rows as they should be, ordered by key.
        found: The rows as they are, ordered by key.
        table: The table of both.
        only_found: Leave out rows that are only in ``wanted``, and stop at the end of ``found``.

    Yields:
        The wanted row and the found row of one key; None where one of them is missing.
    """
    ours, theirs = iter(wanted), iter(found)
    one, other = next(ours, None), next(theirs, None)
    while other is not None or (one is not None and not only_found):
        if other is None or (one is not None and table.key_of(one) < table.key_of(other)):
            if not only_found:
                yield one, None
            one = next(ours, None)
        elif one is None or table.key_of(other) < table.key_of(one):
            yield None, other
            other = next(theirs, None)
        else:
            if one != other:
                yield one, other
            one, other = next(ours, None), next(theirs, None)


# Writing


def make_equal(
    target: Endpoint,
    table: Table,
    wanted: Callable[[], Iterable[RowValues]],
    watched: Callable[[Iterable[RowValues]], Iterable[RowValues]],
    there: Callable[[], Iterable[RowValues]] | None = None,
) -> None:
    """Make a table of the target hold certain rows and no others.

    Args:
        target: Where the table is.
        table: The table.
        wanted: Returns the rows, ordered by key, each time it is called.
        watched: Reports the progress of the rows that pass through it.
        there: Returns the rows of the target that are compared, ordered by key; by default, all of the table.
    """
    found = partial(rows, target, table) if there is None else there
    # Surplus rows are deleted first, so that no new row conflicts with one of them in a unique column.
    wrong = differences(wanted(), found(), table, only_found=True)
    delete(target, table, (surplus for _, surplus in wrong if surplus is not None))
    missing = differences(watched(wanted()), found(), table)
    insert(target, table, (row for row, _ in missing if row is not None))


def advance_identities(source: Endpoint, target: Endpoint) -> None:
    """Make sure that no generated value is reused, not even that of a deleted row."""
    for table in transferred_tables():
        if table.identity is None:
            continue
        last = source.last_identity(table.name, column_name(source, table, table.identity))
        if last:
            target.advance_identity(table.name, column_name(target, table, table.identity), last)


def delete(target: Endpoint, table: Table, surplus: Iterable[RowValues]) -> None:
    """Delete rows, `BATCH` in each transaction."""
    matched = " AND ".join(f"{_quoted(target, table, column)} = ?" for column in table.key)
    statement = f"DELETE FROM {table.name} WHERE {matched}"  # noqa: S608
    for batch in batches(map(table.key_of, surplus)):
        with target.database.transaction(commit=True) as cursor:
            cursor.executemany(statement, batch)


def insert(target: Endpoint, table: Table, missing: Iterable[RowValues]) -> None:
    """Insert rows, `BATCH` in each transaction.

    Raises:
        UnstorableRow: the database does not accept one of them.
    """
    statement = _insertion(target, table)
    for batch in batches(missing):
        try:
            with target.database.transaction(commit=True) as cursor:
                cursor.executemany(statement, batch)
        except StoreUnavailable:
            raise
        except StoreError as error:
            raise _error_naming_row(target, table, statement, batch, error) from error


def insert_together(target: Endpoint, batch: Iterable[tuple[Table, Sequence[RowValues]]]) -> None:
    """Insert rows of several tables in one transaction.

    Raises:
        UnstorableRow: the database does not accept one of them.
    """
    try:
        with target.database.transaction(commit=True) as cursor:
            for table, found in batch:
                cursor.executemany(_insertion(target, table), found)
    except StoreUnavailable:
        raise
    except StoreError as error:
        raise UnstorableRow(str(error)) from error


def _insertion(target: Endpoint, table: Table) -> str:
    names = ", ".join(_quoted(target, table, column) for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608


def _error_naming_row(
    target: Endpoint, table: Table, statement: str, batch: list[RowValues], error: Exception
) -> Exception:
    """Insert the rows of a failed batch one by one, and return an error that names the row that is refused."""
    for row in batch:
        try:
            with target.database.transaction(commit=False) as cursor:
                cursor.execute(statement, row)
        except StoreUnavailable as gone:
            return gone
        except StoreError as refused:
            key = ", ".join(map(repr, table.key_of(row)))
            return UnstorableRow(f"{table.name} {key}: {refused}")
    return error


def batches(found: Iterable[RowValues]) -> Iterator[list[RowValues]]:
    """Yield rows, `BATCH` at a time."""
    remaining = iter(found)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def column_name(endpoint: Endpoint, table: Table, column: str) -> str:
    """Return the name that a column has in the database of an endpoint."""
    is_position = table is EVENT_TABLE and column == "position"
    return endpoint.statements.position if is_position else column


def _quoted(endpoint: Endpoint, table: Table, column: str) -> str:
    return f'"{column_name(endpoint, table, column)}"'  # some are SQL keywords
