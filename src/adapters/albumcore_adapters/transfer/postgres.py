"""A store in PostgreSQL: its tables, read in one transaction, and put back into an empty database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from attrs import evolve

from albumcore import Albumcore
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import open_blobs
from albumcore_adapters.sql.migrations import MIGRATIONS
from albumcore_adapters.sql.postgres_cursor import (
    UNHURRIED,
    PortableCursor,
    known_errors,
)
from albumcore_adapters.store import database_of
from albumcore_adapters.transfer.copy.places import Place
from albumcore_adapters.transfer.copy.statements import POSTGRES, Side
from albumcore_adapters.transfer.copy.tables import (
    EVENTS,
    Table,
    count,
    is_empty,
    named,
    tables_beside_events,
)
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.manifest import BackupTable, Manifest, for_its_owner
from albumcore_adapters.transfer.marker import (
    is_unfinished,
    mark_finished,
    mark_unfinished,
)
from albumcore_adapters.transfer.restore import bring_blobs, check_counts
from albumcore_adapters.transfer.snapshot import Snapshot, Stage, verified

_PIECE = 1024 * 1024  # bytes read at a time


def take(albums: Albumcore, backup: Path, stage: Stage) -> Snapshot:
    """Copy every table of a store into a backup, but for those that are made from the events, and verify the store.

    All is read in one transaction. Each table is in a file of the text format of COPY.

    Raises:
        BackupDamaged: the store does not verify.
        StoreError: the database did not do its part.
    """
    side = Side(database_of(albums), POSTGRES)
    (backup / "tables").mkdir(mode=0o700)
    with side.database.read_snapshot():
        with side.database.transaction(commit=False) as cursor:
            cursor.execute(UNHURRIED)  # a table is one statement, however large it is
        # With all columns: the store was opened, and so brought to the form of this release.
        wanted = _tables()
        with stage("copying tables", len(wanted)) as progress:
            tables = []
            for number, table in enumerate(wanted, 1):
                tables.append(_copy_out(side, table, backup))
                progress(number)
        snapshot = verified(albums, "postgresql", stage)
    paths = tuple(table.path for table in tables)
    return evolve(snapshot, paths=paths, tables=tuple(tables))


def put_back(
    settings: Settings, backup: Path, manifest: Manifest, stage: Stage, at: datetime
) -> None:
    """Put the tables of a backup, and its image bytes, where some settings say, and verify what is there then.

    If it fails, or is cut off, the database counts as an unfinished copy, which no command opens.

    Raises:
        TransferRefused: the database is not empty, or the backup is of a newer release.
        BackupDamaged: what is there does not verify, or is not what the manifest says.
        StoreError, BlobsUnavailable: the database, or the place of the image bytes, did not do its part.
    """
    if manifest.schema != len(MIGRATIONS):
        raise TransferRefused(
            f"the tables of the backup are of version {manifest.schema}, and those of this release of version "
            f"{len(MIGRATIONS)}: restore it with albumcore {manifest.release}, and then open it with this release"
        )
    tables = _known(manifest.tables)
    with Place(url=settings.database).made() as (store, side):
        if not is_empty(side):
            raise TransferRefused(
                "there is a store in the database, or an unfinished one: name an empty database"
            )
        if not is_unfinished(side.database):
            mark_unfinished(side.database, at)
        bring_blobs(manifest, backup, open_blobs(settings), stage)
        _copy_in(side, tables, backup, stage)
        for table in tables:
            if table.number is not None and table.given:
                side.give(table.name, table.number, table.given)
        with stage("making the index rows", manifest.events) as progress:
            store.rebuild(progress)
        found = verified(store, "postgresql", stage)
        check_counts(manifest, found.events, found.position)
        there = {table.name: count(side, table) for table in _tables()}
        for table in tables:
            rows = there[table.name]
            # To open the store may add to what numbers are given by.
            if rows < table.rows:
                raise BackupDamaged(
                    f"{table.name}: {rows} rows, and the manifest says {table.rows}"
                )
        mark_finished(side.database)


def _tables() -> Sequence[Table]:
    return EVENTS, *tables_beside_events()


def _known(tables: Sequence[BackupTable]) -> Sequence[BackupTable]:
    """The tables, all of whose names and columns this release knows: they become part of statements."""
    known = {table.name: {*table.columns} for table in _tables()}
    known[EVENTS.name].add(POSTGRES.position)
    for table in tables:
        columns = {*table.columns, *([table.number] if table.number else [])}
        if unknown := columns - known.get(table.name, set()):
            raise TransferRefused(
                f"a newer albumcore made the backup, and must restore it: {table.name}.{min(unknown)}"
            )
    return tables


def _copy_out(side: Side, table: Table, backup: Path) -> BackupTable:
    number = None if table.number is None else named(side, table, table.number)
    given = 0 if number is None else side.given(table.name, number)
    columns = tuple(named(side, table, column) for column in table.columns)
    found = BackupTable(table.name, columns, count(side, table), number, given)
    statement = f"COPY {found.name} ({_quoted(columns)}) TO STDOUT"
    with side.database.transaction(commit=False) as one:
        cursor = cast(PortableCursor, one)
        with (
            known_errors(),
            open(backup / found.path, "xb", opener=for_its_owner) as file,
            cursor.copy(statement.encode()) as copy,
        ):
            file.writelines(copy)
    return found


def _copy_in(side: Side, tables: Sequence[BackupTable], backup: Path, stage: Stage) -> None:
    with (
        stage("restoring tables", len(tables)) as progress,
        side.database.transaction(commit=True) as one,
    ):
        cursor = cast(PortableCursor, one)
        cursor.execute(UNHURRIED)
        for number, table in enumerate(tables, 1):
            cursor.execute(f"DELETE FROM {table.name}")  # noqa: S608
            statement = f"COPY {table.name} ({_quoted(table.columns)}) FROM STDIN"
            with (
                known_errors(),
                (backup / table.path).open("rb") as file,
                cursor.copy(statement.encode()) as copy,
            ):
                while block := file.read(_PIECE):
                    copy.write(block)
            progress(number)


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)  # some are words of SQL too
