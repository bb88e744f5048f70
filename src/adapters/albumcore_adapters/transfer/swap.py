"""Putting a data directory in the place of another, in steps of which each can be the last."""

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
    """A data directory that is to be replaced.

    Attributes:
        data: The data directory.
        new: The directory beside it in which the new one is made: ``<data>.restoring``.
        old: Where the old one stays: ``<data>.before-restore``.
        is_there: Whether there is an old one, with anything in it. Nothing else is ever renamed.
    """

    data: Path
    new: Path
    old: Path
    is_there: bool

    def swap(self) -> None:
        """Replace the data directory, which is on the disk when this returns.

        Two renames. If the process ends between them, the data directory is missing, and the old one stands beside its
        place: no command makes an empty store there, and the next restore takes it back first.

        Raises:
            TransferRefused: the data directory cannot be renamed, or something is in its place by now.
        """
        if self.is_there:
            try:
                os.rename(self.data, self.old)
            except OSError as error:
                raise TransferRefused(
                    f"{self.data} cannot be renamed ({error.strerror}), as where something is mounted on it: "
                    "let ALBUMCORE_DATA be a directory below"
                ) from error
            sync_directory(self.data.parent)
        try:
            os.rename(self.new, self.data)  # over an empty directory, too
        except OSError as error:
            raise TransferRefused(
                f"something was made at {self.data} meanwhile; "
                f"the old data directory, if there was one, is {self.old}"
            ) from error
        sync_directory(self.data.parent)


@contextmanager
def swapping(data: Path, backup: Path) -> Iterator[Swap]:
    """Hold a data directory alone, with an empty directory beside it for what is to replace it.

    What an earlier restore left that was cut off is cleared away first: the old data directory goes back to its place.
    The new directory is removed at the end, unless it has become the data directory.

    Args:
        data: The data directory; it need not be there. A symbolic link is followed, and stays.
        backup: What is to be read meanwhile, and stays as and where it is.

    Raises:
        TransferRefused: the backup is in one of the directories, or one of them in it; a process has the store open,
            another restore is under way, the old data directory of an earlier restore is still there, or the data
            directory is where something is mounted.
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
    with _alone_in(new):
        if old.exists():
            if _is_filled(data):
                raise TransferRefused(
                    f"{old} is there, from an earlier restore: remove it once it is not needed"
                )
            os.rename(old, data)
            sync_directory(data.parent)
        with _closed(data) as is_there:
            yield Swap(data, new, old, is_there)


@contextmanager
def _alone_in(new: Path) -> Iterator[None]:
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
            # It may be the data directory by now, and another restore may have begun.
            if is_at(new, descriptor):
                shutil.rmtree(new)
    finally:
        os.close(descriptor)


@contextmanager
def _closed(data: Path) -> Iterator[bool]:
    """Hold the store of a data directory alone; whether there is anything in the directory."""
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
