"""Databases for what lives beside the events, with all its tables, on each of the two systems that can hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TypeAlias, cast

import pytest
from attrs import define, field

from albumcore import Albumcore
from albumcore_adapters.sql.database import Cursor, Database, System
from albumcore_adapters.sql.migrations import migrate
from albumcore_adapters.sql.postgres import PostgresDatabase
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store import database_of
from support.postgres import empty_database

NewDatabase: TypeAlias = Callable[[], AbstractContextManager[Database]]

ON_SQLITE = pytest.mark.parametrize("system", ["sqlite"], indirect=True)
"""For tests of what only SQLite does, or of what costs much and asks the database for nothing new.

Where tests run on both, their ``system`` says which.
"""


@define
class Seam:
    """A database, so that a test can stand between it and what uses it."""

    database: Database

    @property
    def system(self) -> System:
        """Which of the two it is."""
        return self.database.system

    def transaction(self, *, commit: bool) -> AbstractContextManager[Cursor]:
        """The transaction that is asked for."""
        return self.database.transaction(commit=commit)

    def single_read(self) -> AbstractContextManager[Cursor]:
        """The cursor that is asked for."""
        return self.transaction(commit=False)

    def read_snapshot(self) -> AbstractContextManager[None]:
        """Reads in one transaction."""
        return self.database.read_snapshot()

    def in_read_snapshot(self) -> bool:
        """Whether this thread is in one."""
        return self.database.in_read_snapshot()

    def data_version(self) -> object | None:
        """What tells whether anything was committed."""
        return self.database.data_version()

    def trouble(self) -> str | None:
        """Why it cannot be used."""
        return self.database.trouble()

    def close(self) -> None:
        """Close it."""
        self.database.close()


def sqlite_of(app: Albumcore) -> SQLiteDatabase:
    """The database of a store on SQLite, with what SQLite alone has."""
    return cast(SQLiteDatabase, database_of(app))


def postgres_of(app: Albumcore) -> PostgresDatabase:
    """The database of a store on PostgreSQL, with what PostgreSQL alone has."""
    return cast(PostgresDatabase, database_of(app))


@define
class Databases:
    """Databases of one system, whose tables are emptied after use: to make them anew takes ten times as long.

    Attributes:
        make: Makes one without any tables.
        tables: Finds the names of its tables, as ``name``.
        restart: Has ids and numbers begin at 1 again.
    """

    make: Callable[[], Database]
    tables: str
    restart: str
    _unused: list[Database] = field(factory=list)

    @contextmanager
    def new(self) -> Iterator[Database]:
        """A database with empty tables, until the block ends."""
        if self._unused:
            database = self._unused.pop()
        else:
            database = self.make()
            migrate(database)
        yield database
        with database.transaction(commit=True) as cursor:
            cursor.execute(self.tables)
            for row in cursor.fetchall():
                cursor.execute(f"DELETE FROM {row['name']}")
            cursor.execute(self.restart)
        self._unused.append(database)


@contextmanager
def sqlite_databases(folder: Path) -> Iterator[Databases]:
    """Files in a folder, opened as the event store opens them, until the block ends."""
    with ExitStack() as stack:
        numbers = count()

        def make() -> Database:
            path = folder / f"{next(numbers)}.sqlite"
            return stack.enter_context(closing(SQLiteDatabase(path.as_uri(), 30)))

        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'directory%'"
        yield Databases(make, tables, "DELETE FROM sqlite_sequence")


@contextmanager
def postgres_databases() -> Iterator[Databases]:
    """Databases on a server, until the block ends."""
    with ExitStack() as stack:

        def make() -> Database:
            url = stack.enter_context(empty_database())
            return stack.enter_context(closing(PostgresDatabase(url)))

        yield Databases(
            make,
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"
            " AND tablename <> 'store_version'",
            "SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences"
            " WHERE schemaname = current_schema()",
        )
