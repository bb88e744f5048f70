"""`albumcore copy`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from albumcore import utc_now
from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, open_blobs
from albumcore_adapters.cli.base import Failed, JsonOption, app, print_json
from albumcore_adapters.transfer.copy import Copied, copy_store
from albumcore_adapters.transfer.location import location_of
from albumcore_adapters.transfer.sealed_copy import copy_sealed


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
    seal: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Make a sealed store of one in clear: users get pseudonyms, texts and images are encrypted.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Copy a whole store to an empty place: events, the tables beside them, and images. Stop the service first.

    If it is cut off, run it again to continue. Until it is complete, the copy cannot be opened. The status is 1 if the
    source was written to meanwhile, or if verifying the copy finds a problem.

    For example:

        albumcore copy --from sqlite:///srv/albumcore --to postgresql://albumcore@db.example/albumcore
        albumcore copy --seal --from sqlite:///srv/albumcore --to sqlite:///srv/albumcore-sealed
    """
    copied = _copy(source, target, blobs_from, blobs_to, copy_sealed if seal else copy_store)
    if json:
        print_json(_as_json(copied))
    else:
        for line in (*_sentences(copied, is_sealed=seal), *copied.problems):
            print(line)
    if not copied.is_whole:
        raise Failed(
            "the source was written to meanwhile: stop the service and run the same again; "
            "until it has come to its end, the copy cannot be opened",
            1,
        )
    if copied.problems:
        raise Failed(f"{len(copied.problems)} things differ, as in the source", 1)


def _copy(
    source: str,
    target: str,
    blobs_from: str | None,
    blobs_to: str | None,
    copy_between: Callable[..., Copied],
) -> Copied:
    """Copy a store between two addresses; images are in the data directories unless other places are named."""
    sides = (location_of(source), blobs_from), (location_of(target), blobs_to)
    (old, _), (new, _) = sides
    are_known = all(url is not None or place.directory is not None for place, url in sides)

    def both() -> tuple[Blobs, Blobs]:
        opened = [
            open_blobs(Settings(data=place.directory or Path(), blobs=url)) for place, url in sides
        ]
        return opened[0], opened[1]

    return copy_between(old, new, both if are_known else None, progress_of, utc_now)


def _as_json(copied: Copied) -> dict[str, object]:
    return {
        "events": copied.events,
        "position": copied.position,
        "rows": copied.rows,
        "images": copied.blobs,
        "damaged_images": copied.damaged_blobs,
        "secret": copied.secret,
        "whole": copied.is_whole,
        "problems": list(copied.problems),
    }


def _sentences(copied: Copied, *, is_sealed: bool) -> Iterator[str]:
    yield (
        f"{copied.events} events, the last of them at position {copied.position}, "
        f"and {copied.rows} rows beside them are there"
    )
    if copied.blobs is None:
        yield "image files were left where they are: --blobs-from and --blobs-to say from where to where to copy them"
    else:
        yield f"{copied.blobs} image files were copied"
    if copied.damaged_blobs:
        yield f"{copied.damaged_blobs} image files were left behind, for their bytes are not what their names say"
    if copied.secret:
        yield "the secret of the data directory was copied: tokens go on working"
    else:
        yield (
            "no secret was copied: give every process that serves the copy the one that the source is served with "
            "(ALBUMCORE_SECRET_FILE), or all tokens end"
        )
    if copied.is_whole and not copied.problems:
        yield (
            "the copy says what the source says, and is sealed and verified"
            if is_sealed
            else "the copy equals the source, and is verified"
        )
