"""`albumcore docs`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from albumcore_adapters.cli.base import Failed, app

BUILT_DOCS = Path(__file__).parents[1] / "built_docs"
"""Where a release has the documentation; ``nox -s docs`` makes it."""


@app.command
def docs(
    *,
    print_only: Annotated[
        bool, Parameter(name="--print", negative=(), help="Print its address, and open nothing.")
    ] = False,
) -> None:
    """Open the documentation of this version in a browser, and print its address.

    It is part of a release. In a checkout of the source it is made by `nox -s docs`; its pages can be read without
    that as well, from docs/README.md on.

    For example:

        albumcore docs
        albumcore docs --print
    """
    first = BUILT_DOCS / "index.html"
    if not first.is_file():
        raise Failed(
            "albumcore: the documentation is not in this installation. In a checkout of the source, "
            "`nox -s docs` makes it, and docs/README.md can be read as it is.",
            1,
        )
    print(first.as_uri())
    if not print_only:
        webbrowser.open(first.as_uri())
