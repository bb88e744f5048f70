"""Where a store is: a data directory, or a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store import (
    MissingExtra,
    database_of,
    has_postgres_store,
    open_postgres,
    open_sqlite,
)
from albumcore_adapters.transfer.endpoint import POSTGRES, SQLITE, Endpoint
from albumcore_adapters.transfer.errors import TransferRefused

NO_STORE = "there is no store to copy from"


@frozen
class Location:
    """Where a store is, or is to be made.

    Attributes:
        directory: The data directory; None for PostgreSQL, whose database holds neither images nor the secret.
        url: The address of the PostgreSQL database, which may hold a password; None for a directory.
    """

    directory: Path | None = None
    url: str | None = field(default=None, repr=False)

    @contextmanager
    def source(self) -> Iterator[Endpoint]:
        """Open the database of an existing store, without changing it.

        Raises:
            TransferRefused: there is no store, or the driver is not installed.
            StoreError: the database is damaged, or cannot be reached.
        """
        if self.directory is not None:
            file = self.directory.absolute() / DATABASE_FILE
            if not (file.is_file() and file.stat().st_size):
                raise TransferRefused(NO_STORE)
            with closing(SQLiteDatabase(file.as_uri(), 30)) as database:
                yield Endpoint(database, SQLITE)
            return
        with _driver():
            if not has_postgres_store(self.url or ""):
                raise TransferRefused(NO_STORE)
        postgres = import_module("albumcore_adapters.sql.postgres")
        with closing(postgres.PostgresDatabase(self.url)) as database:
            yield Endpoint(database, POSTGRES)

    @contextmanager
    def target(self) -> Iterator[tuple[Albumcore, Endpoint]]:
        """Open the store, with every table of this release. Where there is none, make an empty one.

        Raises:
            TransferRefused: the driver is not installed.
            StoreError: the database is damaged, or cannot be reached.
            OSError: the directory cannot be made.
        """
        if self.directory is not None:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            store, statements = open_sqlite(self.directory / DATABASE_FILE), SQLITE
        else:
            with _driver():
                store, statements = open_postgres(self.url or ""), POSTGRES
        with closing(store):
            yield store, Endpoint(database_of(store), statements)


def location_of(url: str) -> Location:
    """Return the location that an address names.

    Args:
        url: ``sqlite:///path/to/data-directory``, or ``postgresql://...`` as for ALBUMCORE_DATABASE.

    Raises:
        TransferRefused: it is neither.
    """
    # The message of this ValueError, raised for a bracket without its other half, may quote a password.
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("postgresql", "postgres"):
            return Location(url=url)
        path = unquote(parts.path)
        if parts.scheme == "sqlite" and not parts.netloc and path.strip("/") and "\0" not in path:
            return Location(directory=Path(path))
    raise TransferRefused(
        "an address is sqlite:///PATH/OF/THE/DATA/DIRECTORY, with three slashes, or postgresql://..."
    )


@contextmanager
def _driver() -> Iterator[None]:
    try:
        yield
    except (MissingExtra, ValueError) as error:
        raise TransferRefused(str(error)) from error
