"""SQL of the index tables, made from the row classes: definitions, indexes, and the statements for each change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from attrs import fields

from albumcore.codec import stored_time
from albumcore.index import (
    ROWS,
    ROWS_FORMAT,
    Change,
    Drop,
    Enter,
    FeedLaneRow,
    IndexRow,
    Put,
    Set,
    Where,
    changes,
    examples,
)
from albumcore.text import is_text
from albumcore_adapters.sql.database import MAX_INTEGER

Statement = tuple[str, list[Any]]
_ALWAYS, _NEVER = "1 = 1", "1 = 0"
_MAX_NAME = 63
"""Characters of an identifier of PostgreSQL."""


TABLES: Mapping[type[IndexRow], str] = {
    kind: re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in ROWS
}
"""The table of each row class: ``member_row`` for ``MemberRow``."""


def columns_of(kind: type[IndexRow]) -> list[str]:
    """The columns of a row class, in the order of its fields."""
    return [column.name for column in fields(kind)]


def table_statements(prefix: str = "", temporary: bool = False) -> list[str]:
    """Statements that create the table and the indexes of every row class, if they do not exist."""
    statements = []
    for kind in ROWS:
        table = prefix + TABLES[kind]
        columns = ", ".join(f"{c.name} {_sql_type(str(c.type))}" for c in fields(kind))
        create = "CREATE TEMP TABLE" if temporary else "CREATE TABLE IF NOT EXISTS"
        statements.append(
            f"{create} {table} ({columns}, PRIMARY KEY ({', '.join(kind.KEY)})) WITHOUT ROWID"
        )
        if not temporary:
            statements.extend(
                f"CREATE INDEX IF NOT EXISTS {lookup_name(table, lookup)} "
                f"ON {table} ({', '.join(lookup)})"
                for lookup in kind.LOOKUPS
            )
    return statements


def lookup_name(table: str, columns: Sequence[str]) -> str:
    """The name of the index of a table by these columns. PostgreSQL would cut off what is longer, and say another."""
    return f"{table}_by_{'_'.join(columns)}"[:_MAX_NAME]


@cache
def index_fingerprint() -> str:
    """A digest of the index: of the definition of its tables, and of the rows that the example events lead to.

    It changes with a filter, a posting list, or another way to show an event, and only then. It is the same in every
    process and every version of Python.
    """
    digest = hashlib.sha256("\n".join([str(ROWS_FORMAT), *table_statements()]).encode())
    for recorded in examples():
        for change in changes(recorded):
            # By repr: True and 1 must differ here.
            digest.update(repr(statements_of(change)).encode())
    return digest.hexdigest()


def _sql_type(annotation: str) -> str:
    kind = "INTEGER" if annotation.startswith(("int", "bool")) else "TEXT"
    return kind if "None" in annotation else f"{kind} NOT NULL"


def statements_of(
    change: Change, prefix: str = "", unless_there: bool = False
) -> Sequence[Statement]:
    """The statements for one change: one for each row that it inserts, or one for all rows it updates or deletes.

    Args:
        change: The change.
        prefix: What the names of the tables begin with.
        unless_there: Skip an insert if a row of its key exists.
    """
    statements = _BY_KIND[type(change)](change, prefix)
    if unless_there and isinstance(change, Put | Enter):
        return [(f"{text} ON CONFLICT DO NOTHING", values) for text, values in statements]
    return statements


def row_key(change: Put | Enter, values: Sequence[Any]) -> str:
    """The table and key of a row that a change inserts by a statement with these values, for a message."""
    kind: type[IndexRow] = type(change.row) if isinstance(change, Put) else FeedLaneRow
    named = dict(zip(columns_of(kind), values, strict=False))
    return f"{TABLES[kind]} {', '.join(f'{name}={named[name]!r}' for name in kind.KEY)}"


def _put(change: Put, prefix: str) -> Sequence[Statement]:
    kind: Any = type(change.row)
    values = [_stored(value) for value in _values_of(kind)(change.row)]
    return ((_insert(kind, prefix), values),)


def _entered(change: Enter, prefix: str) -> Sequence[Statement]:
    statement, stream, version = _enter(prefix), change.stream, change.version
    return [(statement, [stream, lane, version] * 2) for lane in change.terms]


def _set(change: Set, prefix: str) -> Sequence[Statement]:
    condition, matched = condition_of(change.where)
    kind: Any = change.kind
    values = [_stored(value) for value in change.values.values()]
    return ((_update(kind, tuple(change.values), condition, prefix), values + matched),)


def _dropped(change: Drop, prefix: str) -> Sequence[Statement]:
    condition, matched = condition_of(change.where)
    return ((f"DELETE FROM {prefix}{TABLES[change.kind]} WHERE {condition}", matched),)  # noqa: S608


_BY_KIND: Mapping[type[Change], Callable[[Any, str], Sequence[Statement]]] = {
    Put: _put,
    Enter: _entered,
    Set: _set,
    Drop: _dropped,
}


@cache
def _insert(kind: Hashable, prefix: str) -> str:
    row: Any = kind
    marks = ", ".join("?" * len(columns_of(row)))
    return f"INSERT INTO {prefix}{TABLES[row]} VALUES ({marks})"  # noqa: S608


@lru_cache(maxsize=256)
def _update(kind: Hashable, changed: tuple[str, ...], condition: str, prefix: str) -> str:
    row: Any = kind
    assigned = ", ".join([f"{name} = ?" for name in changed])
    return f"UPDATE {prefix}{TABLES[row]} SET {assigned} WHERE {condition}"  # noqa: S608


@cache
def _enter(prefix: str) -> str:
    table = prefix + TABLES[FeedLaneRow]
    # Only versions before it: PostgreSQL would walk through dead rows behind it.
    return (
        f"INSERT INTO {table} VALUES (?, ?, ?, 1 + COALESCE((SELECT number FROM {table} "  # noqa: S608
        "WHERE stream = ? AND lane = ? AND version < ? ORDER BY version DESC LIMIT 1), 0))"
    )


@cache
def _values_of(kind: Hashable) -> Callable[[IndexRow], tuple[Any, ...]]:
    row: Any = kind
    return attrgetter(*columns_of(row))


def condition_of(where: Where) -> Statement:
    """The SQL condition for `albumcore.index.Where`, and its parameters.

    A value that cannot be stored, see `can_be_stored`, matches nothing.
    """
    conditions: list[str] = []
    matched: list[Any] = []
    for name, value in where.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            values = [_stored(one) for one in value if can_be_stored(one)]
            conditions.append(f"{name} IN ({', '.join('?' * len(values))})" if values else _NEVER)
            matched.extend(values)
        elif not can_be_stored(value):
            conditions.append(_NEVER)
        else:
            conditions.append(f"{name} = ?")
            matched.append(_stored(value))
    return " AND ".join(conditions) or _ALWAYS, matched


def row_of(kind: Any, stored: Mapping[str, Any]) -> Any:
    """The row of a class, from a row of a result."""
    return kind(
        *[stored[name] if load is None else load(stored[name]) for name, load in _loads(kind)]
    )


@cache
def _loads(kind: Hashable) -> list[tuple[str, Callable[[Any], Any] | None]]:
    row: Any = kind
    return [(c.name, _LOAD.get(str(c.type))) for c in fields(row)]


def _stored(value: Any) -> Any:
    return stored_time(value) if isinstance(value, datetime) else value


def can_be_stored(value: Any) -> bool:
    """Whether both databases can store a value: no integer past 64 bits, no text with NUL or lone surrogates."""
    if isinstance(value, str):
        return is_text(value)
    return not isinstance(value, int) or -MAX_INTEGER <= value <= MAX_INTEGER


_LOAD: Mapping[str, Callable[[Any], Any]] = {"bool": bool, "datetime": datetime.fromisoformat}
"""How a stored value is converted, by the type of the column; values of other types are not."""


def in_chunks(where: Where, size: int = 500) -> list[Where]:
    """A condition, split where a collection in it has more values than one statement may have parameters."""
    for name, value in where.items():
        if isinstance(value, Collection) and not isinstance(value, str) and len(value) > size:
            values = list(dict.fromkeys(value))
            return [
                piece
                for start in range(0, len(values), size)
                for piece in in_chunks({**where, name: values[start : start + size]}, size)
            ]
    return [where]


def kind_of(change: Change) -> type[IndexRow]:
    """The class of the rows that a change is about."""
    match change:
        case Put(row):
            return type(row)
        case Enter():
            return FeedLaneRow
        case _:
            return change.kind
