"""Restoring a backup over the store of a data directory, or into an empty PostgreSQL database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from attrs import evolve, frozen

from albumcore import utc_now
from albumcore_adapters.base.data_directory import (
    DATABASE_FILE,
    DEMO_FILE,
    SECRET_FILE,
)
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.base.secret import copy_secret, load_secret
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.base.settings_file import CONFIG_FILE
from albumcore_adapters.blobs import open_blobs
from albumcore_adapters.directory.operator_notes import note_secret
from albumcore_adapters.erasure.erasure_list import ListedErasure
from albumcore_adapters.store import database_of
from albumcore_adapters.store.configured import open_store
from albumcore_adapters.transfer.blobs import check_left_images, restore_blobs
from albumcore_adapters.transfer.dump import verified
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.forgetting_again import (
    demanded_erasures,
    forget_again,
    write_list,
)
from albumcore_adapters.transfer.manifest import (
    Manifest,
    sync_tree,
)
from albumcore_adapters.transfer.sqlite_dump import companion_files, join_keys
from albumcore_adapters.transfer.swap import swapping


@frozen
class Restored:
    """The result of a restore.

    Attributes:
        manifest: The description of what was restored.
        old: Where the replaced data directory is now; None if there was none.
        secret: Whether the secret that tokens are signed with is that of the backup, the previous one ("kept"), or a
            new one, which invalidates every token.
        erased: How many events were erased again, because they were erased since the backup.
    """

    manifest: Manifest
    old: Path | None
    secret: Literal["backup", "kept", "new"]
    erased: int = 0


def restore(
    settings: Settings,
    backup: Path,
    stage: Stage,
    erasures: Sequence[ListedErasure] | None = None,
) -> Restored:
    """Replace the store of the settings by a backup, once all of it is in place and verified.

    A new data directory is made beside the existing one, and both are renamed; the old one remains. A PostgreSQL
    database must be empty. If the settings name a place outside of the data directory for image bytes, those of the
    backup are added to it. A place for image bytes or a secret file inside the data directory is made in the new one.

    Args:
        settings: Where the store is, or is to be made.
        backup: The directory of the backup, which is not changed.
        stage: Shows the progress.
        erasures: What was erased since the backup was made; it is erased again before the store is in place. A sealed
            store demands it.

    Raises:
        TransferRefused: the directory is not a backup, or the backup is of the other database system or of another
            version; it is not said what was erased since; a process has the store open; or the data directory cannot be
            replaced.
        BackupDamaged: the backup has changed, or the result does not verify. The existing store is not changed.
        BlobsUnavailable, StoreError, sqlite3.Error, OSError, SecretError: the database, the place of the image bytes
            or the file system fails. The existing store is not changed.
    """
    manifest = Manifest.read(backup)
    _check_origin(manifest, settings)
    again = demanded_erasures(manifest, erasures, settings.data)
    with stage("checking the backup", len(manifest.files)) as progress:
        manifest.check(backup, progress)
    if settings.database is not None:
        postgres_dump = import_module("albumcore_adapters.transfer.postgres_dump")
        erased = postgres_dump.load_postgres(settings, backup, manifest, stage, utc_now(), again)
        secret = _restore_secret(manifest, backup, settings.data, settings)
        return Restored(manifest, None, secret, erased)
    with swapping(settings.data, backup) as swap:
        new = _moved_to(swap.new, settings)
        _copy(backup / DATABASE_FILE, swap.new / DATABASE_FILE)
        if manifest.keys:
            join_keys(swap.new / DATABASE_FILE, backup)
        secret = _restore_secret(manifest, backup, swap.data, new)
        if (backup / DEMO_FILE).exists():
            _copy(backup / DEMO_FILE, swap.new / DEMO_FILE)
        if (swap.data / CONFIG_FILE).exists():
            _copy(swap.data / CONFIG_FILE, swap.new / CONFIG_FILE)
        restore_blobs(manifest, backup, open_blobs(new), stage)
        erased = _verify(new, manifest, stage, again)
        write_list(swap.new, again)
        for path in companion_files(swap.new / DATABASE_FILE):
            path.unlink(missing_ok=True)
        sync_tree(swap.new)
        swap.swap()
    return Restored(manifest, swap.old if swap.exists else None, secret, erased)


def _check_origin(manifest: Manifest, settings: Settings) -> None:
    if (manifest.origin == "sqlite") == (settings.database is None):
        return
    if settings.database is None:
        origin, other = "PostgreSQL", "ALBUMCORE_DATABASE names none"
    else:
        origin, other = "SQLite", "ALBUMCORE_DATABASE names one of PostgreSQL"
    raise TransferRefused(
        f"the backup is one of {origin}, and {other}: restore it where it came from, "
        "and take it to the other database by `albumcore copy`"
    )


def _verify(
    new: Settings, manifest: Manifest, stage: Stage, erasures: Sequence[ListedErasure]
) -> int:
    """Verify what was restored, and erase what was erased since; return how many events."""
    # Opened as the service opens it: a store of an older release is migrated, and a new secret is made if needed.
    secret = load_secret(new.data, new.secret_file)
    with closing(open_store(new, utc_now)) as albums:
        note_secret(database_of(albums), secret)
        found = verified(albums, "sqlite", stage)
        manifest.check_counts(found.events, found.position)
        blobs = open_blobs(new)
        erased = forget_again(albums, blobs, erasures, "sqlite", stage)
        check_left_images(manifest, albums, blobs, stage)
        return erased


def _moved_to(new: Path, settings: Settings) -> Settings:
    """Return the settings with the data directory, and every path inside it, moved to another directory."""
    places: dict[str, Any] = {"data": new}
    blobs = urlsplit(settings.blobs or "")
    if blobs.scheme == "file" and (inside := _path_inside(settings, Path(unquote(blobs.path)))):
        places["blobs"] = (new / inside).as_uri()
    if settings.secret_file is not None and (
        inside := _path_inside(settings, settings.secret_file)
    ):
        places["secret_file"] = new / inside
        places["secret_file"].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy(settings.secret_file, places["secret_file"])
    return evolve(settings, **places)


def _path_inside(settings: Settings, path: Path) -> Path | None:
    """Return a path relative to the data directory; None if it is not inside."""
    data, path = settings.data.resolve(), path.resolve()
    return path.relative_to(data) if path.is_relative_to(data) else None


def _restore_secret(
    manifest: Manifest, backup: Path, old: Path, new: Settings
) -> Literal["backup", "kept", "new"]:
    """Copy the right secret into the new data directory, and return which one it is."""
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
