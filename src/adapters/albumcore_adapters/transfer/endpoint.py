"""The source or the target of a transfer: an open database, and the statements in which the two databases differ."""

from __future__ import annotations

from attrs import frozen

from albumcore_adapters.sql.database import Cursor, Database


@frozen
class Statements:
    """The statements of one database system. Parameters are given by name, in order.

    Attributes:
        position: The column that orders the events as they were recorded.
        tables: Selects the names of all tables, as ``name``.
        last_identity: Selects the highest value generated for an identity column, as ``last``.
        advance_identity: Statements after which no value up to ``number`` is generated again.
    """

    position: str
    tables: str
    last_identity: tuple[str, tuple[str, ...]]
    advance_identity: tuple[tuple[str, tuple[str, ...]], ...]


SQLITE = Statements(
    position="rowid",
    tables="SELECT name FROM sqlite_master WHERE type = 'table'",
    last_identity=(
        "SELECT max(seq) AS last FROM sqlite_sequence WHERE name = ?",
        ("table",),
    ),
    # Without AUTOINCREMENT, SQLite generates one more than the highest value in the table.
    advance_identity=(
        (
            "INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM sqlite_master"
            " WHERE type = 'table' AND name = ? AND sql LIKE '%AUTOINCREMENT%'"
            " AND name NOT IN (SELECT name FROM sqlite_sequence)",
            ("table",),
        ),
        ("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", ("number", "table")),
    ),
)

POSTGRES = Statements(
    position="notification_id",
    tables="SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    last_identity=(
        "SELECT pg_sequence_last_value(pg_get_serial_sequence(?, ?)::regclass) AS last",
        ("table", "column"),
    ),
    advance_identity=(
        (
            "SELECT setval(pg_get_serial_sequence(?, ?)::regclass, ?)",
            ("table", "column", "number"),
        ),
    ),
)


@frozen
class Endpoint:
    """An open database, with its statements."""

    database: Database
    statements: Statements

    def tables(self) -> set[str]:
        """Return the names of the existing tables."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(self.statements.tables)
            return {row["name"] for row in cursor.fetchall()}

    def last_identity(self, table: str, column: str) -> int:
        """Return the highest value that was generated for an identity column, or is in it; 0 if there is none."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(f'SELECT max("{column}") AS last FROM {table}')  # noqa: S608
            found = cursor.fetchall()
            parameters: dict[str, str | int] = {"table": table, "column": column}
            _execute(cursor, *self.statements.last_identity, parameters)
            found = [*found, *cursor.fetchall()]
        return max(row["last"] or 0 for row in found)

    def advance_identity(self, table: str, column: str, number: int) -> None:
        """Make the database generate only values above ``number`` for an identity column."""
        parameters: dict[str, str | int] = {"table": table, "column": column, "number": number}
        with self.database.transaction(commit=True) as cursor:
            for statement, names in self.statements.advance_identity:
                _execute(cursor, statement, names, parameters)


def _execute(
    cursor: Cursor, statement: str, names: tuple[str, ...], parameters: dict[str, str | int]
) -> None:
    cursor.execute(statement, [parameters[name] for name in names])
