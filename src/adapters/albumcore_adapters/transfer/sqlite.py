"""The database file of a store: a consistent copy of it, opened without being changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

from attrs import evolve

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store import check_sqlite, database_of, open_sqlite_to_read
from albumcore_adapters.transfer.errors import BackupDamaged
from albumcore_adapters.transfer.manifest import for_its_owner
from albumcore_adapters.transfer.snapshot import Snapshot, Stage, verified

_LOOK_EVERY = 0.2
"""Seconds between two looks at how far a copy has come: SQLite does not tell."""


def take_sqlite(live: Albumcore, data: Path, backup: Path, stage: Stage) -> Snapshot:
    """Copy the database file of a store into a backup, and verify the copy.

    Raises:
        BackupDamaged: the copy does not verify, or its positions are not those of the store.
        sqlite3.Error, StoreError: the database cannot be read, or the copy cannot be written.
    """
    file = backup / DATABASE_FILE
    size = (data / DATABASE_FILE).stat().st_size
    with stage("copying the database", size) as progress:
        _vacuum_into(cast(SQLiteDatabase, database_of(live)), file, progress)
    if problems := check_sqlite(file).problems:
        raise BackupDamaged("\n".join(problems))
    with closing(open_sqlite_to_read(file)) as copy:
        snapshot = verified(copy, "sqlite", stage)
        # Those that follow the history go by positions, and SQLite does not promise that VACUUM keeps them.
        if _sum_of_positions(copy, snapshot.position) != _sum_of_positions(live, snapshot.position):
            raise BackupDamaged("the events of the copy are not at the positions of the store")
    return evolve(snapshot, paths=(DATABASE_FILE,))


def _vacuum_into(database: SQLiteDatabase, file: Path, progress: Callable[[int], None]) -> None:
    """Write what a database holds at this moment to a new file. Nothing that was deleted is in it.

    The store may be written to meanwhile, by any process: all is read in one transaction. SQLite's online backup begins
    again at each commit of another process, and so may never end.

    Raises:
        sqlite3.Error: the database cannot be read, or the file cannot be written.
    """
    # SQLite takes an empty file for a new one, and would let all read one that it makes.
    open(file, "xb", opener=for_its_owner).close()
    connection = database.connections.acquire(is_writer=False)
    try:
        with _watched(file, progress):
            connection.execute("VACUUM INTO ?", [os.fspath(file)])
    finally:
        database.connections.release(connection, is_writer=False)


@contextmanager
def _watched(file: Path, progress: Callable[[int], None]) -> Iterator[None]:
    has_ended = threading.Event()

    def look() -> None:
        while not has_ended.wait(_LOOK_EVERY):
            progress(file.stat().st_size if file.exists() else 0)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        has_ended.set()
        looking.join()


def _sum_of_positions(store: Albumcore, until: int) -> tuple[int, int]:
    column: str = store.recorder.position  # type: ignore[attr-defined]
    database: Database = database_of(store)
    with database.transaction(commit=False) as cursor:
        cursor.execute(
            f"SELECT count(*) AS number, sum({column}) AS sum FROM stored_events WHERE {column} <= ?",  # noqa: S608
            [until],
        )
        [row] = cursor.fetchall()
    return row["number"], row["sum"] or 0


def files_of(file: Path) -> list[Path]:
    """The files beside a database file that belong to it while it is open, and must not outlive it."""
    suffixes = ("-wal", "-shm", "-journal", "-commits", "-opening", "-open")
    return [file.with_name(f"{file.name}{suffix}") for suffix in suffixes]
