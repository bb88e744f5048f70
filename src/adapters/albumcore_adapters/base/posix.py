"""File locks and directory syncs of POSIX systems. On any other system, importing this module raises an OSError.

Modules that lock files import ``fcntl`` from here, so that the error is the same one sentence everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:
    raise OSError(
        "a store needs the file locks of POSIX systems, so albumcore runs on Linux and macOS; "
        "on Windows, use WSL or a container"
    ) from None

__all__ = ["fcntl", "sync_directory"]


def sync_directory(path: Path) -> None:
    """Flush the entries of a directory to disk (``fsync``): files created, renamed or removed in it are durable.

    Raises:
        OSError: the directory cannot be opened or synced.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
