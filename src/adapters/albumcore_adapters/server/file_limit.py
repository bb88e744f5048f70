"""The limit of open file descriptors (RLIMIT_NOFILE)."""

from __future__ import annotations

import resource

_MAX_FILES = 65536


def raise_file_limit() -> int:
    """Raise the soft limit of this process as far as possible, up to 65,536, and return it.

    On macOS the hard limit is infinite, and yet large values are refused: smaller ones are tried then.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    while soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (ValueError, OSError):
            most //= 2
        else:
            return most
    return soft
