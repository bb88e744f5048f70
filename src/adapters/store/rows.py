"""SQL for index rows, made from the row classes: tables, lookups, and the statement for each change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from attrs import fields

from albumcore.index import ROWS, ROWS_FORMAT, Change, Enter, FeedLaneRow, Put, Row, Set, Where

Statement = tuple[str, list[Any]]
MAX_INTEGER = 2**63 - 1
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def table_of(kind: type[Row]) -> str:
    """The table of a row class: ``MemberRow`` is kept in ``member_row``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


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


def form_of_rows() -> str:
    """A name for how the tables look and what is in them: another one as soon as either changes."""
    return hashlib.sha256("\n".join([str(ROWS_FORMAT), *create_tables()]).encode()).hexdigest()


def _sql_type(annotation: str) -> str:
    kind = "INTEGER" if annotation.startswith(("int", "bool")) else "TEXT"
    return kind if "None" in annotation else f"{kind} NOT NULL"


def statement_of(change: Change, prefix: str = "") -> Statement:
    """The statement that carries out one change."""
    match change:
        case Put(row):
            values = [_stored(getattr(row, name)) for name in columns_of(type(row))]
            marks = ", ".join("?" * len(values))
            return f"INSERT INTO {prefix}{table_of(type(row))} VALUES ({marks})", values  # noqa: S608
        case Enter(stream, lane, version):
            table = prefix + table_of(FeedLaneRow)
            return (
                f"INSERT INTO {table} VALUES (?, ?, ?, 1 + COALESCE((SELECT number FROM {table} "  # noqa: S608
                "WHERE stream = ? AND lane = ? ORDER BY version DESC LIMIT 1), 0))",
                [stream, lane, version, stream, lane],
            )
        case Set(kind, where, changed):
            condition, matched = condition_of(where)
            assigned = ", ".join(f"{name} = ?" for name in changed)
            return (
                f"UPDATE {prefix}{table_of(kind)} SET {assigned} WHERE {condition}",  # noqa: S608
                [*map(_stored, changed.values()), *matched],
            )
        case _:
            condition, matched = condition_of(change.where)
            return f"DELETE FROM {prefix}{table_of(change.kind)} WHERE {condition}", matched  # noqa: S608


def condition_of(where: Where) -> Statement:
    """The SQL condition for `albumcore.index.Where`, and its parameters.

    What SQLite cannot hold, an integer past 64 bits or a text with lone surrogates, is equal to nothing in it.
    """
    conditions = ["1"]
    matched: list[Any] = []
    for name, value in where.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            values = [_stored(one) for one in value if can_be_stored(one)]
            conditions.append(f"{name} IN ({', '.join('?' * len(values))})")
            matched.extend(values)
        elif not can_be_stored(value):
            conditions.append("0")
        else:
            conditions.append(f"{name} = ?")
            matched.append(_stored(value))
    return " AND ".join(conditions), matched


def row_of(kind: type[Any], stored: Mapping[str, Any]) -> Any:
    """The row that a stored one stands for."""
    return kind(**{c.name: _loaded(str(c.type), stored[c.name]) for c in fields(kind)})


def _stored(value: Any) -> Any:
    # Fixed width, so that the order of the text is the order of the times.
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value


def can_be_stored(value: Any) -> bool:
    """Whether a database can hold a value: no integer past 64 bits, and no text with lone surrogates."""
    if isinstance(value, int):
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return not (isinstance(value, str) and _SURROGATE.search(value))


def _loaded(annotation: str, value: Any) -> Any:
    if annotation == "bool":
        return bool(value)
    if annotation == "datetime":
        return datetime.fromisoformat(value)
    return value


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
