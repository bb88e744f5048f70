"""The database port: transactions and cursors as SQLite and PostgreSQL both offer them, and helpers for queries.

Every statement is written once, in the common dialect (`sql.dialect`), with ``?`` for parameters. RETURNING is not
used: SQLite has it since 3.35, and Python 3.11 runs with older ones. Flags are integers, compared with 1; a bool is
converted before it is written.

Transactions that write are serialized, so each sees all that was committed before. On SQLite in WAL mode, a
transaction that reads first is bound to the snapshot of that read; once another process has committed, its first write
fails at once (SQLITE_BUSY_SNAPSHOT). So a transaction with ``commit`` begins with BEGIN IMMEDIATE, which waits for the
write lock. On PostgreSQL it begins with an advisory lock. Where a look usually suffices, the look is a transaction of
its own.

Conflicts are found by a query after that, not by catching an IntegrityError: on PostgreSQL, a failed statement ends the
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Literal, Protocol, TypeAlias

from albumcore.errors import Invalid
from albumcore.text import is_text

Parameter: TypeAlias = str | bytes | int | None
System: TypeAlias = Literal["sqlite", "postgres"]

LOCK_SECONDS = 30
"""How long a writer waits for others, by default."""

MOST_CONNECTIONS = 16
"""How many connections to PostgreSQL a process opens at most. SQLite has no such limit."""

MAX_INTEGER = 2**63 - 1
MAX_KEY = 255
"""The length of a text in a key, in characters: PostgreSQL refuses index entries of more than some 2,700 bytes."""

_CHUNK = 500  # SQLite before 3.32 takes 999 parameters a statement.


class Row(Protocol):
    """A row of a result, by the names of its columns."""

    def keys(self) -> Iterable[str]:
        """The names of the columns."""
        ...

    def __getitem__(self, name: str, /) -> Any: ...


class Cursor(Protocol):
    """The part of a database cursor (PEP 249) that both databases share."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement inserted, updated or deleted."""
        ...

    @property
    def description(self) -> Any:
        """A sequence for each column of the last result, the name first."""
        ...

    def execute(self, sql: str, params: Sequence[Parameter] = ..., /) -> object:
        """Run one statement."""

    def executemany(self, sql: str, params: Iterable[Sequence[Parameter]], /) -> object:
        """Run one statement once for each row of parameters."""

    def fetchone(self) -> Row | None:
        """Return the next row of the last result, or None."""

    def fetchall(self) -> list[Any]:
        """Return the remaining rows of the last result, each a `Row`."""


class Database(Protocol):
    """The database port: what SQLite (`sql.sqlite`) and PostgreSQL (`sql.postgres`) both offer."""

    @property
    def system(self) -> System:
        """Which database it is."""
        ...

    def transaction(self, *, commit: bool) -> AbstractContextManager[Cursor]:
        """Open a transaction: committed at its end with ``commit``, rolled back without it or on an error."""

    def single_read(self) -> AbstractContextManager[Cursor]:
        """A cursor for one statement that reads, which may cost less than a transaction."""

    def read_snapshot(self) -> AbstractContextManager[None]:
        """Run this thread's reads in one read transaction (snapshot isolation)."""

    def in_read_snapshot(self) -> bool:
        """Whether this thread is in a read snapshot."""

    def data_version(self) -> object | None:
        """A value that stays equal until any process commits; None where it is unknown."""

    def trouble(self) -> str | None:
        """Why this process cannot use the database until an administrator acts; None as far as is known."""

    def close(self) -> None:
        """Close every connection."""


def storable_text(field: str, text: str) -> str:
    """Return ``text``, the value of ``field``, if it can be stored.

    Raises:
        Invalid: it contains a lone surrogate or NUL.
    """
    if not is_text(text):
        raise Invalid(field, "text must be valid Unicode, without NUL", rule="no_text")
    return text


def key_text(field: str, text: str) -> str:
    """Return ``text``, the value of ``field``, if it can be part of a key.

    Raises:
        Invalid: it has more than 255 characters, or contains a lone surrogate or NUL.
    """
    if len(text) > MAX_KEY:
        raise Invalid(
            field, f"it has at most {MAX_KEY} characters", rule="key_length", longest=MAX_KEY
        )
    return storable_text(field, text)


def rows_of(database: Database, select: str, *params: Parameter) -> list[Row]:
    """Return the rows that ``select`` finds; none if a parameter is a text that cannot be stored."""
    if not all(is_text(param) for param in params if isinstance(param, str)):
        return []
    with database.single_read() as cursor:
        cursor.execute(select, params)
        return cursor.fetchall()


def row_by_id(database: Database, select: str, row_id: int) -> Row | None:
    """Return the row that ``select`` finds by its id; None for a number that cannot be an id."""
    if not 0 < row_id <= MAX_INTEGER:
        return None
    with database.single_read() as cursor:
        cursor.execute(select, (row_id,))
        return cursor.fetchone()


def delete_by_id(database: Database, delete: str, row_id: int) -> bool:
    """Run ``delete`` with an id, and return whether it deleted a row."""
    if not 0 < row_id <= MAX_INTEGER:
        return False
    with database.transaction(commit=True) as cursor:
        cursor.execute(delete, (row_id,))
        return has_changed(cursor)


def number_changed(cursor: Cursor) -> int:
    """How many rows the last statement inserted, updated or deleted; with `executemany`, in all its runs."""
    return max(cursor.rowcount, 0)  # It is -1 after no run at all.


def has_changed(cursor: Cursor) -> bool:
    """Whether the last statement inserted, updated or deleted a row."""
    return number_changed(cursor) > 0


def select_in(
    cursor: Cursor, select: str, values: Iterable[str], parameters: Sequence[Parameter] = ()
) -> Iterator[Row]:
    """Yield the rows that ``select`` finds, with the values in place of its ``IN (:values)``, some in each query.

    A text that cannot be stored matches nothing.

    Args:
        cursor: The cursor.
        select: The query, whose other parameters follow the values.
        values: The values.
        parameters: The other parameters.
    """
    remaining = filter(is_text, dict.fromkeys(values))
    while chunk := list(islice(remaining, _CHUNK)):
        marks = ",".join("?" * len(chunk))
        cursor.execute(select.replace(":values", marks), [*chunk, *parameters])
        yield from cursor.fetchall()
