"""What a backup holds of a database: a store as it was at one moment, verified."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, TypeAlias

from attrs import frozen

from albumcore import Albumcore
from albumcore_adapters.directory import problems_of
from albumcore_adapters.sql.migrations import schema_version
from albumcore_adapters.store import database_of
from albumcore_adapters.transfer.errors import BackupDamaged
from albumcore_adapters.transfer.manifest import BackupTable

Stage: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows a part of the work: told what it is, and of how many things if that is known; gives what to tell how many
are done."""

Origin: TypeAlias = Literal["sqlite", "postgresql"]
"""The database that a store is in."""


@frozen
class Snapshot:
    """A store as it was at one moment.

    Attributes:
        origin: The database it is in.
        schema: How many migrations it has been through.
        events: How many events there are.
        position: The position of the last of them; 0 where there is none.
        paths: The files of the backup that hold it.
        tables: What is in those files, where they hold a table each.
    """

    origin: Origin
    schema: int
    events: int
    position: int
    paths: tuple[str, ...] = ()
    tables: tuple[BackupTable, ...] = ()


def verified(albums: Albumcore, origin: Origin, stage: Stage) -> Snapshot:
    """Verify a store that does not change meanwhile, but for the image bytes, and say what it holds.

    Raises:
        BackupDamaged: it does not verify: a line for each thing that differs.
        StoreError: it cannot be read.
    """
    column: str = albums.recorder.position  # type: ignore[attr-defined]
    database = database_of(albums)
    with database.transaction(commit=False) as cursor:
        # Not by the recorder, which may read on a connection of its own.
        cursor.execute(f"SELECT count(*) AS number, max({column}) AS last FROM stored_events")  # noqa: S608
        [row] = cursor.fetchall()
    events, position = row["number"], row["last"] or 0
    with stage("verifying the events", events) as progress:
        problems = problems_of(database) + albums.verify(progress=progress)
    if problems:
        raise BackupDamaged("\n".join(problems))
    return Snapshot(origin, schema_version(database), events, position)
