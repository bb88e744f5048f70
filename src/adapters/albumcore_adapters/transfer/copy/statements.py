"""What a copy asks of the two databases in words of their own: positions, names of tables, numbers given out."""

from __future__ import annotations

from attrs import frozen

from albumcore_adapters.sql.database import Cursor, Database


@frozen
class Words:
    """The words of one database.

    Attributes:
        position: The column by which events are in the order in which they were recorded.
        tables: Finds the names of all tables, as ``name``.
        given: Finds the highest number ever given out for a table and its column, as ``given``.
        give: Have all numbers up to one count as given: statements, and by name what each is told.
    """

    position: str
    tables: str
    given: tuple[str, tuple[str, ...]]
    give: tuple[tuple[str, tuple[str, ...]], ...]


SQLITE = Words(
    position="rowid",
    tables="SELECT name FROM sqlite_master WHERE type = 'table'",
    given=(
        "SELECT max(seq) AS given FROM sqlite_sequence WHERE name = ?",
        ("table",),
    ),
    # Where the table has no AUTOINCREMENT, the next number is one more than the highest that is there.
    give=(
        (
            "INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM sqlite_master"
            " WHERE type = 'table' AND name = ? AND sql LIKE '%AUTOINCREMENT%'"
            " AND name NOT IN (SELECT name FROM sqlite_sequence)",
            ("table",),
        ),
        ("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", ("number", "table")),
    ),
)

POSTGRES = Words(
    position="notification_id",
    tables="SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    given=(
        "SELECT pg_sequence_last_value(pg_get_serial_sequence(?, ?)::regclass) AS given",
        ("table", "column"),
    ),
    give=(
        (
            "SELECT setval(pg_get_serial_sequence(?, ?)::regclass, ?)",
            ("table", "column", "number"),
        ),
    ),
)


@frozen
class Side:
    """A database that is copied from or into, and its words."""

    database: Database
    words: Words

    def tables(self) -> set[str]:
        """The names of the tables that are there."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(self.words.tables)
            return {row["name"] for row in cursor.fetchall()}

    def given(self, table: str, column: str) -> int:
        """The highest number that the database gave out for a column, or that stands in it; 0 where there is none."""
        statement, names = self.words.given
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(f'SELECT max("{column}") AS given FROM {table}')  # noqa: S608
            highest = [row["given"] or 0 for row in cursor.fetchall()]
            _execute(cursor, statement, names, {"table": table, "column": column})
            highest += [row["given"] or 0 for row in cursor.fetchall()]
        return max(highest)

    def give(self, table: str, column: str, number: int) -> None:
        """Have all numbers up to this one count as given out for a column."""
        told: dict[str, str | int] = {"table": table, "column": column, "number": number}
        with self.database.transaction(commit=True) as cursor:
            for statement, names in self.words.give:
                _execute(cursor, statement, names, told)


def _execute(
    cursor: Cursor,
    statement: str,
    names: tuple[str, ...],
    told: dict[str, str | int] | dict[str, str],
) -> None:
    cursor.execute(statement, [told[name] for name in names])
