"""`albumcore verify`, and `albumcore rebuild` for what it finds in the index rows."""

from __future__ import annotations

from adapters.cli.base import Data, Failed, Json, app, existing, print_json
from adapters.progress import progress_of


@app.command
def rebuild(*, data: Data = None) -> None:
    """Make the index rows again from the events. The service may run meanwhile; writes wait.

    For example:

        albumcore rebuild --data /srv/albumcore
    """
    with existing(data) as deployment, progress_of("reading events") as progress:
        count = deployment.albums.rebuild(progress)
    print(f"index rows made again from {count} events")


@app.command
def verify(*, json: Json = False, data: Data = None) -> None:
    """Replay every stream, compare with the index rows and the image files, and name what differs.

    Ends with status 1 where something does.

    For example:

        albumcore verify --data /srv/albumcore
    """
    with existing(data) as deployment, progress_of("reading events") as progress:
        count = 0

        def seen(done: int) -> None:
            nonlocal count
            count = done
            progress(done)

        problems = deployment.albums.verify(deployment.blobs.check, seen)
    if json:
        print_json({"events": count, "problems": problems})
    elif problems:
        print(*problems, sep="\n")
    else:
        print(f"{count} events replayed; index rows, snapshots and image files agree with them")
    if problems:
        raise Failed(f"{len(problems)} things differ, in {count} events", 1)
