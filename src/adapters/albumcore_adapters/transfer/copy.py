"""Copying a whole store between SQLite and PostgreSQL, with ids, versions and positions unchanged.

A copy is resumable: the target is marked as unfinished until it equals the source, and the same call continues
where the last one was cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from attrs import field, frozen

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import ERASURES_FILE
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.base.secret import copy_secret
from albumcore_adapters.blobs import Blobs, ImageBytes
from albumcore_adapters.directory.instance_blobs import instance_problems
from albumcore_adapters.erasure.erasure_list import ErasureListDamaged, read_erasures
from albumcore_adapters.sql.migrations import MIGRATIONS, schema_version
from albumcore_adapters.store import database_of
from albumcore_adapters.store.sealing import is_sealed_store
from albumcore_adapters.transfer.blobs import copy_all
from albumcore_adapters.transfer.endpoint import Endpoint
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.forgetting_again import write_list
from albumcore_adapters.transfer.location import NO_STORE, Location
from albumcore_adapters.transfer.marker import (
    is_unfinished,
    mark_finished,
    mark_unfinished,
)
from albumcore_adapters.transfer.tables import (
    EVENT_TABLE,
    UnstorableRow,
    advance_identities,
    count,
    differences,
    insert,
    is_empty,
    make_equal,
    newest_event,
    rows,
    tables_beside_events,
    transferred_tables,
    with_progress,
)

_NOT_EMPTY = "there is a store at the place to copy to that is none of an unfinished copy: name an empty place"
ANOTHER_STORE = "the unfinished copy there is one of another store: name an empty place"


@frozen
class Copied:
    """The result of a copy.

    Attributes:
        events: Number of events in the target.
        position: The position of the last of them; 0 if there is none.
        rows: Number of other rows that were transferred.
        blobs: Number of image files copied by this call; None if it was not asked to copy images.
        damaged_blobs: Number of image files left out, because their content does not match their digest.
        secret: Whether the secret was copied.
        is_whole: Whether the target equals the source. If not, the source was written to meanwhile: the target
            remains marked as unfinished, and was not verified.
        problems: What `verify` finds in the target. The source has the same problems, because both are equal.
    """

    events: int
    position: int
    rows: int
    blobs: int | None
    damaged_blobs: int
    secret: bool
    is_whole: bool
    problems: Sequence[str] = field(factory=tuple)


def copy_store(
    source: Location,
    target: Location,
    open_blobs: Callable[[], tuple[Blobs, Blobs]] | None,
    stage: Stage,
    clock: Callable[[], datetime],
) -> Copied:
    """Copy a store: events, the tables beside them, the secret, and image bytes.

    The rows are read in one read transaction (snapshot isolation), so the source may be in use. At the end both
    databases are compared row by row in a second transaction; only if they are equal, the target is verified and its
    mark removed.

    Args:
        source: The store to copy. It is not changed.
        target: An empty location, or one with an unfinished copy of the same store.
        open_blobs: Opens the image bytes of source and target; None to leave them where they are.
        stage: Shows the progress.
        clock: Returns the current time.

    Raises:
        TransferRefused: there is no store, or it is an unfinished copy itself; the target holds another store, or
            cannot store a row of the source; a list of erasures is damaged.
        StoreError: a database cannot be reached, or an operation on it failed.
        BlobsUnavailable: the place of the images does not answer.
        OSError: the list of erasures of a data directory cannot be read, or written.
    """
    if source == target:
        raise TransferRefused("both addresses are the same")
    with ExitStack() as stack:
        old = stack.enter_context(source.source())
        check_source(old)
        store, new = stack.enter_context(target.target(sealed=is_sealed_store(old.database)))
        mark_target(new, clock())
        has_secret = copy_secret(source.directory, target.directory)
        _copy_list(source.directory, target.directory)
        return _copy(
            old, new, store, None if open_blobs is None else open_blobs(), has_secret, stage
        )


def _copy_list(source: Path | None, target: Path | None) -> None:
    """Have the target name what was erased in the source, for the restore of an older backup.

    Raises:
        TransferRefused: a line of a list is no erasure.
        OSError: a list cannot be read, or written.
    """
    if source is None or target is None or not (source / ERASURES_FILE).exists():
        return
    try:
        write_list(target, read_erasures(source / ERASURES_FILE))
    except ErasureListDamaged as error:
        raise TransferRefused(f"{ERASURES_FILE}: {error}") from error


def check_source(source: Endpoint) -> None:
    """Check that there is a whole store of this release.

    Raises:
        TransferRefused: there is none.
    """
    if EVENT_TABLE.name not in source.tables():
        raise TransferRefused(NO_STORE)
    version = schema_version(source.database)
    if version > len(MIGRATIONS):
        raise TransferRefused("a newer albumcore wrote the store to copy from, and must copy it")
    if version < len(MIGRATIONS):
        raise TransferRefused(
            "the store to copy from is of an older albumcore: stop its service, "
            "and open it with this release, by `albumcore verify`"
        )
    if is_unfinished(source.database):
        raise TransferRefused("the store to copy from is an unfinished copy itself")


def mark_target(target: Endpoint, at: datetime) -> None:
    """Mark an empty store as the target of a copy that begins; one that bears the mark stays as it is.

    Raises:
        TransferRefused: it is not empty.
    """
    if is_unfinished(target.database):
        return
    if not is_empty(target):
        raise TransferRefused(_NOT_EMPTY)
    mark_unfinished(target.database, at)


def _copy(
    source: Endpoint,
    target: Endpoint,
    store: Albumcore,
    blobs: tuple[Blobs, Blobs] | None,
    has_secret: bool,
    stage: Stage,
) -> Copied:
    """Copy into an open target, compare, and verify it."""
    try:
        events, beside = _copy_tables(source, target, stage)
    except UnstorableRow as error:
        raise TransferRefused(f"the target cannot hold what the source has: {error}") from error
    copied: int | None = None
    damaged = 0
    if blobs is not None:
        with stage("copying image files", None) as progress:
            copied, damaged = copy_all(*blobs, progress)
    is_whole = _are_equal(source, target, stage)
    newest = newest_event(target)
    position = 0 if newest is None else newest[0]
    problems: Sequence[str] = ()
    if is_whole:
        problems = rebuild_and_verify(store, None if blobs is None else blobs[1], events, stage)
        mark_finished(target.database)
    return Copied(events, position, beside, copied, damaged, has_secret, is_whole, problems)


def _copy_tables(source: Endpoint, target: Endpoint, stage: Stage) -> tuple[int, int]:
    """Copy the rows of one snapshot of the source; return the number of events, and of all other rows."""
    with source.database.read_snapshot():
        last = _last_copied(source, target)
        events = count(source, EVENT_TABLE)
        with stage("copying events", events) as progress:
            missing = rows(source, EVENT_TABLE, last)
            insert(
                target, EVENT_TABLE, with_progress(missing, progress, count(target, EVENT_TABLE))
            )
        tables = tables_beside_events()
        sizes = [count(source, table) for table in tables]
        with stage("copying what is beside them", sum(sizes)) as progress:
            for number, table in enumerate(tables):
                watched = partial(with_progress, progress=progress, before=sum(sizes[:number]))
                make_equal(target, table, partial(rows, source, table), watched)
        advance_identities(source, target)
    return events, sum(sizes)


def _last_copied(source: Endpoint, target: Endpoint) -> tuple[int] | None:
    """Return the position of the last event that an earlier call copied."""
    newest = newest_event(target)
    if newest is None:
        return None
    position: int = newest[0]
    if next(rows(source, EVENT_TABLE, (position - 1,)), None) != newest:
        raise TransferRefused(ANOTHER_STORE)
    return (position,)


def _are_equal(source: Endpoint, target: Endpoint, stage: Stage) -> bool:
    """Return whether the target equals a new snapshot of the source.

    Raises:
        TransferRefused: the target has an event that the source does not have.
    """
    with source.database.read_snapshot():
        tables = transferred_tables()
        sizes = [count(source, table) for table in tables]
        with stage("comparing", sum(sizes)) as progress:
            for number, table in enumerate(tables):
                wanted = with_progress(rows(source, table), progress, sum(sizes[:number]))
                for _, found in differences(wanted, rows(target, table), table):
                    if table is EVENT_TABLE and found is not None:
                        raise TransferRefused(ANOTHER_STORE)
                    return False
    return True


def rebuild_and_verify(
    store: Albumcore, blobs: Blobs | None, events: int, stage: Stage
) -> list[str]:
    """Make the index rows of a complete copy, and return what `verify` finds in it; images only if they were copied."""
    with stage("making the index rows", events) as progress:
        # Events that cannot be read are passed over here; `verify` names them.
        store.rebuild(progress, pass_over=lambda error: None)
    with stage("verifying", events) as progress:
        if blobs is None:
            return store.verify(progress=progress)
        problems = store.verify(ImageBytes(blobs).check, progress)
    with stage("verifying instances", None) as progress:
        return problems + instance_problems(database_of(store), blobs, progress)
