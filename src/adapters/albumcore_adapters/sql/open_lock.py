"""File locks beside a database file: whether any process has the store open, and one process at a time."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from eventsourcing.persistence import OperationalError

_SUFFIX = "-open"


class OpenLock:
    """A lock on ``<database file>-open``, held until it is closed, or the process ends.

    Every open store holds it shared. A restore, which replaces the file, holds it exclusively: a running service would
    go on writing to the replaced file, and its write-ahead log would be applied to the new one.

    Args:
        database: The database file; only the file beside it is opened.
        exclusive: Whether no other process may hold it.

    Raises:
        StoreUnavailable: another process holds it exclusively, or any holds it and it is to be exclusive.
        OSError: the file cannot be opened, or this is no POSIX system.
    """

    def __init__(self, database: Path, *, exclusive: bool = False) -> None:
        from albumcore_adapters.base.posix import (
            fcntl,  # here, so that a store in memory is opened anywhere
        )

        file = database.with_name(f"{database.name}{_SUFFIX}")
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        while True:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            self._close = weakref.finalize(self, os.close, descriptor)
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                self.close()
                raise OperationalError(
                    "a service, or a command, has the store open"
                    if exclusive
                    else "the store is being restored; try again when that has ended"
                ) from None
            # Between the two calls, a restore may have replaced the directory.
            if is_at(file, descriptor):
                return
            self.close()

    def close(self) -> None:
        """Release the lock. A second call does nothing."""
        self._close()


@contextmanager
def exclusive_lock(file: Path) -> Iterator[None]:
    """Let one process at a time into the block, by a lock on a file that is made for it.

    Raises:
        OSError: the file cannot be opened, or this is no POSIX system.
    """
    from albumcore_adapters.base.posix import (
        fcntl,  # here, so that a store in memory is opened anywhere
    )

    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def path_in(name: str) -> str:
    """The absolute path in the name that SQLite is given, a URI or a path."""
    if name.startswith("file:"):
        name = os.fsdecode(unquote_to_bytes(urlsplit(name).path))
    return os.path.abspath(name)


def is_at(file: Path, descriptor: int) -> bool:
    """Whether a path leads to the file of an open descriptor."""
    try:
        return os.path.samestat(os.stat(file), os.fstat(descriptor))
    except FileNotFoundError:
        return False
