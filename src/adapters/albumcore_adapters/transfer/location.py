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
from albumcore_adapters.store.sealing import OtherForm
from albumcore_adapters.transfer.endpoint import POSTGRES, SQLITE, Endpoint, Statements
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
    def target(self, *, sealed: bool) -> Iterator[tuple[Albumcore, Endpoint]]:
        """Open the store, with every table of this release. Where there is none, make an empty one.

        Args:
            sealed: Whether it is a sealed store, or in clear.

        Raises:
            TransferRefused: the driver or the cipher is not installed, or the store has the other form.
            StoreError: the database is damaged, or cannot be reached.
            OSError: the directory cannot be made.
        """
        with _driver():
            try:
                store, statements = self._opened(sealed=sealed)
            except OtherForm as error:
                form, other = ("sealed", "in clear") if sealed else ("in clear", "sealed")
                raise TransferRefused(
                    f"there is a store {other} at the place to copy to, and the copy is to be {form}: "
                    "name an empty place"
                ) from error
        with closing(store):
            yield store, Endpoint(database_of(store), statements)

    def _opened(self, *, sealed: bool) -> tuple[Albumcore, Statements]:
        if self.directory is None:
            return open_postgres(self.url or "", sealed=sealed), POSTGRES
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_sqlite(self.directory / DATABASE_FILE, sealed=sealed), SQLITE


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
