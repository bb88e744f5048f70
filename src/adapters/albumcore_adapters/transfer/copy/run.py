"""A copy from its beginning to its end; or, run again, from where it was to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from functools import partial
from typing import TypeAlias

from attrs import field, frozen

from albumcore import Albumcore
from albumcore_adapters.base.secret import copy_secret
from albumcore_adapters.blobs import Blobs
from albumcore_adapters.sql.migrations import MIGRATIONS, schema_version
from albumcore_adapters.transfer.copy.blobs import copy_blobs
from albumcore_adapters.transfer.copy.places import NONE, CopyRefused, Place
from albumcore_adapters.transfer.copy.statements import Side
from albumcore_adapters.transfer.copy.tables import (
    EVENTS,
    Table,
    UnstorableRow,
    Values,
    count,
    delete,
    differences,
    insert,
    is_empty,
    named,
    newest_event,
    rows,
    tables_beside_events,
    told,
)
from albumcore_adapters.transfer.marker import (
    is_unfinished,
    mark_finished,
    mark_unfinished,
)

Stage: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows a part of the work: told what it is, and of how many things if that is known; gives what to tell how many
are done."""

_ALREADY = "there is a store at the place to copy to that is none of an unfinished copy: name an empty place"
_OTHERS = "the unfinished copy there is one of another store: name an empty place"


