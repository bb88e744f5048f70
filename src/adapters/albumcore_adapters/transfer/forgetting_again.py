"""Erasing in a restored store what was erased since its backup, before it is opened for anything else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from albumcore import Albumcore, utc_now
from albumcore.erasures import ErasureKind
from albumcore_adapters.base.data_directory import ERASURES_FILE
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.blobs import Blobs
from albumcore_adapters.erasure.collecting import collect
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.erasure.erasure_list import ListedErasure, append_erasure, read_erasures
from albumcore_adapters.erasure.subjects import erase_again
from albumcore_adapters.store import database_of
from albumcore_adapters.transfer.dump import DatabaseSystem, verified
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.manifest import Manifest

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""No blob is as old: only those of erased images are removed."""


def demanded_erasures(
    manifest: Manifest, given: Sequence[ListedErasure] | None, data: Path
) -> list[ListedErasure]:
    """Return what is to be erased again: what is given, and what the list in the data directory has besides.

    Raises:
        TransferRefused: the store is sealed, and nothing is given; or it is in clear, and more than instances was
            erased.
        ErasureListDamaged: the list in the data directory cannot be read.
    """
    file = data / ERASURES_FILE
    there = read_erasures(file) if file.exists() else []
    if not manifest.is_sealed:
        listed = {*(given or ()), *there}
        if any(one.kind is not ErasureKind.INSTANCES for one in listed):
            raise TransferRefused(
                "the backup is one of a store in clear, in which nothing but instances can be erased, and what was "
                f"erased since would be back: to restore it all the same, without --erasures, move {file} away"
            )
        return sorted(listed, key=lambda one: one.at)
    if given is None:
        raise TransferRefused(
            "what was erased since the backup would be back: name the list of erasures by --erasures FILE, "
            f"a copy of {ERASURES_FILE} of the data directory, or say --none-since if nothing was erased"
        )
    return sorted({*given, *there}, key=lambda one: one.at)


def forget_again(
    albums: Albumcore,
    blobs: Blobs,
    erasures: Sequence[ListedErasure],
    system: DatabaseSystem,
    stage: Stage,
) -> int:
    """Erase what a list names, as far as it is there, and remove it from the files; return how many events it were.

    Raises:
        BackupDamaged: the result does not verify.
        StoreError, BlobsUnavailable: the database or the place of the image bytes fails.
    """
    database = database_of(albums)
    with stage("erasing what was erased before", None):
        erased = erase_again(Eraser(albums, database, utc_now, {}, None), erasures)
    if erased.is_nothing:
        return 0
    with stage("removing it from the files", None):
        collect(albums, database, blobs, _NEVER, 0)
    verified(albums, system, stage)
    return erased.events


def write_list(data: Path, erasures: Sequence[ListedErasure]) -> None:
    """Have the list in a data directory name these erasures.

    Raises:
        OSError: it cannot be written.
        ErasureListDamaged: the list in the data directory cannot be read.
    """
    file = data / ERASURES_FILE
    there = set(read_erasures(file)) if file.exists() else set()
    for one in erasures:
        if one not in there:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            append_erasure(file, one)
