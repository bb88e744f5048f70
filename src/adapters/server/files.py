"""How many files a process may have open."""

from __future__ import annotations

import resource

_MOST_FILES = 65536


def open_files() -> int:
    """Let this process open as many files as it may, and tell how many these are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)
