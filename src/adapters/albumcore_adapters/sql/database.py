"""What the directory asks of its database, and what every table of it has in common.

Every statement is written once, in words that SQLite and PostgreSQL both understand, with ``?`` for
parameters. RETURNING is left alone, because SQLite knows it only since 3.35 and Python 3.11 is in
use with older ones. Flags are integers, compared with 1; truth values must be made integers before
they are written.

Whoever writes sees what all others have written, because only one transaction writes at a time. An
SQLite file is shared by several processes in WAL mode. A transaction that reads first works on the
snapshot of that read; once another process has written, SQLite refuses such a transaction's first
write at once (SQLITE_BUSY_SNAPSHOT), and waiting cannot help, for the snapshot stays old. So every
transaction here that writes begins with a write, which waits for its turn and then sees the newest
state. On PostgreSQL, transactions that write begin with a lock that they all take. Where a mere
look usually suffices, the look has a transaction of its own.

Conflicts are found by looking, after that first write, and not by catching an exception: each
database library has its own, and PostgreSQL ends a transaction in which a statement failed.

All tables are named ``directory_...``: they are no index of the events, and must never be dropped
to be made again from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Literal, Protocol, TypeAlias

from albumcore.errors import Invalid

Parameter: TypeAlias = str | int | None
System: TypeAlias = Literal["sqlite", "postgres"]

MAX_INTEGER = 2**63 - 1
MAX_KEY = 255
"""Characters that a text may have which no two rows share; PostgreSQL refuses keys of more than some 2,700 bytes."""

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_CHUNK = 500  # SQLite before 3.32 takes 999 parameters a statement.


class Row(Protocol):
    """A row of a result; its values are had by the names of the columns."""

    def keys(self) -> Iterable[str]:
        """The names of the columns."""
        ...

    def __getitem__(self, name: str, /) -> Any: ...


class Cursor(Protocol):
    """The part of a database cursor (PEP 249) that the directory uses."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement added, changed or deleted."""
        ...

    @property
    def description(self) -> Any:
        """The columns of what the last statement found, the name of each first."""
        ...

    def execute(self, sql: str, params: Sequence[Parameter] = ..., /) -> object:
        """Run one statement."""

    def executemany(self, sql: str, params: Iterable[Sequence[Parameter]], /) -> object:
        """Run one statement once for each row of parameters."""

    def fetchone(self) -> Row | None:
        """Return the next row of the last statement, or None."""

    def fetchall(self) -> list[Any]:
        """Return the remaining rows of the last statement, each a `Row`."""


class Database(Protocol):
    """The database port: what SQLite (`sql.sqlite`) and PostgreSQL (`sql.postgres`) both offer."""

    @property
    def system(self) -> System:
        """Which database it is."""
        ...

    def transaction(self, *, commit: bool) -> AbstractContextManager[Cursor]:
        """Open a transaction: kept at the end with ``commit``, undone without it or on an error."""

    def single_read(self) -> AbstractContextManager[Cursor]:
        """A cursor for one statement that reads, which may cost less than a transaction."""

    def read_snapshot(self) -> AbstractContextManager[None]:
        """Run this thread's reads in one read transaction (snapshot isolation)."""

    def in_read_snapshot(self) -> bool:
        """Whether this thread is in a read snapshot."""

    def data_version(self) -> object | None:
        """What is equal to itself as long as nobody has committed anything; None where that is not known."""

    def trouble(self) -> str | None:
        """Why this process cannot be served by the database until an administrator acts; None as far as is known."""

    def close(self) -> None:
        """Close every connection."""


def is_storable(text: str) -> bool:
    """Whether every database can hold ``text``; not lone surrogates and not NUL, both of which JSON can carry."""
    return _UNSTORABLE.search(text) is None


def storable_text(field: str, text: str) -> str:
    """Take ``text`` as the value of ``field``.

    Raises:
        Invalid: it holds a lone surrogate or NUL.
    """
    if not is_storable(text):
        raise Invalid(field, "text must be valid Unicode, without NUL")
    return text


def key_text(field: str, text: str) -> str:
    """Take ``text`` as the value of ``field``, by which rows are told apart.

    Raises:
        Invalid: it has more than 255 characters, or one of them is a lone surrogate or NUL.
    """
    if len(text) > MAX_KEY:
        raise Invalid(field, f"it has at most {MAX_KEY} characters")
    return storable_text(field, text)


def rows_of(database: Database, select: str, *params: Parameter) -> list[Row]:
    """Return the rows that ``select`` finds; a text that no database can hold is equal to none that is there."""
    if not all(is_storable(param) for param in params if isinstance(param, str)):
        return []
    with database.single_read() as cursor:
        cursor.execute(select, params)
        return cursor.fetchall()


def row_by_id(database: Database, select: str, row_id: int) -> Row | None:
    """Return the row that ``select`` finds by its id; a number that is no id finds nothing."""
    if not 0 < row_id <= MAX_INTEGER:
        return None
    with database.single_read() as cursor:
        cursor.execute(select, (row_id,))
        return cursor.fetchone()


def delete_by_id(database: Database, delete: str, row_id: int) -> bool:
    """Run ``delete`` with an id, and tell whether there was something to delete."""
    if not 0 < row_id <= MAX_INTEGER:
        return False
    with database.transaction(commit=True) as cursor:
        cursor.execute(delete, (row_id,))
        return has_changed(cursor)


def number_changed(cursor: Cursor) -> int:
    """How many rows the statement just run added, changed or deleted; with `executemany`, all its runs."""
    return max(cursor.rowcount, 0)  # It is -1 after no run at all.


def has_changed(cursor: Cursor) -> bool:
    """Whether the statement just run added, changed or deleted a row."""
    return number_changed(cursor) > 0


def select_in(cursor: Cursor, select: str, values: Iterable[str]) -> Iterator[Row]:
    """Yield what ``select`` finds for all ``values`` in the place of its ``IN (:values)``.

    A text that no database can hold is equal to none that is there.
    """
    remaining = filter(is_storable, dict.fromkeys(values))
    while chunk := list(islice(remaining, _CHUNK)):
        cursor.execute(select.replace(":values", ",".join("?" * len(chunk))), chunk)
        yield from cursor.fetchall()
