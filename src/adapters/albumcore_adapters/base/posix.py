"""The locks of POSIX systems. Importing this module on another system raises an OSError of one sentence.

Its importers get ``fcntl`` from here: files of a store are locked by it, wherever there are any.
"""

from __future__ import annotations

try:
    import fcntl
except ModuleNotFoundError:
    raise OSError(
        "files of a store are locked as POSIX systems do it, so albumcore keeps them on Linux and macOS alone; "
        "on Windows it runs in WSL or in a container"
    ) from None

__all__ = ["fcntl"]
