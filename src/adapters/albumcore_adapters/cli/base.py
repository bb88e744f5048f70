"""What the commands share: the application, common options, and failing with a status.

Every command imports this: what takes long to import is in `opening`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from albumcore_adapters.base.settings_file import CONFIG_VARIABLE
from albumcore_adapters.cli.help_page import HelpPage

app = App(
    name="albumcore",
    help="""Serve albums of medical images and images of patients with their whole history, and look after them.

    Settings come from the environment (ALBUMCORE_DATA, ALBUMCORE_BIND, ALBUMCORE_PUBLIC_URL, ...), or from a
    file; `albumcore settings` prints them all, with what they mean.

    For example:

        albumcore serve --demo
        albumcore token --sub alice --email alice@clinic.example --name Alice
        albumcore token --revoke-all alice
        echo "$PASSWORD" | albumcore tscharts-user nurse --password-stdin
        albumcore import-dicom --owner alice /media/cdrom
        albumcore fetch --owner alice 1.2.840.113619.2.1
        albumcore events Q7bZ2mP0xT --viewer alice --at 2026-03-14T12:00:00Z
        albumcore at Q7bZ2mP0xT 2026-03-14T12:00:00Z
        albumcore export --what feed --format csv --key-file /srv/research.key
        albumcore undo Q7bZ2mP0xT 12 --by alice
        albumcore restore-image 63 --by tscharts-1
        albumcore restore-patient 7 --by tscharts-1
        albumcore rebuild
        albumcore verify
        albumcore doctor
        albumcore backup /backup/2026-03-14 --data /srv/albumcore
        albumcore restore /backup/2026-03-14 --data /srv/albumcore --none-since
        albumcore erase comment Q7bZ2mP0xT 3
        albumcore gc
        albumcore collect-blobs --dry-run
        albumcore copy --from sqlite:///srv/albumcore --to postgresql://albumcore@db.example/albumcore
        albumcore settings > /srv/albumcore/albumcore.toml
        albumcore completion bash
        albumcore docs
    """,
    help_format="plaintext",
    help_formatter=HelpPage(),
    version=version("albumcore"),
)


@app.meta.default
def with_settings_file(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Annotated[
        Path | None,
        Parameter(
            help="The settings file; albumcore.toml in the data directory, if it is there. [env: ALBUMCORE_CONFIG]"
        ),
    ] = None,
) -> Any:
    """Run a command with a settings file."""
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())  # also for processes that it starts
    return app(tokens)


DataOption = Annotated[
    Path | None, Parameter(name="--data", help="The data directory. [env: ALBUMCORE_DATA]")
]
CreateOption = Annotated[
    bool, Parameter(name="--create", negative=(), help="Create the store if it does not exist.")
]
JsonOption = Annotated[
    bool, Parameter(name="--json", negative=(), help="Print one JSON object, in one line.")
]


class Failed(Exception):
    """A command fails with a message and an exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def print_json(result: Mapping[str, object]) -> None:
    """Print the result of a command as one line of JSON on standard output.

    Everything except printable ASCII is escaped, so that it can contain file names of any bytes.
    """
    print(json.dumps(result))
