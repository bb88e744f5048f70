"""The commands, and the modules that register them with the application in `base`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

COMMANDS: Mapping[str, str] = {
    "serve": "serve",
    "fill-demo": "serve",
    "token": "token",
    "tscharts-user": "tscharts_user",
    "import-dicom": "import_dicom",
    "fetch": "fetch",
    "events": "events",
    "at": "at",
    "export": "export",
    "undo": "undo",
    "restore-image": "restore_records",
    "restore-patient": "restore_records",
    "rebuild": "verify",
    "verify": "verify",
    "doctor": "doctor",
    "backup": "backup",
    "restore": "restore",
    "copy": "copy",
    "erase": "erase",
    "gc": "gc",
    "collect-blobs": "collect_blobs",
    "settings": "settings",
    "completion": "completion",
    "docs": "docs",
}
"""The module of each command. The help lists the commands by name."""


def load_commands(arguments: Sequence[str] = ()) -> None:
    """Import the module of the command that some arguments begin with, or those of all, where they begin with none.

    To import them all takes twice as long as most commands need.
    """
    first = arguments[0] if arguments else ""
    for module in [COMMANDS[first]] if first in COMMANDS else COMMANDS.values():
        import_module(f"albumcore_adapters.cli.{module}")
