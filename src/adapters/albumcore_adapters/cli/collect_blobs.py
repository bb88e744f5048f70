"""`albumcore collect-blobs`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from albumcore import utc_now
from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, Failed, app
from albumcore_adapters.cli.opening import existing
from albumcore_adapters.directory.instance_blobs import forget_removed_blobs
from albumcore_adapters.erasure.unreferenced import unreferenced_digests


@app.command(name="collect-blobs")
def collect_blobs(
    *,
    older_than: Annotated[
        int, Parameter(help="Days since a blob was last uploaded, 1 to 36500.")
    ] = 7,
    dry_run: Annotated[bool, Parameter(negative=(), help="Remove nothing.")] = False,
    data: DataOption = None,
) -> None:
    """Remove image bytes that nothing refers to, and list them. Unfinished uploads as old are removed, too.

    The service may run meanwhile. On S3 the bucket should have versioning then: otherwise an upload of the same bytes
    at the moment of their removal is lost.

    For example:

        albumcore collect-blobs --older-than 30 --dry-run
    """
    if not 1 <= older_than <= 36500:
        raise Failed("collect-blobs needs 1 to 36500 days: an upload may be under way", 2)
    before = utc_now() - timedelta(days=older_than)
    found: list[str] = []
    try:
        with existing(data) as service, progress_of("reading events") as progress:
            blobs = service.blobs
            old = unreferenced_digests(service.albums, blobs, before, progress)
            found.extend(digest for digest, until in old if dry_run or blobs.remove(digest, until))
            if not dry_run:
                blobs.remove_drafts(before)
                forget_removed_blobs(service.database, blobs)
    finally:
        # Also lists what was removed before an error.
        for digest in found:
            print(digest)
    print(f"{len(found)} blobs that nothing refers to {'would be' if dry_run else 'were'} removed")
