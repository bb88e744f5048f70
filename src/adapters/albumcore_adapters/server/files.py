"""How many files a process may have open."""

from __future__ import annotations

import resource

_MOST_FILES = 65536


def open_files() -> int:
    """Let this process open as many files as it may, and tell how many these are.

    macOS sets no limit and yet refuses a great one, so less is asked for then.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    while soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (ValueError, OSError):
            most //= 2
        else:
            return most
    return soft
