"""Opening the store that the settings name: an SQLite file in the data directory, or a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from albumcore import Albumcore, StoreOptions
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.store import (
    MissingExtra,
    NoAddress,
    has_postgres_store,
    open_postgres,
    open_sqlite,
)


class NoStore(Exception):
    """There is no store where one must exist, or there is only a part of one."""


def open_store(settings: Settings, clock: Callable[[], datetime]) -> Albumcore:
    """Open the store of the settings. Where there is none, create an empty one, which is sealed.

    Args:
        settings: Where it is, and the options of the store.
        clock: Returns the current time, aware and in UTC.

    Raises:
        SettingsError: the PostgreSQL database is not one that can be used here.
        NewerStore: a newer release wrote the store.
        StoreError: the database is damaged, or is not a database.
        OSError: the file cannot be read or written.
    """
    options: StoreOptions = {
        "clock": clock,
        "busy_seconds": settings.busy_seconds,
        "snapshot_every": settings.snapshot_every,
        "cache_size": settings.cache_size,
        "sealed": "new",
    }
    if settings.database is None:
        return open_sqlite(settings.data / DATABASE_FILE, **options)
    with _usable_database():
        return open_postgres(settings.database, **options)


def store_exists(settings: Settings) -> bool:
    """Return whether there is a store where the settings say. An empty SQLite file is none.

    Raises:
        SettingsError, StoreError: as by `open_store`.
    """
    if settings.database is not None:
        with _usable_database():
            return has_postgres_store(settings.database)
    file = settings.data / DATABASE_FILE
    return file.is_file() and bool(file.stat().st_size)


def require_store(settings: Settings) -> None:
    """Check that there is a store already: a mistyped path must not pass for an empty store.

    Raises:
        NoStore: there is none.
        SettingsError, StoreError: as by `open_store`.
    """
    if not store_exists(settings):
        place = settings.data if settings.database is None else "the database of the settings"
        raise NoStore(f"there is no store in {place}")


@contextmanager
def _usable_database() -> Iterator[None]:
    try:
        yield
    except MissingExtra:
        needed = "the extra `postgres` to be installed: pip install 'albumcore[postgres]'"
        raise SettingsError("ALBUMCORE_DATABASE", needed) from None
    except NoAddress:
        # The address is not repeated: it may hold a password.
        expected = "an address that libpq understands"
        raise SettingsError("ALBUMCORE_DATABASE", expected) from None
