"""``python -m albumcore_adapters`` is the command ``albumcore``. It needs the extra ``service``."""

from __future__ import annotations

import os.path
import sys
from importlib import import_module

SERVICE = frozenset(
    {
        *("argon2", "cryptography", "cyclopts", "falcon", "gunicorn", "httpcore", "httpx"),
        *("jinja2", "joserfc", "prometheus_client", "pybase64", "pydicom", "python_multipart"),
        *("rich", "structlog"),
    }
)
"""The top-level modules of what the extra ``service`` installs."""


def main() -> None:
    """Run `albumcore_adapters.cli.main`.

    Where the extra ``service`` is not installed, or the system is not POSIX, say so in one line, and end with status 2.
    """
    try:
        import_module("albumcore_adapters.base.posix")
        import_module("albumcore_adapters.cli").main()
    except OSError as error:
        print(f"albumcore: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in SERVICE:
            raise
        needed = "albumcore: the service needs more: pip install 'albumcore[service]'"
        print(needed, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    # Gunicorn starts its successor (SIGUSR2) by the path of this file, which puts this folder before the standard
    # library: `http` would be ours.
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    main()
