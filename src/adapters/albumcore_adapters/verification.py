"""Verifying a whole store: its database, the directory, the history, the images, and the bytes of instances."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import ImageBytes, open_blobs
from albumcore_adapters.directory.consistency import problems_of
from albumcore_adapters.directory.instance_blobs import instance_problems, instances_elsewhere
from albumcore_adapters.directory.registrations import registration_problems
from albumcore_adapters.erasure.erasing import erased_people
from albumcore_adapters.erasure.subject_check import subject_problems
from albumcore_adapters.service import open_service
from albumcore_adapters.store import (
    NewerStore,
    StoreError,
    check_postgres,
    check_sqlite,
    database_of,
    open_sqlite_to_read,
)
from albumcore_adapters.store.configured import store_exists
from albumcore_adapters.transfer.marker import refuse_unfinished_copy

_UNREADABLE = (StoreError, UnicodeDecodeError)
"""Errors of reading a damaged database. The second is raised when a message of SQLite quotes damaged content."""


@frozen
class Verified:
    """The result of verifying a store.

    Attributes:
        problems: A line for each problem, those of the database's integrity check first.
        events: The number of events that were replayed.
        left_out: A sentence for each check that could not be made.
        erased: The number of events that were erased, as their histories say.
    """

    problems: list[str]
    events: int
    left_out: list[str] = field(factory=list)
    erased: int = 0


def verify(
    settings: Settings,
    *,
    read_only: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Verified:
    """Verify an existing store.

    The integrity check of the database comes first. If it finds a problem, or the data directory is read-only, nothing
    is written afterwards, neither to the database nor beside it.

    Args:
        settings: Where the store is.
        read_only: Write nothing in any case. It has no effect on a PostgreSQL database.
        progress: Called with the number of events read so far.

    Raises:
        NoStore: there is no store, or it is incomplete.
        NewerStore: a newer release wrote it.
        Unreadable: its directory is read-only, and there is a write-ahead log that must be applied first.
        StoreError: the SQLite file is not a database, or PostgreSQL cannot be reached.
    """
    file = settings.data / DATABASE_FILE
    on_sqlite = settings.database is None and store_exists(settings)
    problems = check_sqlite(file).problems if on_sqlite else []
    read_only = read_only or bool(problems) or not os.access(settings.data, os.W_OK)
    events, left_out, erased = 0, list[str](), [0]

    def report(done: int) -> None:
        nonlocal events
        events = done
        progress(done)

    try:
        with _opened(settings, to_read=on_sqlite and read_only) as (albums, image_bytes):
            database = database_of(albums)
            if not on_sqlite:
                checked = check_postgres(database)
                problems += checked.problems
                left_out += filter(None, [checked.left_out])
            problems += _checked(problems_of, database)
            problems += _checked(registration_problems, albums, database, erased_people(albums))
            problems += _checked(subject_problems, albums, database)
            problems += _checked(albums.verify, image_bytes.check, report, erased.append)
            problems += _checked(instance_problems, database, image_bytes.blobs)
            elsewhere = instances_elsewhere(database)
            left_out += [] if elsewhere is None else [f"{elsewhere}: they were not read"]
    except _UNREADABLE as error:
        # The store of a newer release may be sound: that is no problem of the store.
        if not on_sqlite or (isinstance(error, NewerStore) and not problems):
            raise
        problems.append(f"the store cannot be opened: {_one_line(error)}")
    return Verified(problems, events, left_out, erased[-1])


def _checked(check: Callable[..., list[str]], *arguments: Any) -> list[str]:
    """Return the problems that a check finds; a failure of the check itself is one."""
    try:
        return check(*arguments)
    except _UNREADABLE as error:
        return [f"not all can be read: {_one_line(error)}"]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@contextmanager
def _opened(settings: Settings, *, to_read: bool) -> Iterator[tuple[Albumcore, ImageBytes]]:
    """Open the history and the image bytes of an existing store, until the end of the block."""
    if not to_read:
        service = open_service(settings, must_exist=True)
        try:
            yield service.albums, service.image_bytes
        finally:
            service.close()
        return
    albums = open_sqlite_to_read(settings.data / DATABASE_FILE)
    try:
        refuse_unfinished_copy(database_of(albums))
        yield albums, ImageBytes(open_blobs(settings, to_read=True))
    finally:
        albums.close()
