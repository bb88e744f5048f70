"""`albumcore verify`, and `albumcore rebuild`, which repairs the index rows."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from albumcore_adapters import verification
from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, Failed, JsonOption, app, print_json
from albumcore_adapters.cli.opening import existing, settings_of


@app.command
def rebuild(*, data: DataOption = None) -> None:
    """Rebuild the index rows from the events. The service may run meanwhile; writes wait.

    For example:

        albumcore rebuild --data /srv/albumcore
    """
    with existing(data) as service, progress_of("reading events") as progress:
        count = service.albums.rebuild(progress)
    print(f"index rows made again from {count} events")


@app.command
def verify(
    *,
    data: DataOption = None,
    read_only: Annotated[
        bool,
        Parameter(
            help="Write nothing, neither to the SQLite file nor beside it. This is the default for a read-only "
            "directory.",
            negative=(),
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check the database, replay every stream, compare it with the index rows and image files, and list differences.

    The integrity check of the database comes first, then the directory: each row must be readable, and each reference
    valid. The status is 1 if a problem is found.

    For example:

        albumcore verify --data /srv/albumcore
    """
    with progress_of("reading events") as progress:
        found = verification.verify(settings_of(data), read_only=read_only, progress=progress)
    if json:
        shown = {
            "events": found.events,
            "erased": found.erased,
            "problems": found.problems,
            "left_out": found.left_out,
        }
        print_json(shown)
    elif found.problems:
        print(*found.left_out, *found.problems, sep="\n")
    else:
        whole = "index rows, snapshots and image files agree with them"
        erased = f", of which {found.erased} were erased" if found.erased else ""
        print(*found.left_out, f"{found.events} events replayed{erased}; {whole}", sep="\n")
    if found.problems:
        raise Failed(f"{len(found.problems)} things differ, in {found.events} events", 1)
