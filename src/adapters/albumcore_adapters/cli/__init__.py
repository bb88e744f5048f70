"""The command line ``albumcore``. Each command is a module that registers itself with the application in `base`."""

from __future__ import annotations

import os
import sys

from albumcore_adapters.cli.base import Failed, app
from albumcore_adapters.cli.commands import load_commands

_REFUSED = 2


def main() -> None:
    """Run the command of the arguments. Exit status: 0 success, 1 a problem was found, 2 the command was refused."""
    os.umask(0o077)  # only the owner may read new files of the data directory
    arguments = sys.argv[1:]
    load_commands(arguments)
    try:
        app.meta(arguments)
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
        from albumcore_adapters.cli.exits import EXITS

        for classes, about, status in EXITS:
            if isinstance(error, classes):
                print(f"albumcore: {about}{error}", file=sys.stderr)
                sys.exit(status)
        raise
