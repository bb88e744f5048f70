"""Places for stores: data directories, with or without a PostgreSQL database beside them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import frozen

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, open_blobs
from albumcore_adapters.transfer.location import Location
from support.postgres import empty_database

SYSTEMS = ("sqlite", "postgres")


@frozen
class Place:
    """A data directory, and the PostgreSQL database beside it, if there is one."""

    data: Path
    database: str | None = None

    @property
    def location(self) -> Location:
        """Where its tables are."""
        if self.database is not None:
            return Location(url=self.database)
        return Location(directory=self.data)

    @property
    def blobs(self) -> Blobs:
        """Its images, which are in the data directory."""
        return open_blobs(Settings(data=self.data))

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        """What a SELECT finds."""
        with (
            self.location.source() as endpoint,
            endpoint.database.transaction(commit=False) as cursor,
        ):
            cursor.execute(select.format(position=endpoint.statements.position))
            names = [column[0] for column in cursor.description]
            return [tuple(row[name] for name in names) for row in cursor.fetchall()]

    def run(self, *statements: str) -> None:
        """Change the database without albumcore."""
        with (
            self.location.source() as endpoint,
            endpoint.database.transaction(commit=True) as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)


def place_for(system: str, data: Path, stack: ExitStack) -> Place:
    """A place for a store, with nothing in it."""
    return Place(data, None if system == "sqlite" else stack.enter_context(empty_database()))
