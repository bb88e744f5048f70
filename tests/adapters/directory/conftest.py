"""The directory's tables in an SQLite file and in PostgreSQL, opened as the event store opens them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from albumcore_adapters.sql.database import Database
from support.databases import Databases, NewDatabase, postgres_databases, sqlite_databases


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The files that these tests share."""
    with sqlite_databases(tmp_path_factory.mktemp("directory")) as databases:
        yield databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """The databases on PostgreSQL that these tests share."""
    with postgres_databases() as databases:
        yield databases


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest) -> str:
    """The database system of the tables."""
    return str(request.param)


@pytest.fixture(scope="module")
def new_database(system: str, request: pytest.FixtureRequest) -> NewDatabase:
    """Make databases with empty tables, one for each example of a property test."""
    databases: Databases = request.getfixturevalue(system)
    return databases.new


@pytest.fixture
def database(new_database: NewDatabase) -> Iterator[Database]:
    """One database with empty tables."""
    with new_database() as database:
        yield database
