"""What the directory asks of its database, and what every table of it has in common.

The file is shared by several processes in WAL mode. A transaction that reads first works on the
snapshot of that read; once another process has written, SQLite refuses such a transaction's first
write at once (SQLITE_BUSY_SNAPSHOT), and waiting cannot help, for the snapshot stays old. So every
transaction here that writes begins with a write, which waits for its turn and then sees the newest
state. Where a mere look usually suffices, the look has a transaction of its own.

Conflicts are found by looking, after that first write, and not by catching an exception: each
database library has its own. RETURNING is left alone, because SQLite knows it only since 3.35 and
Python 3.11 is in use with older ones.

All tables are named ``directory_...``: they are no index of the events, and must never be dropped
to be made again from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from sqlite3 import Row
from typing import Protocol, TypeAlias

from albumcore.errors import Invalid

Parameter: TypeAlias = str | int | None

MAX_INTEGER = 2**63 - 1
_CHUNK = 500  # SQLite before 3.32 takes 999 parameters a statement.


class Cursor(Protocol):
    """The part of a database cursor that the directory uses; rows are addressed by name."""

    def execute(self, sql: str, params: Sequence[Parameter] = ..., /) -> None:
        """Run one statement."""

    def executemany(self, sql: str, params: Iterable[Sequence[Parameter]], /) -> None:
        """Run one statement once for each row of parameters."""

    def fetchone(self) -> Row | None:
        """Return the next row of the last statement, or None."""

    def fetchall(self) -> list[Row]:
        """Return the rows of the last statement that were not fetched yet."""


class Database(Protocol):
    """Gives transactions, as the datastore of the event store does."""

    def transaction(self, *, commit: bool) -> AbstractContextManager[Cursor]:
        """Open a transaction: kept at the end with ``commit``, undone without it or on an error."""


def is_storable(text: str) -> bool:
    """Whether ``text`` can be written as UTF-8: a lone surrogate, which JSON can carry, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable_text(field: str, text: str) -> str:
    """Take ``text`` as the value of ``field``.

    Raises:
        Invalid: it holds a lone surrogate.
    """
    if not is_storable(text):
        raise Invalid(field, "text must be valid Unicode")
    return text


def row_by_id(database: Database, select: str, row_id: int) -> Row | None:
    """Return the row that ``select`` finds by its id; a number that is no id finds nothing."""
    if not 0 < row_id <= MAX_INTEGER:
        return None
    with database.transaction(commit=False) as cursor:
        cursor.execute(select, (row_id,))
        return cursor.fetchone()


def delete_by_id(database: Database, delete: str, row_id: int) -> bool:
    """Run ``delete`` with an id, and tell whether there was something to delete."""
    if not 0 < row_id <= MAX_INTEGER:
        return False
    with database.transaction(commit=True) as cursor:
        cursor.execute(delete, (row_id,))
        return has_changed(cursor)


def has_changed(cursor: Cursor) -> bool:
    """Whether the statement just run changed a row."""
    cursor.execute("SELECT changes() AS number")
    [row] = cursor.fetchall()
    return bool(row["number"])


def number_changed(cursor: Cursor, statement: str, rows: Iterable[Sequence[Parameter]]) -> int:
    """Run a statement once for each row of parameters, and tell how many rows that changed."""
    before = _changes_so_far(cursor)
    cursor.executemany(statement, rows)
    return _changes_so_far(cursor) - before


def _changes_so_far(cursor: Cursor) -> int:
    # Reads no table, so a transaction may begin with it.
    cursor.execute("SELECT total_changes() AS number")
    [row] = cursor.fetchall()
    number: int = row["number"]
    return number


def select_in(cursor: Cursor, select: str, values: Iterable[str]) -> Iterator[Row]:
    """Yield what ``select`` finds for all ``values`` in the place of its ``IN (:values)``."""
    remaining = iter(dict.fromkeys(values))
    while chunk := list(islice(remaining, _CHUNK)):
        cursor.execute(select.replace(":values", ",".join("?" * len(chunk))), chunk)
        yield from cursor.fetchall()
