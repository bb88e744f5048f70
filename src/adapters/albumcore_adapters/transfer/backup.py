"""Backing up a store while it is in use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import (
    BLOBS_DIRECTORY,
    DEMO_FILE,
    SECRET_FILE,
)
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, DirectoryBlobs
from albumcore_adapters.transfer.blobs import (
    check_digests,
    check_existence,
    copy_listed,
    referenced,
)
from albumcore_adapters.transfer.dump import Dump
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.manifest import (
    BLOB_LIST,
    Manifest,
    listed_blobs,
    private_opener,
)
from albumcore_adapters.transfer.sqlite_dump import dump_sqlite


def back_up(
    settings: Settings,
    albums: Albumcore,
    blobs: Blobs,
    backup: Path,
    stage: Stage,
    *,
    at: datetime,
    secret: bytes | None = None,
) -> Manifest:
    """Back up an open store: one snapshot of its database, and all image bytes that its events refer to.

    The store may be in use; everything that was committed before the call is included. Image bytes in a directory are
    copied, or hard-linked within one file system. Those on S3 are not copied: it is checked that they exist. The dump
    is verified as `albumcore verify` does, and the manifest is written last.

    Args:
        settings: Where the store is.
        albums: The open store.
        blobs: Its image bytes.
        backup: The directory to make. It is empty or does not exist. If the backup fails, nothing is left in it.
        stage: Shows the progress.
        at: The current time, for the manifest.
        secret: The secret that tokens are signed with; None leaves it out of the backup.

    Raises:
        TransferRefused: the directory is not empty, or is inside the data directory.
        BackupDamaged: the store is damaged: image bytes are missing, or the dump does not verify.
        StoreError, sqlite3.Error: the database cannot be read.
        BlobsUnavailable: the place of the image bytes does not answer.
        OSError: the backup cannot be written.
    """
    with _new_directory(backup, settings.data.resolve()):
        if settings.database is None:
            dump = dump_sqlite(albums, settings.data, backup, stage)
        else:
            postgres_dump = import_module("albumcore_adapters.transfer.postgres_dump")
            dump = postgres_dump.dump_postgres(albums, backup, stage)
        number, length = _list_blobs(albums, backup, dump, stage)
        _back_up_blobs(blobs, backup, number, stage)
        small_files = _write_small_files(settings.data, backup, secret)
        paths = [*dump.paths, BLOB_LIST, *small_files]
        return Manifest(
            made_at=at,
            release=version("albumcore"),
            origin=dump.origin,
            schema=dump.schema,
            events=dump.events,
            position=dump.position,
            blobs=number,
            blob_bytes=length,
            blobs_at=None if isinstance(blobs, DirectoryBlobs) else settings.blobs,
            has_secret=secret is not None,
            is_sealed=dump.is_sealed,
            tables=dump.tables,
        ).written(backup, paths, dump.key_paths)


@contextmanager
def _new_directory(backup: Path, data: Path) -> Iterator[None]:
    """Make the directory of a backup, and empty it again if the block fails."""
    if backup.resolve().is_relative_to(data):
        raise TransferRefused("a backup must be outside of the data directory: it is to outlive it")
    existed = backup.exists()
    backup.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.listdir(backup):
        raise TransferRefused(f"{backup} is not empty: name a new directory for each backup")
    try:
        yield
    except BaseException:
        for path in backup.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not existed:
            backup.rmdir()
        raise


def _list_blobs(albums: Albumcore, backup: Path, dump: Dump, stage: Stage) -> tuple[int, int]:
    """Write the list of blobs that the events refer to; return their number and their total length in bytes."""
    number = total = 0
    with (
        stage("reading events", dump.events) as progress,
        open(backup / BLOB_LIST, "x", encoding="ascii", opener=private_opener) as file,
    ):
        for digest, length in referenced(albums, dump.position, progress):
            file.write(f"{digest} {length}\n")
            number, total = number + 1, total + length
    return number, total


def _back_up_blobs(source: Blobs, backup: Path, number: int, stage: Stage) -> None:
    if not isinstance(source, DirectoryBlobs):
        with stage("looking for image bytes", number) as progress:
            check_existence(listed_blobs(backup), source, progress)
        return
    target = DirectoryBlobs(backup / BLOBS_DIRECTORY)
    with stage("copying image bytes", number) as progress:
        copy_listed(listed_blobs(backup), source, target, progress)
    with stage("verifying image bytes", number) as progress:
        check_digests(listed_blobs(backup), target, progress)


def _write_small_files(data: Path, backup: Path, secret: bytes | None) -> Iterator[str]:
    """Write the secret, and the marker of the demo, to the backup; yield their names."""
    demo = data / DEMO_FILE
    contents = {SECRET_FILE: secret, DEMO_FILE: demo.read_bytes() if demo.exists() else None}
    for name, content in contents.items():
        if content is not None:
            with open(backup / name, "xb", opener=private_opener) as file:
                file.write(content)
            yield name
