"""A sealed store, with what erases in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store import database_of, open_postgres, open_sqlite
from support.clock import Clock


@frozen
class Place:
    """A sealed store.

    Attributes:
        folder: Where its files are.
        url: Its database, if it is on PostgreSQL.
        albums: The store.
        clock: Its clock.
        open_again: Opens it once more, as another process does.
    """

    folder: Path
    url: str | None
    albums: Albumcore
    clock: Clock
    open_again: Callable[[], Albumcore]

    @property
    def database(self) -> Database:
        """Its database."""
        return database_of(self.albums)

    @property
    def eraser(self) -> Eraser:
        """What erases in it."""
        return Eraser(self.albums, self.database, self.clock, {}, self.folder / "erasures.jsonl")


def seal(data: Path, url: str | None = None) -> None:
    """Make a new, sealed store in a data directory, or in a PostgreSQL database."""
    if url is None:
        open_sqlite(data / DATABASE_FILE, sealed=True).close()
    else:
        open_postgres(url, sealed=True).close()
