"""`albumcore restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, JsonOption, app, print_json, settings_of
from albumcore_adapters.transfer.restore import restore as restore_backup

_SECRET = {
    "backup": "the secret is that of the backup: tokens of that time are good",
    "kept": "the secret stays as it was: tokens go on working",
    "new": "there is no secret: a new one is made when the service starts, and everyone has to log in again",
}


@app.command
def restore(
    src: Annotated[Path, Parameter(help="The directory of a backup.")],
    /,
    *,
    json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Check a backup, and replace the store by it. Stop the service first.

    The replaced data directory is renamed to DATA.before-restore. A PostgreSQL database must be empty. If the restore
    fails, the store is unchanged; status 1 means that the backup is damaged.

    For example:

        albumcore restore /backup/2026-03-14 --data /srv/albumcore
    """
    restored = restore_backup(settings_of(data), src, progress_of)
    manifest = restored.manifest
    if json:
        old = None if restored.old is None else str(restored.old)
        told = {"old": old, "secret": restored.secret, "backup": orjson.loads(manifest.as_json())}
        print_json(told)
        return
    print(
        f"the store is as it was at {manifest.made_at:%Y-%m-%dT%H:%M:%SZ}: {manifest.events} events, the last of them "
        f"at position {manifest.position}, and {manifest.blobs} image files; it is verified"
    )
    if restored.old is not None:
        print(f"what was there before is {restored.old}")
    print(_SECRET[restored.secret])
