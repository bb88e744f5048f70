"""The part of a backup that holds the database: a dump of one snapshot, verified."""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import frozen

from albumcore import Albumcore
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.directory.consistency import problems_of
from albumcore_adapters.sql.migrations import schema_version
from albumcore_adapters.store import database_of
from albumcore_adapters.store.sealing import is_sealed_store
from albumcore_adapters.transfer.errors import BackupDamaged
from albumcore_adapters.transfer.manifest import BackupTable

DatabaseSystem: TypeAlias = Literal["sqlite", "postgresql"]
"""The database system that a dump is from."""


@frozen
class Dump:
    """A dump of a database.

    Attributes:
        origin: The database system.
        schema: The version of its schema: the number of migrations that were applied.
        events: The number of events.
        position: The position of the last of them; 0 if there is none.
        paths: The files of the backup that hold the dump.
        key_paths: Those of them that hold what erasure deletes.
        is_sealed: Whether the store is sealed.
        tables: The content of those files, if each holds one table.
    """

    origin: DatabaseSystem
    schema: int
    events: int
    position: int
    paths: tuple[str, ...] = ()
    key_paths: tuple[str, ...] = ()
    is_sealed: bool = False
    tables: tuple[BackupTable, ...] = ()


def verified(albums: Albumcore, origin: DatabaseSystem, stage: Stage) -> Dump:
    """Verify a store that does not change meanwhile, except for its image bytes, and describe it.

    Raises:
        BackupDamaged: it does not verify: a line for each problem.
        StoreError: it cannot be read.
    """
    column: str = albums.recorder.position  # type: ignore[attr-defined]
    database = database_of(albums)
    with database.transaction(commit=False) as cursor:
        # The recorder is not used: it may read on a connection of its own, outside of the read transaction.
        cursor.execute(f"SELECT count(*) AS number, max({column}) AS last FROM stored_events")  # noqa: S608
        [row] = cursor.fetchall()
    events, position = row["number"], row["last"] or 0
    with stage("verifying the events", events) as progress:
        problems = problems_of(database) + albums.verify(progress=progress)
    if problems:
        raise BackupDamaged("\n".join(problems))
    return Dump(
        origin, schema_version(database), events, position, is_sealed=is_sealed_store(database)
    )
