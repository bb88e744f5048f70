"""Opening a page in the browser of the user."""

from __future__ import annotations

import subprocess
import sys
from html import escape
from pathlib import Path

from albumcore_adapters.base.whole_file import whole_file

# The shell ends at once: gunicorn's master must not have a child that is no worker of its own.
_DETACHED = '"$0" -m webbrowser -t "$1" >/dev/null 2>&1 &'


def open_in_browser(page: str) -> None:
    """Open a page in a new tab of the user's browser, which BROWSER may name. Where there is none, nothing happens."""
    command = ["/bin/sh", "-c", _DETACHED, sys.executable, page]
    subprocess.run(command, check=False)  # noqa: S603 - our own command


def leading_to(page: str, file: Path) -> str:
    """Write a file that leads a browser on to a page, and return the address of the file.

    For a page whose address signs in: every user of a machine sees what programs are started with, and only the owner
    reads the file.
    """
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>albumcore</title>'
        f'<meta http-equiv="refresh" content="0; url={escape(page)}">'
        f'<a href="{escape(page)}">albumcore</a>\n'
    )
    with whole_file(file) as written:
        written.write(text.encode())
    return file.resolve().as_uri()
