"""Stores of either form: sealed as every new one of the service, or in clear as those of before."""

from __future__ import annotations

from contextlib import closing

from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.people import People
from albumcore_adapters.store import database_of, open_postgres, open_sqlite


def make_store(settings: Settings, *, sealed: bool) -> None:
    """Make a store where the settings say, if there is none: empty, but for a person in one in clear.

    An empty store is one that the service seals.
    """
    settings.data.mkdir(mode=0o700, exist_ok=True)
    if settings.database is None:
        store = open_sqlite(settings.data / DATABASE_FILE, sealed=sealed or None)
    else:
        store = open_postgres(settings.database, sealed=sealed or None)
    with closing(store):
        if not sealed:
            # A database that was made for a test is sealed already.
            with database_of(store).transaction(commit=True) as cursor:
                cursor.execute("DELETE FROM directory_sealed")
            People(database_of(store), None).register("sub-of-before")
