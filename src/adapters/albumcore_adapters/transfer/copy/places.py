"""The two places of a copy, by their addresses."""

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
from albumcore_adapters.transfer.copy.statements import POSTGRES, SQLITE, Side

NONE = "there is no store to copy from"


class CopyRefused(Exception):
    """A copy cannot be made, or go on, as it was asked for: a sentence that says why, and repeats no address."""


@frozen
class Place:
    """Where a store is, or is to be.

    Attributes:
        directory: The data directory; None for PostgreSQL, whose database has no images and no secret in it.
        url: The address of the PostgreSQL database, which may hold a password; None for a directory.
    """

    directory: Path | None = None
    url: str | None = field(default=None, repr=False)

    @contextmanager
    def opened(self) -> Iterator[Side]:
        """The database of the store that is here, which is not changed by being opened.

        Raises:
            CopyRefused: there is none, or the driver for it is not installed.
            StoreError: it is damaged, or cannot be reached.
        """
        if self.directory is not None:
            file = self.directory.absolute() / DATABASE_FILE
            if not (file.is_file() and file.stat().st_size):
                raise CopyRefused(NONE)
            with closing(SQLiteDatabase(file.as_uri(), 30)) as database:
                yield Side(database, SQLITE)
            return
        with _driver():
            if not has_postgres_store(self.url or ""):
                raise CopyRefused(NONE)
        pool = import_module("albumcore_adapters.sql.postgres")
        with closing(pool.PostgresDatabase(self.url)) as database:
            yield Side(database, POSTGRES)

    @contextmanager
    def made(self) -> Iterator[tuple[Albumcore, Side]]:
        """The store that is here, with every table; an empty one is made where there is none.

        Raises:
            CopyRefused: the driver for it is not installed.
            StoreError: it is damaged, or cannot be reached.
            OSError: the directory cannot be made.
        """
        if self.directory is not None:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            store, words = open_sqlite(self.directory / DATABASE_FILE), SQLITE
        else:
            with _driver():
                store, words = open_postgres(self.url or ""), POSTGRES
        with closing(store):
            database = database_of(store)
            yield store, Side(database, words)


def place_of(url: str) -> Place:
    """The place that an address names.

    Args:
        url: ``sqlite:///path/to/data-directory``, or ``postgresql://...`` as for ALBUMCORE_DATABASE.

    Raises:
        CopyRefused: it is neither.
    """
    # A bracket without its other half is an error of the library's, whose message may quote a password.
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("postgresql", "postgres"):
            return Place(url=url)
        path = unquote(parts.path)
        if parts.scheme == "sqlite" and not parts.netloc and path.strip("/") and "\0" not in path:
            return Place(directory=Path(path))
    raise CopyRefused(
        "an address is sqlite:///PATH/OF/THE/DATA/DIRECTORY, with three slashes, or postgresql://..."
    )


@contextmanager
def _driver() -> Iterator[None]:
    try:
        yield
    except (MissingExtra, ValueError) as error:
        raise CopyRefused(str(error)) from error