@frozen
class Copied:
    """What a copy came to.

    Attributes:
        events: How many events the target has now.
        position: The position of the last of them; 0 where there is none.
        rows: How many other rows it has.
        blobs: How many image files were copied now; None where no places for them are known.
        damaged_blobs: How many were left behind, because their bytes are not what their names say.
        secret: Whether the secret was copied.
        is_whole: Whether the target equals the source. If not, the source was written to meanwhile: the target
            stays marked as unfinished, and nothing of it was verified.
        problems: What `verify` says of the target. The target equals the source, so the source has them too.
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
    source: Place,
    target: Place,
    open_blobs: Callable[[], tuple[Blobs, Blobs]] | None,
    stage: Stage,
    clock: Callable[[], datetime],
) -> Copied:
    """Copy a whole store: events with their ids, versions and positions, all that lies beside them, and images.

    What is copied is of one moment, so the source may be in use. Whatever ends it on the way, the target stays
    marked as unfinished, and the same command goes on from there. In the end both are compared, row by row, in a
    second look at the source; only where they are equal the target is verified, and counts as whole.

    Args:
        source: Where the store is; nothing there is changed.
        target: Where it is to be: an empty place, or one with an unfinished copy of the same store.
        open_blobs: Opens the places of the image bytes, from and to; None to leave them where they are.
        stage: Shows how it goes on.
        clock: Tells the present moment.

    Raises:
        CopyRefused: there is no store, or it is unfinished itself; the target is another one, or cannot hold a row.
        StoreError: a database cannot be reached, or did not do its part.
        BlobsUnavailable: nor did the place of the images.
    """
    if source == target:
        raise CopyRefused("both addresses are the same")
    with ExitStack() as stack:
        old = stack.enter_context(source.opened())
        _check_source(old)
        store, new = stack.enter_context(target.made())
        if not is_unfinished(new.database):
            if not is_empty(new):
                raise CopyRefused(_ALREADY)
            mark_unfinished(new.database, clock())
        has_secret = copy_secret(source.directory, target.directory)
        blobs = None if open_blobs is None else open_blobs()
        try:
            events, beside = _copy_tables(old, new, stage)
        except UnstorableRow as error:
            raise CopyRefused(f"the target cannot hold what the source has: {error}") from error
        given: int | None = None
        damaged = 0
        if blobs is not None:
            with stage("copying image files", None) as progress:
                given, damaged = copy_blobs(*blobs, progress)
        is_whole = _are_equal(old, new, stage)
        newest = newest_event(new)
        copied = (
            events,
            0 if newest is None else newest[0],
            beside,
            given,
            damaged,
            has_secret,
            is_whole,
        )
        if not is_whole:
            return Copied(*copied)
        problems = _finish(store, None if blobs is None else blobs[1], events, stage)
        mark_finished(new.database)
        return Copied(*copied, problems)


# Before


def _check_source(old: Side) -> None:
    there = old.tables()
    if EVENTS.name not in there:
        raise CopyRefused(NONE)
    version = schema_version(old.database)
    if version > len(MIGRATIONS):
        raise CopyRefused("a newer albumcore wrote the store to copy from, and must copy it")
    if version < len(MIGRATIONS):
        raise CopyRefused(
            "the store to copy from is of an older albumcore: stop its service, "
            "and open it with this release, by `albumcore verify`"
        )
    if is_unfinished(old.database):
        raise CopyRefused("the store to copy from is an unfinished copy itself")


# Copying


def _copy_tables(old: Side, new: Side, stage: Stage) -> tuple[int, int]:
    """Have the target be what the source is at this moment; how many events and how many other rows that is."""
    with old.database.read_snapshot():
        last = _last_in_common(old, new)
        events = count(old, EVENTS)
        with stage("copying events", events) as progress:
            insert(new, EVENTS, told(rows(old, EVENTS, last), progress, count(new, EVENTS)))
        there = tables_beside_events()
        beside = [count(old, table) for table in there]
        with stage("copying what is beside them", sum(beside)) as progress:
            for number, table in enumerate(there):
                _make_equal(
                    old, new, table, partial(told, progress=progress, before=sum(beside[:number]))
                )
        _give_numbers(old, new, [EVENTS, *there])
    return events, sum(beside)


def _last_in_common(old: Side, new: Side) -> tuple[int] | None:
    """The position up to which events were copied before."""
    newest = newest_event(new)
    if newest is None:
        return None
    position: int = newest[0]
    if next(rows(old, EVENTS, (position - 1,)), None) != newest:
        raise CopyRefused(_OTHERS)
    return (position,)


def _make_equal(
    old: Side, new: Side, table: Table, watched: Callable[[Iterable[Values]], Iterable[Values]]
) -> None:
    # What should not be there goes first: no new row then meets a value that but one row may have.
    wrong = differences(rows(old, table), rows(new, table), table, of_found=True)
    delete(new, table, (found for _, found in wrong if found is not None))
    lacking = differences(watched(rows(old, table)), rows(new, table), table)
    insert(new, table, (wanted for wanted, _ in lacking if wanted is not None))


def _give_numbers(old: Side, new: Side, tables: Sequence[Table]) -> None:
    """No number is to be given out again, not even that of a row that was deleted."""
    for table in tables:
        if table.number is None:
            continue
        of_old, of_new = (named(side, table, table.number) for side in (old, new))
        if highest := old.given(table.name, of_old):
            new.give(table.name, of_new, highest)


# After


def _are_equal(old: Side, new: Side, stage: Stage) -> bool:
    """Whether the target is what the source is by now.

    Raises:
        CopyRefused: it has events that the source has not.
    """
    with old.database.read_snapshot():
        tables = [EVENTS, *tables_beside_events()]
        sizes = [count(old, table) for table in tables]
        with stage("comparing", sum(sizes)) as progress:
            for number, table in enumerate(tables):
                read = told(rows(old, table), progress, sum(sizes[:number]))
                for _, found in differences(read, rows(new, table), table):
                    if table is EVENTS and found is not None:
                        raise CopyRefused(_OTHERS)
                    return False
    return True


def _finish(store: Albumcore, blobs: Blobs | None, events: int, stage: Stage) -> list[str]:
    with stage("making the index rows", events) as progress:
        # `verify` names what cannot be read.
        store.rebuild(progress, pass_over=lambda error: None)
    with stage("verifying", events) as progress:
        if blobs is None:
            return store.verify(progress=progress)
        return store.verify(blobs.check, progress)
