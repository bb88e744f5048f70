"""SQL for index rows, made from the row classes: tables, lookups, and the statements for each change."""

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
    Put,
    Row,
    Set,
    Where,
    changes,
    examples,
)
from albumcore.text import is_text

Statement = tuple[str, list[Any]]
MAX_INTEGER = 2**63 - 1
_PLAIN = (str, int)
_ALWAYS, _NEVER = "1 = 1", "1 = 0"


def table_of(kind: type[Row]) -> str:
    """The table of a row class: ``MemberRow`` is kept in ``member_row``."""
    return _with_underscores(kind.__name__)


@lru_cache
def _with_underscores(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def columns_of(kind: type[Row]) -> list[str]:
    """The columns of a row class, in the order of its fields."""
    return [column.name for column in fields(kind)]


def create_tables(prefix: str = "", temporary: bool = False) -> list[str]:
    """Statements that make the table and the lookups of every row class, where they are not there yet."""
    statements = []
    for kind in ROWS:
        table = prefix + table_of(kind)
        columns = ", ".join(f"{c.name} {_sql_type(str(c.type))}" for c in fields(kind))
        create = "CREATE TEMP TABLE" if temporary else "CREATE TABLE IF NOT EXISTS"
        statements.append(
            f"{create} {table} ({columns}, PRIMARY KEY ({', '.join(kind.KEY)})) WITHOUT ROWID"
        )
        if not temporary:
            statements.extend(
                f"CREATE INDEX IF NOT EXISTS {table}_by_{'_'.join(lookup)} "
                f"ON {table} ({', '.join(lookup)})"
                for lookup in kind.LOOKUPS
            )
    return statements


@cache
def index_fingerprint() -> str:
    """A name for how the tables look and what is in them: another one as soon as either changes.

    What is in them is told by what the rules make of the same examples: so a filter more, another lane, or an event
    that shows otherwise gives another name. It is the same in every process, and for every version of Python.
    """
    form = hashlib.sha256("\n".join([str(ROWS_FORMAT), *create_tables()]).encode())
    for recorded in examples():
        for change in changes(recorded):
            # As text: a truth value differs from a number here.
            form.update(repr(statements_of(change)).encode())
    return form.hexdigest()


def _sql_type(annotation: str) -> str:
    kind = "INTEGER" if annotation.startswith(("int", "bool")) else "TEXT"
    return kind if "None" in annotation else f"{kind} NOT NULL"


def statements_of(
    change: Change, prefix: str = "", unless_there: bool = False
) -> Sequence[Statement]:
    """The statements that carry out one change: one for each row that it brings, one for all others.

    Args:
        change: What is to be done.
        prefix: Stands before the names of the tables.
        unless_there: Leave a row alone whose key is there already.
    """
    statements = _BY_KIND[type(change)](change, prefix)
    if unless_there and isinstance(change, Put | Enter):
        return [(f"{text} ON CONFLICT DO NOTHING", values) for text, values in statements]
    return statements


def key_of(change: Put | Enter, values: Sequence[Any]) -> str:
    """Table and key of a row that a change brings with a statement of these values, for people to read."""
    kind: type[Row] = type(change.row) if isinstance(change, Put) else FeedLaneRow
    named = dict(zip(columns_of(kind), values, strict=False))
    return f"{table_of(kind)} {', '.join(f'{name}={named[name]!r}' for name in kind.KEY)}"


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
    return ((f"DELETE FROM {prefix}{table_of(change.kind)} WHERE {condition}", matched),)  # noqa: S608


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
    return f"INSERT INTO {prefix}{table_of(row)} VALUES ({marks})"  # noqa: S608


@lru_cache(maxsize=256)
def _update(kind: Hashable, changed: tuple[str, ...], condition: str, prefix: str) -> str:
    row: Any = kind
    assigned = ", ".join([f"{name} = ?" for name in changed])
    return f"UPDATE {prefix}{table_of(row)} SET {assigned} WHERE {condition}"  # noqa: S608


@cache
def _enter(prefix: str) -> str:
    table = prefix + table_of(FeedLaneRow)
    # Only what is before it: rows that were there until a moment ago may lie behind, and would be walked through.
    return (
        f"INSERT INTO {table} VALUES (?, ?, ?, 1 + COALESCE((SELECT number FROM {table} "  # noqa: S608
        "WHERE stream = ? AND lane = ? AND version < ? ORDER BY version DESC LIMIT 1), 0))"
    )


@cache
def _values_of(kind: Hashable) -> Callable[[Row], tuple[Any, ...]]:
    row: Any = kind
    return attrgetter(*columns_of(row))


def condition_of(where: Where) -> Statement:
    """The SQL condition for `albumcore.index.Where`, and its parameters.

    What a database cannot hold, an integer past 64 bits or a text with NUL or lone surrogates, is equal to nothing
    in it.
    """
    if all(map(_is_plain, where.values())):
        return _equal(tuple(where)), [*where.values()]
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
    return " AND ".join(conditions), matched


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) and can_be_stored(value)


@lru_cache(maxsize=256)
def _equal(names: tuple[str, ...]) -> str:
    return " AND ".join([f"{name} = ?" for name in names]) or _ALWAYS


def row_of(kind: Any, stored: Mapping[str, Any]) -> Any:
    """The row that a stored one stands for."""
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
    """Whether a database can hold a value: no integer past 64 bits, and no text with NUL or lone surrogates."""
    if isinstance(value, str):
        return is_text(value)
    return not isinstance(value, int) or -MAX_INTEGER <= value <= MAX_INTEGER


_LOAD: Mapping[str, Callable[[Any], Any]] = {"bool": bool, "datetime": datetime.fromisoformat}
"""How a stored value is read, by the type of the column; all others are what they are."""


def in_chunks(where: Where, size: int = 500) -> list[Where]:
    """The same condition in pieces, where a collection in it holds more values than one statement may."""
    for name, value in where.items():
        if isinstance(value, Collection) and not isinstance(value, str) and len(value) > size:
            values = list(dict.fromkeys(value))
            return [
                piece
                for start in range(0, len(values), size)
                for piece in in_chunks({**where, name: values[start : start + size]}, size)
            ]
    return [where]
