"""The dump of an SQLite database: a consistent copy of the file, made while it is in use."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

from attrs import evolve

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.progress import ReportProgress, Stage
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store import check_sqlite, database_of, open_sqlite_to_read
from albumcore_adapters.transfer.dump import Dump, verified
from albumcore_adapters.transfer.errors import BackupDamaged
from albumcore_adapters.transfer.manifest import KEYS_DIRECTORY, private_opener
from albumcore_adapters.transfer.tables import REBUILT, SHORT_LIVED

_KEY_FILE = f"{KEYS_DIRECTORY}/{DATABASE_FILE}"
"""The file of the keys, a database with the tables `SHORT_LIVED`."""

_POLL_SECONDS = 0.2
"""Time between two looks at the size of the copy: SQLite does not report its progress."""


def dump_sqlite(albums: Albumcore, data: Path, backup: Path, stage: Stage) -> Dump:
    """Copy the database of an open store into a backup, and verify the copy, which is opened read-only.

    Raises:
        BackupDamaged: the copy does not verify, or its events are at other positions.
        sqlite3.Error, StoreError: the database cannot be read, or the copy cannot be written.
    """
    file = backup / DATABASE_FILE
    size = (data / DATABASE_FILE).stat().st_size
    with stage("copying the database", size) as progress:
        _vacuum_into(cast(SQLiteDatabase, database_of(albums)), file, progress)
    if problems := check_sqlite(file).problems:
        raise BackupDamaged("\n".join(problems))
    with closing(open_sqlite_to_read(file)) as copy:
        dump = verified(copy, "sqlite", stage)
        # Followers of the history depend on positions, and SQLite does not guarantee that VACUUM preserves rowids.
        if _sum_of_positions(copy, dump.position) != _sum_of_positions(albums, dump.position):
            raise BackupDamaged("the events of the copy are not at the positions of the store")
    if not dump.is_sealed:
        return evolve(dump, paths=(DATABASE_FILE,))
    with stage("separating the keys", None):
        _separate_keys(file, backup / _KEY_FILE)
    return evolve(dump, paths=(DATABASE_FILE,), key_paths=(_KEY_FILE,))


def _separate_keys(file: Path, keys: Path) -> None:
    """Move the tables with what erasure deletes to a file of their own; leave out what is derived from the events.

    Raises:
        sqlite3.Error: a file cannot be read or written.
    """
    keys.parent.mkdir(mode=0o700)
    open(keys, "xb", opener=private_opener).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        # A rollback journal would be a third file with what is moved. If this is cut off, there is no backup.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("ATTACH ? AS keys", [os.fspath(keys)])
        for name in SHORT_LIVED:
            connection.execute(f"CREATE TABLE keys.{name} AS SELECT * FROM main.{name}")  # noqa: S608
        for name in (*SHORT_LIVED, *REBUILT):
            connection.execute(f"DELETE FROM main.{name}")  # noqa: S608
        connection.execute("DETACH keys")
        connection.execute("VACUUM")


def join_keys(file: Path, backup: Path) -> None:
    """Put the keys of a backup into the restored file, from which they were separated.

    Raises:
        sqlite3.Error: a file cannot be read or written.
    """
    keys = f"{(backup / _KEY_FILE).absolute().as_uri()}?mode=ro"
    with closing(
        sqlite3.connect(file.absolute().as_uri(), uri=True, isolation_level=None)
    ) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("ATTACH ? AS keys", [keys])
        for name in SHORT_LIVED:
            columns = [row[1] for row in connection.execute(f"PRAGMA keys.table_info({name})")]
            if not columns:
                continue  # the backup is of a release that did not have it
            quoted = ", ".join(f'"{column}"' for column in columns)
            select = f"SELECT {quoted} FROM keys.{name}"  # noqa: S608
            connection.execute(f"INSERT INTO main.{name} ({quoted}) {select}")
        connection.execute("DETACH keys")


def _vacuum_into(database: SQLiteDatabase, file: Path, progress: ReportProgress) -> None:
    """Write one snapshot of a database to a new file, without deleted content.

    Other processes may commit meanwhile, because VACUUM INTO reads in one transaction. SQLite's online backup API
    would start over at each of their commits, and might never finish.

    Raises:
        sqlite3.Error: the database cannot be read, or the file cannot be written.
    """
    # SQLite accepts an empty file here. One that it makes itself would be readable by other users.
    open(file, "xb", opener=private_opener).close()
    connection = database.connections.acquire(is_writer=False)
    try:
        with _reported_size(file, progress):
            connection.execute("VACUUM INTO ?", [os.fspath(file)])
    finally:
        database.connections.release(connection, is_writer=False)


@contextmanager
def _reported_size(file: Path, progress: ReportProgress) -> Iterator[None]:
    stopped = threading.Event()

    def poll() -> None:
        while not stopped.wait(_POLL_SECONDS):
            progress(file.stat().st_size if file.exists() else 0)

    poller = threading.Thread(target=poll, daemon=True)
    poller.start()
    try:
        yield
    finally:
        stopped.set()
        poller.join()


def _sum_of_positions(store: Albumcore, until: int) -> tuple[int, int]:
    column: str = store.recorder.position  # type: ignore[attr-defined]
    with database_of(store).transaction(commit=False) as cursor:
        cursor.execute(
            f"SELECT count(*) AS number, sum({column}) AS sum FROM stored_events WHERE {column} <= ?",  # noqa: S608
            [until],
        )
        [row] = cursor.fetchall()
    return row["number"], row["sum"] or 0


def companion_files(file: Path) -> list[Path]:
    """Return the files that may be beside an open SQLite file, and must be removed with it."""
    suffixes = ("-wal", "-shm", "-journal", "-commits", "-opening", "-open")
    return [file.with_name(f"{file.name}{suffix}") for suffix in suffixes]
