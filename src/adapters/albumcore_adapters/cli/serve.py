"""`albumcore serve`, and `albumcore fill-demo`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from albumcore_adapters.base.data_directory import OPENED_FILE
from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.blobs import DirectoryBlobs
from albumcore_adapters.cli.base import DataOption, Failed, app
from albumcore_adapters.cli.opening import opened, settings_of
from albumcore_adapters.server import demo as demonstration
from albumcore_adapters.server.address import check_address
from albumcore_adapters.server.browser import leading_to, open_in_browser
from albumcore_adapters.server.exposure import exposures
from albumcore_adapters.server.serve import serve as serve_until_stopped


@app.command
def serve(
    *,
    data: DataOption = None,
    bind: Annotated[str | None, Parameter(help="HOST:PORT. [env: ALBUMCORE_BIND]")] = None,
    workers: Annotated[
        int | None, Parameter(help="Worker processes. [env: ALBUMCORE_WORKERS]")
    ] = None,
    demo: Annotated[
        bool, Parameter(negative=(), help="Fill the store with the demo, once.")
    ] = False,
    open_page: Annotated[
        bool,
        Parameter(
            name="--open",
            negative=(),
            help="Open the page in a browser when it is ready; with --demo, signed in.",
        ),
    ] = False,
) -> None:
    """Serve both APIs until stopped.

    For example:

        albumcore serve --data /srv/albumcore --bind 0.0.0.0:8000 --workers 4
    """
    settings = settings_of(data, bind=bind, workers=workers)
    check_address(settings.bind)
    announce: Callable[[str], str] = _no_announcement
    # Opened here first, to report a damaged data directory before any worker starts.
    with opened(settings) as service:
        if demo:
            if not isinstance(service.blobs, DirectoryBlobs):
                _fill_in_subprocess(settings.data)
            with progress_of("filling in the demo"):
                made = demonstration.fill(service)
            announce = demonstration.announcement(service, made)
        for line in exposures(settings, service.people, service.accounts):
            print(f"warning: {line}", file=sys.stderr, flush=True)

    def ready(address: str) -> None:
        page = announce(address)
        if open_page:
            # The page of the demo signs in.
            open_in_browser(leading_to(page, leader) if demo else page)

    leader = settings.data / OPENED_FILE
    try:
        serve_until_stopped(settings, ready)
    finally:
        leader.unlink(missing_ok=True)


def _fill_in_subprocess(data: Path) -> None:
    """Fill in the demo in another process: this one is forked later, and must not have used S3 before."""
    command = [sys.executable, "-m", "albumcore_adapters", "fill-demo", "--data", str(data)]
    if status := subprocess.run(command, check=False).returncode:  # noqa: S603 - our own command
        raise Failed("the demo is not filled in", status)


@app.command(name="fill-demo")
def fill_demo(*, data: DataOption = None) -> None:
    """Fill the store with the demo, once; `serve --demo` does this itself.

    For example:

        albumcore fill-demo --data /srv/albumcore
    """
    with opened(settings_of(data)) as service, progress_of("filling in the demo"):
        demonstration.fill(service)


def _no_announcement(address: str) -> str:
    """Print nothing for a service without the demo: gunicorn logs the address. Return that of the page."""
    return f"{address}/ui/"
