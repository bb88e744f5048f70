"""`albumcore copy`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import Failed, Json, app, print_json
from albumcore_adapters.transfer.copy.command import (
    as_json,
    copy_by_addresses,
    sentences,
)


@app.command
def copy(
    *,
    source: Annotated[
        str, Parameter(name="--from", help="sqlite:///DATA/DIRECTORY or postgresql://...")
    ],
    target: Annotated[str, Parameter(name="--to", help="The same; an empty place.")],
    blobs_from: Annotated[
        str | None, Parameter(help="Where the images are, as in ALBUMCORE_BLOBS.")
    ] = None,
    blobs_to: Annotated[str | None, Parameter(help="Where they are to be.")] = None,
    json: Json = False,
) -> None:
    """Copy a whole store to an empty place: events, all that lies beside them, and images. Stop the service first.

    Cut off, it goes on when it is run again. Until it has come to its end, the copy cannot be opened. Ends with
    status 1 if the source was written to meanwhile, or something differs.

    For example:

        albumcore copy --from sqlite:///srv/albumcore --to postgresql://albumcore@db.example/albumcore
    """
    copied = copy_by_addresses(source, target, blobs_from, blobs_to, progress_of)
    if json:
        print_json(as_json(copied))
    else:
        for line in (*sentences(copied), *copied.problems):
            print(line)
    if not copied.is_whole:
        raise Failed(
            "the source was written to meanwhile: stop the service and run the same again; "
            "until it has come to its end, the copy cannot be opened",
            1,
        )
    if copied.problems:
        raise Failed(f"{len(copied.problems)} things differ, as in the source", 1)
