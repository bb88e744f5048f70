"""`albumcore backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, JsonOption, app, print_json
from albumcore_adapters.cli.opening import existing
from albumcore_adapters.directory.instance_blobs import instances_elsewhere
from albumcore_adapters.directory.operator_notes import note_backup
from albumcore_adapters.transfer.backup import back_up


@app.command
def backup(
    dest: Annotated[
        Path, Parameter(help="A new or empty directory, outside of the data directory.")
    ],
    /,
    *,
    with_secret: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Include the secret, which can sign tokens that the service accepts. Without it, a store that is "
            "restored elsewhere gets a new one, and everyone has to log in again.",
        ),
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Back up one snapshot of the database, and the image bytes, and verify the backup.

    The service may run meanwhile. Images on S3 are not copied. If the backup fails, nothing is left of it; status 1
    means that the store itself is damaged.

    For example:

        albumcore backup /backup/2026-03-14 --data /srv/albumcore
    """
    with existing(data) as service:
        manifest = back_up(
            service.settings,
            service.albums,
            service.blobs,
            dest,
            progress_of,
            at=service.clock(),
            secret=service.secret if with_secret else None,
        )
        note_backup(service.database, manifest.made_at)
        elsewhere = instances_elsewhere(service.database)
    if json:
        print_json(orjson.loads(manifest.as_json()))
        return
    print(
        f"{manifest.events} events, the last of them at position {manifest.position}, are backed up"
    )
    place = "with them" if manifest.blobs_at is None else f"left at {manifest.blobs_at}"
    print(f"{manifest.blobs} image files, {manifest.blob_bytes} bytes together, are {place}")
    if elsewhere is not None:
        print(f"{elsewhere}: they are not in the backup")
    if not manifest.has_secret:
        print(
            "the secret that tokens are signed with is not in the backup: --with-secret puts it in"
        )
    print("the backup is verified")
