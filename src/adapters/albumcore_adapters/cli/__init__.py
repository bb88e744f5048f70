"""The command line ``albumcore``. Each command is a module that registers itself with the application in `base`."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from importlib import import_module

from albumcore.errors import AlbumcoreError
from albumcore_adapters.base.secret import SecretError
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.blobs import BlobsUnavailable
from albumcore_adapters.cli.base import Failed, app
from albumcore_adapters.decoding import DecoderUnavailable
from albumcore_adapters.outbound import PacsFailed
from albumcore_adapters.server.address import CannotListen
from albumcore_adapters.store import MissingExtra, NewerStore, StoreError, Unreadable
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused

COMMANDS = (
    "serve",
    "token",
    "tscharts_user",
    "import_dicom",
    "fetch",
    "events",
    "at",
    "export",
    "undo",
    "restore_records",
    "verify",
    "doctor",
    "backup",
    "restore",
    "copy",
    "erase",
    "gc",
    "collect_blobs",
    "settings",
    "completion",
    "docs",
)
"""The modules of the commands. The help lists the commands by name."""

for _name in COMMANDS:
    import_module(f"albumcore_adapters.cli.{_name}")

_USAGE_ERRORS = (
    *(SettingsError, SecretError, NoStore, NewerStore, Unreadable, CannotListen),
    *(TransferRefused, AlbumcoreError, MissingExtra),
)
_EXITS: Sequence[tuple[tuple[type[Exception], ...], str, int]] = (
    ((*_USAGE_ERRORS, OSError), "", 2),
    ((BackupDamaged,), "", 1),
    ((BlobsUnavailable,), "image bytes cannot be reached: ", 1),
    ((DecoderUnavailable, PacsFailed), "", 1),
    ((StoreError, sqlite3.Error), "the database cannot be used: ", 1),
)
"""How a failing command exits: classes of errors, the text before the message, and the status."""

_REFUSED = 2


def main() -> None:
    """Run the command of the arguments. Exit status: 0 success, 1 a problem was found, 2 the command was refused."""
    os.umask(0o077)  # only the owner may read new files of the data directory
    try:
        app.meta(sys.argv[1:])
    except Failed as failure:
        # With another status, it is what the command found.
        prefix = "albumcore: " if failure.status == _REFUSED else ""
        print(f"{prefix}{failure}", file=sys.stderr)
        sys.exit(failure.status)
    except BrokenPipeError:
        # The reader of standard output is gone. What is left in the buffer must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        for classes, about, status in _EXITS:
            if isinstance(error, classes):
                print(f"albumcore: {about}{error}", file=sys.stderr)
                sys.exit(status)
        raise
