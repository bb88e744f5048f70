"""`albumcore restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, Failed, JsonOption, app, print_json
from albumcore_adapters.cli.opening import settings_of
from albumcore_adapters.erasure.erasure_list import ErasureListDamaged, read_erasures
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
    erasures: Annotated[
        Path | None,
        Parameter(
            help="The list of what was erased since, a copy of erasures.jsonl of the data directory."
        ),
    ] = None,
    none_since: Annotated[
        bool, Parameter(negative=(), help="Nothing was erased since the backup was made.")
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Check a backup, and replace the store by it. Stop the service first.

    What was erased since the backup is erased again: of a sealed store, it must be named, or said that there is
    nothing. The replaced data directory is renamed to DATA.before-restore. A PostgreSQL database must be empty. If the
    restore fails, the store is unchanged; status 1 means that the backup is damaged.

    For example:

        albumcore restore /backup/2026-03-14 --data /srv/albumcore --erasures /backup/erasures.jsonl
        albumcore restore /backup/2026-03-14 --data /srv/albumcore --none-since
    """
    if erasures is not None and none_since:
        raise Failed("--erasures names what was erased, and --none-since says that nothing was", 2)
    try:
        listed = [] if none_since else None if erasures is None else read_erasures(erasures)
        restored = restore_backup(settings_of(data), src, progress_of, listed)
    except ErasureListDamaged as error:
        raise Failed(str(error), 2) from error
    manifest = restored.manifest
    if json:
        old = None if restored.old is None else str(restored.old)
        told = {"old": old, "secret": restored.secret, "erased": restored.erased}
        print_json(told | {"backup": orjson.loads(manifest.as_json())})
        return
    print(
        f"the store is as it was at {manifest.made_at:%Y-%m-%dT%H:%M:%SZ}: {manifest.events} events, the last of them "
        f"at position {manifest.position}, and {manifest.blobs} image files; it is verified"
    )
    if restored.old is not None:
        print(f"what was there before is {restored.old}")
    if restored.erased:
        print(f"{restored.erased} events were erased again")
    print(_SECRET[restored.secret])
