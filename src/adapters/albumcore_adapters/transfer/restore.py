"""Restoring a backup in the place of a store."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from attrs import evolve, frozen

from albumcore import utc_now
from albumcore_adapters.base.data_directory import (
    BLOBS_DIRECTORY,
    DATABASE_FILE,
    DEMO_FILE,
    SECRET_FILE,
)
from albumcore_adapters.base.secret import copy_secret, load_secret
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, DirectoryBlobs, open_blobs
from albumcore_adapters.store.opening import open_store
from albumcore_adapters.transfer.blobs import bring, check, look_for
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.manifest import (
    Manifest,
    listed_blobs,
    sync_tree,
)
from albumcore_adapters.transfer.snapshot import Stage, verified
from albumcore_adapters.transfer.sqlite import files_of
from albumcore_adapters.transfer.swap import swapping

_OTHER_DATABASE = (
    "the backup is one of {origin}, and {other}: restore it where it came from, "
    "and take it to the other database by `albumcore copy`"
)


@frozen
class Restored:
    """What a restore came to.

    Attributes:
        manifest: What was restored.
        old: Where the data directory stays that was there before; None where there was none.
        secret: Whether the secret by which tokens are signed is that of the backup, the one that was there before, or
            a new one, with which every token ends.
    """

    manifest: Manifest
    old: Path | None
    secret: Literal["backup", "kept", "new"]


def restore(settings: Settings, backup: Path, stage: Stage) -> Restored:
    """Put a backup in the place of the store of some settings, once all of it is there and verified.

    A data directory is made beside the one that is there, and takes its place by renaming both; the old one stays.
    A PostgreSQL database must be empty. Image bytes that the settings keep elsewhere are added to what is there;
    a place for them, or a secret, that they name within the data directory is within the new one.

    Args:
        settings: Where the store is, or is to be.
        backup: The directory of the backup. Nothing is changed in it.
        stage: Shows how it goes on.

    Raises:
        TransferRefused: it is no backup, or one of another database or a newer form; a process has the store open; or
            there is no place for it.
        BackupDamaged: something in it is not what it was, or does not verify. The store that is there stays as it is.
        BlobsUnavailable, StoreError, sqlite3.Error, OSError, SecretError: what is needed does not answer, or cannot
            be written. The store that is there stays as it is.
    """
    manifest = Manifest.read(backup)
    if settings.database is None and manifest.origin != "sqlite":
        told = {"origin": "PostgreSQL", "other": "ALBUMCORE_DATABASE names none"}
        raise TransferRefused(_OTHER_DATABASE.format(**told))
    if settings.database is not None and manifest.origin != "postgresql":
        told = {"origin": "SQLite", "other": "ALBUMCORE_DATABASE names one of PostgreSQL"}
        raise TransferRefused(_OTHER_DATABASE.format(**told))
    with stage("checking the backup", len(manifest.files)) as progress:
        manifest.check(backup, progress)
    if settings.database is not None:
        postgres = import_module("albumcore_adapters.transfer.postgres")
        postgres.put_back(settings, backup, manifest, stage, utc_now())
        return Restored(manifest, None, _bring_secret(manifest, backup, settings.data, settings))
    with swapping(settings.data, backup) as swap:
        new = _made_in(swap.new, settings)
        _copy(backup / DATABASE_FILE, swap.new / DATABASE_FILE)
        secret = _bring_secret(manifest, backup, swap.data, new)
        if (backup / DEMO_FILE).exists():
            _copy(backup / DEMO_FILE, swap.new / DEMO_FILE)
        bring_blobs(manifest, backup, open_blobs(new), stage)
        _verify(new, manifest, stage)
        for path in files_of(swap.new / DATABASE_FILE):
            path.unlink(missing_ok=True)
        sync_tree(swap.new)
        swap.swap()
    return Restored(manifest, swap.old if swap.is_there else None, secret)


def bring_blobs(manifest: Manifest, backup: Path, target: Blobs, stage: Stage) -> None:
    """Have a place hold all image bytes that the events of a backup refer to, and check them.

    Raises:
        BackupDamaged: some are missing, or damaged; they are named.
        BlobsUnavailable: a place does not answer.
    """
    if manifest.blobs_at is None:
        with stage("copying image bytes", manifest.blobs) as progress:
            bring(listed_blobs(backup), DirectoryBlobs(backup / BLOBS_DIRECTORY), target, progress)
    with stage("verifying image bytes", manifest.blobs) as progress:
        # What is on S3 was checked by its SHA-256 when it was put there.
        look = check if isinstance(target, DirectoryBlobs) else look_for
        look(listed_blobs(backup), target, progress)


def check_counts(manifest: Manifest, events: int, position: int) -> None:
    """Compare what was restored with what the manifest says.

    Raises:
        BackupDamaged: it is something else.
    """
    wanted = manifest.events, manifest.position
    if (events, position) != wanted:
        raise BackupDamaged(
            f"there are {events} events up to position {position}, and the manifest says {wanted[0]} "
            f"up to position {wanted[1]}"
        )


def _verify(new: Settings, manifest: Manifest, stage: Stage) -> None:
    # As the service opens it: what an older release made is brought to the form of this one.
    load_secret(new.data, new.secret_file)
    with closing(open_store(new, utc_now)) as albums:
        found = verified(albums, "sqlite", stage)
    check_counts(manifest, found.events, found.position)


def _made_in(new: Path, settings: Settings) -> Settings:
    """Settings by which the data directory, and what they name within it, is made somewhere else."""
    places: dict[str, Any] = {"data": new}
    blobs = urlsplit(settings.blobs or "")
    if blobs.scheme == "file" and (inside := _inside(settings, Path(unquote(blobs.path)))):
        places["blobs"] = (new / inside).as_uri()
    if settings.secret_file is not None and (inside := _inside(settings, settings.secret_file)):
        places["secret_file"] = new / inside
        places["secret_file"].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy(settings.secret_file, places["secret_file"])
    return evolve(settings, **places)


def _inside(settings: Settings, path: Path) -> Path | None:
    """Where a path is below the data directory; None if it is not there."""
    data, path = settings.data.resolve(), path.resolve()
    return path.relative_to(data) if path.is_relative_to(data) else None


def _bring_secret(
    manifest: Manifest, backup: Path, old: Path, new: Settings
) -> Literal["backup", "kept", "new"]:
    """Put the right secret into the new data directory, and tell which it is."""
    is_in_place = old == new.data
    if new.secret_file is not None or (is_in_place and (old / SECRET_FILE).exists()):
        return "kept"
    if manifest.has_secret:
        new.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_secret(backup, new.data)
        return "backup"
    return "kept" if not is_in_place and copy_secret(old, new.data) else "new"


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    with target.open("rb") as file:
        os.fsync(file.fileno())
