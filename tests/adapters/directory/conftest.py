"""A directory in a real SQLite file, opened as the event store opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from itertools import count

import pytest
from eventsourcing.sqlite import SQLiteDatastore

from adapters.directory import create_tables


@pytest.fixture(scope="module")
def new_database(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], AbstractContextManager[SQLiteDatastore]]:
    """Make databases with empty tables, as many as a property test has examples."""
    folder, numbers = tmp_path_factory.mktemp("directory"), count()

    def new() -> AbstractContextManager[SQLiteDatastore]:
        path = folder / f"{next(numbers)}.sqlite"
        database = SQLiteDatastore(str(path), originator_id_type="text")
        create_tables(database)
        return closing(database)

    return new


@pytest.fixture
def database(
    new_database: Callable[[], AbstractContextManager[SQLiteDatastore]],
) -> Iterator[SQLiteDatastore]:
    """One database with empty tables."""
    with new_database() as database:
        yield database
