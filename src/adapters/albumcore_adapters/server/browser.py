"""Opening a page in the browser of the user."""

from __future__ import annotations

import subprocess
import sys

# The shell ends at once: gunicorn's master must not have a child that is no worker of its own.
_DETACHED = '"$0" -m webbrowser -t "$1" >/dev/null 2>&1 &'


def open_in_browser(page: str) -> None:
    """Open a page in a new tab of the user's browser, which BROWSER may name. Where there is none, nothing happens."""
    command = ["/bin/sh", "-c", _DETACHED, sys.executable, page]
    subprocess.run(command, check=False)  # noqa: S603 - our own command
