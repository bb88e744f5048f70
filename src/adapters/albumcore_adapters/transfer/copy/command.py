"""A copy as the command line asks for it: by addresses, and told in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from albumcore import utc_now
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, open_blobs
from albumcore_adapters.transfer.copy.places import place_of
from albumcore_adapters.transfer.copy.run import Copied, Stage, copy_store


def copy_by_addresses(
    source: str, target: str, blobs_from: str | None, blobs_to: str | None, stage: Stage
) -> Copied:
    """Copy a store. Images lie in the data directories, unless it is said where.

    Raises:
        CopyRefused, StoreError, BlobsUnavailable, SecretError, OSError: as by `copy_store`.
        SettingsError: an address of images is none, or needs an extra that is not installed.
    """
    sides = (place_of(source), blobs_from), (place_of(target), blobs_to)
    (old, _), (new, _) = sides
    is_known = all(url is not None or place.directory is not None for place, url in sides)

    def both() -> tuple[Blobs, Blobs]:
        opened = [
            open_blobs(Settings(data=place.directory or Path(), blobs=url)) for place, url in sides
        ]
        return opened[0], opened[1]

    return copy_store(old, new, both if is_known else None, stage, utc_now)


def as_json(copied: Copied) -> dict[str, object]:
    """What came of it, by name."""
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


def sentences(copied: Copied) -> Iterator[str]:
    """What came of it, a sentence a line."""
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
        yield "the copy equals the source, and is verified"
