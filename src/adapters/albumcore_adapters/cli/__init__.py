"""The command line: ``albumcore``. A command is one file, and registers itself with the application in `base`."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from importlib import import_module

from albumcore.errors import AlbumcoreError
from albumcore_adapters.base.secret import SecretError
from albumcore_adapters.base.settings import SettingsError
from albumcore_adapters.blobs import BlobsUnavailable
from albumcore_adapters.cli.base import Failed, app
from albumcore_adapters.server.address import CannotListen
from albumcore_adapters.store import NewerStore, StoreError, Unreadable
from albumcore_adapters.store.opening import NoStore
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused

COMMANDS = (
    "serve",
    "token",
    "tscharts_user",
    "import_dicom",
    "events",
    "verify",
    "backup",
    "restore",
    "copy",
    "collect_blobs",
    "completion",
)
"""The files of the commands. The help shows them by name."""

for _name in COMMANDS:
    import_module(f"albumcore_adapters.cli.{_name}")

_ASKED_WRONGLY = (
    *(SettingsError, SecretError, NoStore, NewerStore, Unreadable, CannotListen),
    *(TransferRefused, AlbumcoreError),
)
_ENDS: Sequence[tuple[tuple[type[Exception], ...], str, int]] = (
    ((*_ASKED_WRONGLY, OSError, EOFError), "", 2),
    ((BackupDamaged,), "", 1),
    ((BlobsUnavailable,), "image bytes cannot be reached: ", 1),
    ((StoreError, sqlite3.Error), "the database cannot be used: ", 1),
)
"""How a command ends that fails: by the kind of the error, what is said before its message, and the status."""


def main() -> None:
    """Run the command that the arguments name; 0 well done, 1 it found something, 2 asked wrongly."""
    os.umask(0o077)  # what is made in the data directory is for its owner
    try:
        app(sys.argv[1:])
    except Failed as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.status)
    except BrokenPipeError:
        # Whoever read what we print has seen enough. What is left in the buffer must not be tried again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        for kinds, about, status in _ENDS:
            if isinstance(error, kinds):
                print(f"albumcore: {about}{error}", file=sys.stderr)
                sys.exit(status)
        raise
