"""Making a backup of a store while it is served."""

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
from albumcore_adapters.base.data_directory import BLOBS_DIRECTORY, DEMO_FILE, SECRET_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, DirectoryBlobs
from albumcore_adapters.transfer.blobs import bring, check, look_for, referred
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.manifest import (
    BLOB_LIST,
    Manifest,
    for_its_owner,
    listed_blobs,
)
from albumcore_adapters.transfer.snapshot import Snapshot, Stage
from albumcore_adapters.transfer.sqlite import take_sqlite


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
    """Back up a store: its database, as it is at one moment, and all image bytes that its events refer to.

    The store may be served and written to meanwhile. All that was acknowledged before the call is in it. Image bytes
    in a directory are copied, or linked within one file system; those on S3 are left there, and looked for.
    At the end the backup itself is verified as `albumcore verify` does, and then the manifest is written.

    Args:
        settings: Where the store is.
        albums: The open store.
        blobs: The place of its image bytes.
        backup: The directory to make: one that is empty, or does not exist. If the backup fails, it is left empty.
        stage: Shows the progress.
        at: The current time, for the manifest.
        secret: The secret that the service signs tokens with, to put it into the backup; None leaves it out.

    Raises:
        TransferRefused: the directory is not empty, or it is in the data directory.
        BackupDamaged: the store is damaged: image bytes are missing, or what was backed up does not verify.
        StoreError, sqlite3.Error: the database cannot be read.
        BlobsUnavailable: the place of the image bytes does not answer.
        OSError: the backup cannot be written.
    """
    with _new_directory(backup, settings.data.resolve()):
        if settings.database is None:
            taken = take_sqlite(albums, settings.data, backup, stage)
        else:
            taken = import_module("albumcore_adapters.transfer.postgres").take(
                albums, backup, stage
            )
        number, length = _list_blobs(albums, backup, taken, stage)
        is_here = isinstance(blobs, DirectoryBlobs)
        _bring_blobs(blobs, backup, number, stage)
        paths = [*taken.paths, BLOB_LIST]
        if secret is not None:
            _write(backup / SECRET_FILE, secret)
            paths.append(SECRET_FILE)
        if (demo := settings.data / DEMO_FILE).exists():
            _write(backup / DEMO_FILE, demo.read_bytes())
            paths.append(DEMO_FILE)
        return Manifest(
            made_at=at,
            release=version("albumcore"),
            origin=taken.origin,
            schema=taken.schema,
            events=taken.events,
            position=taken.position,
            blobs=number,
            blob_bytes=length,
            blobs_at=None if is_here else settings.blobs,
            has_secret=secret is not None,
            tables=taken.tables,
        ).written(backup, paths)


@contextmanager
def _new_directory(backup: Path, data: Path) -> Iterator[None]:
    """A directory for a backup, emptied again if the block fails."""
    if backup.resolve().is_relative_to(data):
        raise TransferRefused("a backup must be outside of the data directory: it is to outlive it")
    was_there = backup.exists()
    backup.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.listdir(backup):
        raise TransferRefused(f"{backup} is not empty: name a new directory for each backup")
    try:
        yield
    except BaseException:
        for path in backup.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not was_there:
            backup.rmdir()
        raise


def _list_blobs(albums: Albumcore, backup: Path, taken: Snapshot, stage: Stage) -> tuple[int, int]:
    """List the image bytes that the events refer to; how many there are, and how many bytes together."""
    number = total = 0
    with (
        stage("reading events", taken.events) as progress,
        open(backup / BLOB_LIST, "x", encoding="ascii", opener=for_its_owner) as file,
    ):
        for digest, length in referred(albums, taken.position, progress):
            file.write(f"{digest} {length}\n")
            number, total = number + 1, total + length
    return number, total


def _bring_blobs(source: Blobs, backup: Path, number: int, stage: Stage) -> None:
    if not isinstance(source, DirectoryBlobs):
        with stage("looking for image bytes", number) as progress:
            look_for(listed_blobs(backup), source, progress)
        return
    target = DirectoryBlobs(backup / BLOBS_DIRECTORY)
    with stage("copying image bytes", number) as progress:
        bring(listed_blobs(backup), source, target, progress)
    with stage("verifying image bytes", number) as progress:
        check(listed_blobs(backup), target, progress)


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb", opener=for_its_owner) as file:
        file.write(content)
