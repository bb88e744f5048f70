"""Which tables are copied, and how the rows of one are made those of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

from attrs import frozen

from albumcore.index import ROWS
from albumcore_adapters.store import (
    StoreError,
    StoreUnavailable,
    database_of,
    open_memory,
)
from albumcore_adapters.store.rows import table_of
from albumcore_adapters.transfer.copy.statements import Side
from albumcore_adapters.transfer.marker import TABLE as MARK

BATCH = 500
"""Rows that are read, or written in one transaction, at a time."""

Values: TypeAlias = tuple[Any, ...]

_DERIVED = {"form_of_rows", "stored_snapshots", MARK, *map(table_of, ROWS)}
"""What is made again from the events, and the mark."""

_FROM_THE_FIRST = {"numbers", "webhook_position"}
"""Tables that have a row in a store in which nothing was done yet."""


class UnstorableRow(Exception):
    """A row that one database holds, and the other one cannot."""


@frozen
class Table:
    """A table that is copied.

    Attributes:
        name: Its name.
        key: The columns by which its rows are told apart, and in whose order they are read.
        columns: All of them, those of the key first.
        number: The column whose values the database gives out, or None.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    number: str | None = None

    def key_of(self, row: Values) -> Values:
        """The part of a row that tells it apart."""
        return row[: len(self.key)]


EVENTS = Table(
    "stored_events",
    ("position",),
    ("position", "originator_id", "originator_version", "topic", "state"),
    "position",
)
"""``position`` stands for the column of another name in either database."""


@cache
def tables_beside_events() -> tuple[Table, ...]:
    """Every table of a store, but for the events and what is made from them.

    They are those that a new store has. So a table is copied from the release on that first makes it.
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
                if name not in _DERIVED and name != EVENTS.name:
                    cursor.execute("SELECT name, type, pk FROM pragma_table_info(?)", [name])
                    found.append(_table(name, cursor.fetchall()))
    finally:
        store.close()
    return tuple(found)


def _table(name: str, columns: list[Any]) -> Table:
    in_key = sorted((one for one in columns if one["pk"]), key=lambda one: one["pk"])
    key = tuple(one["name"] for one in in_key)
    rest = tuple(one["name"] for one in columns if not one["pk"])
    numbers = len(in_key) == 1 and in_key[0]["type"] == "INTEGER"
    return Table(name, key, key + rest, key[0] if numbers else None)


# Reading


def rows(side: Side, table: Table, after: Values | None = None) -> Iterator[Values]:
    """The rows of a table in the order of their keys, or those past a key; a part of them at a time."""
    names = {column: _quoted(side, table, column) for column in table.columns}
    key = ", ".join(names[column] for column in table.key)
    shown = ", ".join(f'{name} AS "{column}"' for column, name in names.items())
    marks = ", ".join("?" * len(table.key))
    select = f"SELECT {shown} FROM {table.name}"  # noqa: S608
    while True:
        past = "" if after is None else f" WHERE ({key}) > ({marks})"
        with side.database.transaction(commit=False) as cursor:
            cursor.execute(f"{select}{past} ORDER BY {key} LIMIT {BATCH}", after or ())
            found = [tuple(row[column] for column in table.columns) for row in cursor.fetchall()]
        yield from found
        if len(found) < BATCH:
            return
        after = table.key_of(found[-1])


def newest_event(side: Side) -> Values | None:
    """The last event that was recorded."""
    position = side.words.position
    with side.database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT max({position}) AS last FROM {EVENTS.name}")  # noqa: S608
        [row] = cursor.fetchall()
    last: int | None = row["last"]
    return None if last is None else next(rows(side, EVENTS, (last - 1,)))


def count(side: Side, table: Table) -> int:
    """The number of rows of a table."""
    with side.database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT count(*) AS number FROM {table.name}")  # noqa: S608
        [row] = cursor.fetchall()
    number: int = row["number"]
    return number


def told(
    found: Iterable[Values], progress: Callable[[int], None], before: int = 0
) -> Iterator[Values]:
    """The same rows; now and then it is told how many have come, with those before them."""
    number = 0
    for row in found:
        number += 1
        if number % BATCH == 0:
            progress(before + number)
        yield row
    progress(before + number)


def differences(
    wanted: Iterable[Values], found: Iterable[Values], table: Table, *, of_found: bool = False
) -> Iterator[tuple[Values | None, Values | None]]:
    """What rows should be there and what rows are, both in the order of their keys, wherever they differ.

    Args:
        wanted: The rows that should be there.
        found: Those that are.
        table: What they are rows of.
        of_found: End where no more are found, and leave out what is only wanted.
    """
    ours, theirs = iter(wanted), iter(found)
    one, other = next(ours, None), next(theirs, None)
    while other is not None or (one is not None and not of_found):
        if other is None or (one is not None and table.key_of(one) < table.key_of(other)):
            if not of_found:
                yield one, None
            one = next(ours, None)
        elif one is None or table.key_of(other) < table.key_of(one):
            yield None, other
            other = next(theirs, None)
        else:
            if one != other:
                yield one, other
            one, other = next(ours, None), next(theirs, None)


def is_empty(side: Side) -> bool:
    """Whether a store, which has all tables, has nothing in them but what a new one has."""
    tables = (EVENTS, *tables_beside_events())
    return not any(
        any(True for _ in rows(side, table))
        for table in tables
        if table.name not in _FROM_THE_FIRST
    )


# Writing


def delete(target: Side, table: Table, surplus: Iterable[Values]) -> None:
    """Delete rows, some in each transaction."""
    matched = " AND ".join(f"{_quoted(target, table, column)} = ?" for column in table.key)
    statement = f"DELETE FROM {table.name} WHERE {matched}"  # noqa: S608
    for part in _parts(map(table.key_of, surplus)):
        with target.database.transaction(commit=True) as cursor:
            cursor.executemany(statement, part)


def insert(target: Side, table: Table, missing: Iterable[Values]) -> None:
    """Insert rows, some in each transaction.

    Raises:
        UnstorableRow: the database does not take one of them.
    """
    names = ", ".join(_quoted(target, table, column) for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608
    for part in _parts(missing):
        try:
            with target.database.transaction(commit=True) as cursor:
                cursor.executemany(statement, part)
        except StoreUnavailable:
            raise
        except StoreError as error:
            raise _named_row(target, table, statement, part, error) from error


def _named_row(
    target: Side, table: Table, statement: str, part: list[Values], error: Exception
) -> Exception:
    """The error that says which of some rows the database does not take."""
    for row in part:
        try:
            with target.database.transaction(commit=False) as cursor:
                cursor.execute(statement, row)
        except StoreUnavailable as gone:
            return gone
        except StoreError as refused:
            key = ", ".join(map(repr, table.key_of(row)))
            return UnstorableRow(f"{table.name} {key}: {refused}")
    return error


def _parts(found: Iterable[Values]) -> Iterator[list[Values]]:
    remaining = iter(found)
    while part := list(islice(remaining, BATCH)):
        yield part


def named(side: Side, table: Table, column: str) -> str:
    """The name that a column has on one side."""
    return side.words.position if table is EVENTS and column == "position" else column


def _quoted(side: Side, table: Table, column: str) -> str:
    return f'"{named(side, table, column)}"'  # some are words of SQL too
