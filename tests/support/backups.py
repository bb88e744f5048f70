"""Data directories to back up, and their content as a client sees it."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Digest
from albumcore_adapters.service import Service
from albumcore_adapters.transfer.backup import back_up
from albumcore_adapters.transfer.manifest import Manifest
from albumcore_adapters.transfer.restore import Restored, restore
from albumcore_adapters.transfer.tables import tables_beside_events
from support.copying import quiet
from support.server import opened

Dump = Mapping[str, list[tuple[Any, ...]]]


def back_up_service(
    service: Service, backup: Path, stage: Stage = quiet, *, with_secret: bool = False
) -> Manifest:
    """Back up the store of an open service."""
    return back_up(
        service.settings,
        service.albums,
        service.blobs,
        backup,
        stage,
        at=service.clock(),
        secret=service.secret if with_secret else None,
    )


def backed_up(data: Path, backup: Path, **options: Any) -> Manifest:
    """Back up a data directory."""
    with opened(data) as service:
        return back_up_service(service, backup, **options)


def restored(backup: Path, data: Path, **settings: Any) -> Restored:
    """Restore a backup to a data directory."""
    return restore(Settings(data=data, **settings), backup, quiet, [])


def contents(data: Path) -> Dump:
    """Every row that is not derived from the events, the events with their positions, and the images."""
    with opened(data) as service:
        blobs = [(digest, service.blobs.get(digest)) for digest in service.blobs.digests()]
    with closing(sqlite3.connect(data / DATABASE_FILE)) as connection:
        found = {
            one.name: connection.execute(f"SELECT * FROM {one.name}").fetchall()
            for one in tables_beside_events()
        }
        events = connection.execute("SELECT rowid, * FROM stored_events ORDER BY rowid").fetchall()
    return {"stored_events": events, "blobs": blobs, **found}


def bytes_of(directory: Path) -> Mapping[str, bytes]:
    """Every file below a directory, except for lock files and what SQLite makes when it reads."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.endswith(("-open", "-opening", "-commits", "-shm"))
    }


def blob_files(directory: Path) -> Iterator[tuple[Digest, Path]]:
    """The files of image bytes below a directory, by their digests."""
    for path in sorted((directory / "blobs").glob("*/*")):
        yield path.parent.name + path.name, path


def agree(backup: Path, **told: Any) -> None:
    """Change fields of the manifest, and correct its lengths and digests of the files."""
    path = backup / "manifest.json"
    manifest = orjson.loads(path.read_bytes()) | told
    for file in manifest["files"] + manifest["keys"]:
        content = (backup / file["path"]).read_bytes()
        file["length"] = len(content)
        file["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_bytes(orjson.dumps(manifest))


def restore_and_die(backup: Path, data: Path, renames: int) -> None:
    """Restore, and be killed instead of the n-th rename of a directory, or at the end."""
    rename, left = os.rename, iter(range(renames))

    def renamed(source: Path, target: Path) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)

    vars(os)["rename"] = renamed
    restored(backup, data)
    os.kill(os.getpid(), signal.SIGKILL)
