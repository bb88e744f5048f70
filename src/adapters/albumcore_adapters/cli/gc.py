"""`albumcore gc`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, Failed, app
from albumcore_adapters.cli.opening import existing
from albumcore_adapters.erasure.collecting import collect


@app.command
def gc(
    *,
    older_than: Annotated[
        int,
        Parameter(
            help="Days since a blob that nothing refers to was last uploaded, 1 to 36500. Those of erased images and "
            "instances are removed in any case."
        ),
    ] = 7,
    wait: Annotated[
        int, Parameter(help="Seconds to wait for those who read the database, 0 to 3600.")
    ] = 60,
    data: DataOption = None,
) -> None:
    """Remove what was erased, deleted or replaced from the files of the store.

    Image bytes that nothing refers to are removed, and those of erased images and instances. The write-ahead log of
    SQLite is emptied; tables of PostgreSQL are rewritten. The service may run meanwhile. The status is 1 if a reader of
    an older state held something up.

    For example:

        albumcore gc --wait 300
    """
    if not 1 <= older_than <= 36500:
        raise Failed("gc needs 1 to 36500 days: an upload may be under way", 2)
    if not 0 <= wait <= 3600:
        raise Failed("gc waits for 0 to 3600 seconds", 2)
    with existing(data) as service, progress_of("reading events") as progress:
        now = service.clock()
        before = now - timedelta(days=older_than)
        service.patients.purge(service.settings.restorable_since(now))
        collected = collect(service.albums, service.database, service.blobs, before, wait, progress)
    for line in (*collected.done, *collected.out_of_reach):
        print(line)
    if collected.held_up:
        raise Failed("\n".join(collected.held_up), 1)
