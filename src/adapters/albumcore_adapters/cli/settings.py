"""`albumcore settings`."""

from __future__ import annotations

from albumcore_adapters.base.settings_page import example_file
from albumcore_adapters.cli.base import app


@app.command
def settings() -> None:
    """Print an example of a settings file, with every setting, its meaning and its default in comments.

    For example:

        albumcore settings > /srv/albumcore/albumcore.toml
    """
    print(example_file(), end="")
