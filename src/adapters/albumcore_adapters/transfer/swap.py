"""Replacing a data directory by another. The process may be killed after any step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from attrs import frozen

from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.posix import fcntl, sync_directory
from albumcore_adapters.sql.open_lock import OpenLock, is_at
from albumcore_adapters.store import StoreUnavailable
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.marker import before_restore


@frozen
class Swap:
    """A data directory that is about to be replaced.

    Attributes:
        data: The data directory.
        new: The directory that replaces it: ``<data>.restoring``.
        old: Where the replaced directory remains: ``<data>.before-restore``.
        exists: Whether there is a data directory that is not empty. Only then it is renamed.
    """

    data: Path
    new: Path
    old: Path
    exists: bool

    def swap(self) -> None:
        """Replace the data directory, and sync the change to disk.

        It takes two renames. If the process is killed between them, the data directory is missing, and the old one is
        beside its place: no command makes an empty store then, and the next restore first renames the old one back.

        Raises:
            TransferRefused: the data directory cannot be renamed, or another one was made in its place meanwhile.
        """
        if self.exists:
            try:
                os.rename(self.data, self.old)
            except OSError as error:
                raise TransferRefused(
                    f"{self.data} cannot be renamed ({error.strerror}), as where something is mounted on it: "
                    "let ALBUMCORE_DATA be a directory below"
                ) from error
            sync_directory(self.data.parent)
        try:
            os.rename(self.new, self.data)  # an empty directory is replaced
        except OSError as error:
            raise TransferRefused(
                f"something was made at {self.data} meanwhile; "
                f"the old data directory, if there was one, is {self.old}"
            ) from error
        sync_directory(self.data.parent)


@contextmanager
def swapping(data: Path, backup: Path) -> Iterator[Swap]:
    """Lock a data directory exclusively, and make an empty directory beside it for its replacement.

    If an earlier restore was cut off, it is undone first: the old data directory is renamed back. The new directory
    is removed at the end, unless it has become the data directory.

    Args:
        data: The data directory, which need not exist. A symbolic link is followed, and remains.
        backup: The directory that is read meanwhile. It is not changed.

    Raises:
        TransferRefused: the backup is inside one of the directories, or contains one; a process has the store open;
            another restore is running; the old data directory of an earlier restore still exists; or the data
            directory is a mount point.
        OSError: no directory can be made beside it.
    """
    data = data.resolve()
    old, new = before_restore(data), data.with_name(f"{data.name}.restoring")
    backup = backup.resolve()
    if data.is_relative_to(backup) or any(map(backup.is_relative_to, (data, new, old))):
        raise TransferRefused(
            f"the backup and the data directory are one within the other, or {backup} is at a place that a restore "
            "clears: move the backup elsewhere"
        )
    if os.path.ismount(data):
        raise TransferRefused(
            f"something is mounted on {data}, so it cannot be renamed: let ALBUMCORE_DATA be a directory below"
        )
    data.parent.mkdir(parents=True, exist_ok=True)
    new.mkdir(mode=0o700, exist_ok=True)
    with _exclusive_directory(new):
        if old.exists():
            if _is_filled(data):
                raise TransferRefused(
                    f"{old} is there, from an earlier restore: remove it once it is not needed"
                )
            os.rename(old, data)
            sync_directory(data.parent)
        with _exclusive_store(data) as exists:
            yield Swap(data, new, old, exists)


@contextmanager
def _exclusive_directory(new: Path) -> Iterator[None]:
    descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = is_at(new, descriptor)
        except BlockingIOError:
            is_ours = False
        if not is_ours:
            raise TransferRefused("another restore is under way")
        try:
            for path in new.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            yield
        finally:
            # After the swap, this path may be the directory of another restore.
            if is_at(new, descriptor):
                shutil.rmtree(new)
    finally:
        os.close(descriptor)


@contextmanager
def _exclusive_store(data: Path) -> Iterator[bool]:
    """Lock the store of a data directory exclusively; yield whether the directory holds anything."""
    if not _is_filled(data):
        yield False
        return
    try:
        lock = OpenLock(data / DATABASE_FILE, exclusive=True)
    except StoreUnavailable as error:
        raise TransferRefused(f"{error}: stop it first") from None
    with closing(lock):
        yield True


def _is_filled(data: Path) -> bool:
    return data.exists() and bool(os.listdir(data))
