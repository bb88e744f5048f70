"""The dump of a PostgreSQL database: a file for each table, in the text format of COPY."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from attrs import evolve

from albumcore import Albumcore
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import open_blobs
from albumcore_adapters.erasure.erasure_list import ListedErasure
from albumcore_adapters.sql.migrations import MIGRATIONS
from albumcore_adapters.sql.postgres_cursor import (
    NO_STATEMENT_TIMEOUT,
    PortableCursor,
    translated_errors,
)
from albumcore_adapters.store import database_of
from albumcore_adapters.store.sealing import is_sealed_store
from albumcore_adapters.transfer.blobs import check_left_images, restore_blobs
from albumcore_adapters.transfer.dump import Dump, verified
from albumcore_adapters.transfer.endpoint import POSTGRES, Endpoint
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.forgetting_again import forget_again, write_list
from albumcore_adapters.transfer.location import Location
from albumcore_adapters.transfer.manifest import (
    KEYS_DIRECTORY,
    BackupTable,
    Manifest,
    private_opener,
)
from albumcore_adapters.transfer.marker import (
    is_unfinished,
    mark_finished,
    mark_unfinished,
)
from albumcore_adapters.transfer.tables import (
    EVENT_TABLE,
    SHORT_LIVED,
    Table,
    column_name,
    count,
    is_empty,
    transferred_tables,
)

_CHUNK = 1024 * 1024  # bytes read at a time


def dump_postgres(albums: Albumcore, backup: Path, stage: Stage) -> Dump:
    """Copy every table that is not derived from the events into a backup, and verify the store.

    Everything is read in one read transaction.

    Raises:
        BackupDamaged: the store does not verify.
        StoreError: an operation on the database failed.
    """
    source = Endpoint(database_of(albums), POSTGRES)
    keys = SHORT_LIVED if is_sealed_store(source.database) else ()
    for name in ("tables", *([KEYS_DIRECTORY] if keys else [])):
        (backup / name).mkdir(mode=0o700)
    with source.database.read_snapshot():
        with source.database.transaction(commit=False) as cursor:
            cursor.execute(NO_STATEMENT_TIMEOUT)  # a table of any size is one statement
        # The tables have all columns of this release: opening the store has migrated it.
        wanted = transferred_tables()
        with stage("copying tables", len(wanted)) as progress:
            tables = []
            for number, table in enumerate(wanted, 1):
                tables.append(_copy_out(source, table, backup, is_key=table.name in keys))
                progress(number)
        dump = verified(albums, "postgresql", stage)
    paths, key_paths = (
        tuple(table.path for table in tables if table.is_key == is_key) for is_key in (False, True)
    )
    return evolve(dump, paths=paths, key_paths=key_paths, tables=tuple(tables))


def load_postgres(
    settings: Settings,
    backup: Path,
    manifest: Manifest,
    stage: Stage,
    at: datetime,
    erasures: Sequence[ListedErasure],
) -> int:
    """Load the tables and the image bytes of a backup into the empty database of the settings, and verify the result.

    Then what was erased since the backup is erased again; the number of its events is returned.

    If this fails or is cut off, the database remains marked as an unfinished copy, which no command opens.

    Raises:
        TransferRefused: the database is not empty, or the backup has the schema of another release.
        BackupDamaged: the result does not verify, or differs from the manifest.
        StoreError, BlobsUnavailable: an operation on the database, or on the place of the image bytes, failed.
    """
    if manifest.schema != len(MIGRATIONS):
        raise TransferRefused(
            f"the tables of the backup are of version {manifest.schema}, and those of this release of version "
            f"{len(MIGRATIONS)}: restore it with albumcore {manifest.release}, and then open it with this release"
        )
    tables = _known(manifest.tables)
    with Location(url=settings.database).target(sealed=manifest.is_sealed) as (store, target):
        if not is_empty(target):
            raise TransferRefused(
                "there is a store in the database, or an unfinished one: name an empty database"
            )
        if not is_unfinished(target.database):
            mark_unfinished(target.database, at)
        blobs = open_blobs(settings)
        restore_blobs(manifest, backup, blobs, stage)
        _copy_in(target, tables, backup, stage)
        for table in tables:
            if table.number is not None and table.given:
                target.advance_identity(table.name, table.number, table.given)
        with stage("making the index rows", manifest.events) as progress:
            store.rebuild(progress)
        found = verified(store, "postgresql", stage)
        manifest.check_counts(found.events, found.position)
        found_rows = {table.name: count(target, table) for table in transferred_tables()}
        for table in tables:
            rows = found_rows[table.name]
            # There may be more rows than the backup has: opening the store may add some.
            if rows < table.rows:
                raise BackupDamaged(
                    f"{table.name}: {rows} rows, and the manifest says {table.rows}"
                )
        erased = forget_again(store, blobs, erasures, "postgresql", stage)
        check_left_images(manifest, store, blobs, stage)
        write_list(settings.data, erasures)
        mark_finished(target.database)
    return erased


def _known(tables: Sequence[BackupTable]) -> Sequence[BackupTable]:
    """Return the tables, after checking that this release knows their names and columns, which become part of SQL."""
    known = {table.name: {*table.columns} for table in transferred_tables()}
    known[EVENT_TABLE.name].add(POSTGRES.position)
    for table in tables:
        columns = {*table.columns, *([table.number] if table.number else [])}
        if unknown := columns - known.get(table.name, set()):
            raise TransferRefused(
                f"a newer albumcore made the backup, and must restore it: {table.name}.{min(unknown)}"
            )
    return tables


def _copy_out(source: Endpoint, table: Table, backup: Path, *, is_key: bool) -> BackupTable:
    identity = None if table.identity is None else column_name(source, table, table.identity)
    last = 0 if identity is None else source.last_identity(table.name, identity)
    columns = tuple(column_name(source, table, column) for column in table.columns)
    found = BackupTable(table.name, columns, count(source, table), identity, last, is_key)
    statement = f"COPY {found.name} ({_quoted(columns)}) TO STDOUT"
    with source.database.transaction(commit=False) as one:
        cursor = cast(PortableCursor, one)
        with (
            translated_errors(),
            open(backup / found.path, "xb", opener=private_opener) as file,
            cursor.copy(statement.encode()) as copy,
        ):
            file.writelines(copy)
    return found


def _copy_in(target: Endpoint, tables: Sequence[BackupTable], backup: Path, stage: Stage) -> None:
    with (
        stage("restoring tables", len(tables)) as progress,
        target.database.transaction(commit=True) as one,
    ):
        cursor = cast(PortableCursor, one)
        cursor.execute(NO_STATEMENT_TIMEOUT)
        for number, table in enumerate(tables, 1):
            cursor.execute(f"DELETE FROM {table.name}")  # noqa: S608
            statement = f"COPY {table.name} ({_quoted(table.columns)}) FROM STDIN"
            with (
                translated_errors(),
                (backup / table.path).open("rb") as file,
                cursor.copy(statement.encode()) as copy,
            ):
                while block := file.read(_CHUNK):
                    copy.write(block)
            progress(number)


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)  # some are SQL keywords
