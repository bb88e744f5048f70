"""Verifying a whole store: the database by its own check, the directory, the history and the images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

from albumcore import Albumcore
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, open_blobs
from albumcore_adapters.directory.consistency import problems_of
from albumcore_adapters.service import open_service
from albumcore_adapters.store import (
    NewerStore,
    StoreError,
    check_postgres,
    check_sqlite,
    database_of,
    open_sqlite_to_read,
)
from albumcore_adapters.transfer.marker import refuse_unfinished_copy

_UNREADABLE = (StoreError, UnicodeDecodeError)
"""What reading a damaged database leads to; the second where what SQLite has to say names something damaged."""


@frozen
class Verified:
    """What was found.

    Attributes:
        problems: A line for each thing that is wrong, what the database says of itself first.
        events: How many events were replayed.
        left_out: A sentence for each thing that could not be checked.
    """

    problems: list[str]
    events: int
    left_out: list[str] = field(factory=list)


def verify(
    settings: Settings,
    *,
    read_only: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Verified:
    """Verify a store that is there.

    The database's own check comes first. Where it finds something, or the data directory is read-only, nothing is
    written from then on, neither to the database nor beside it.

    Args:
        settings: Which store.
        read_only: Write nothing in any case. It says nothing of a PostgreSQL database, which has rights of its own.
        progress: Called with the number of events read so far.

    Raises:
        NoStore: there is none, or not the whole of it.
        NewerStore: a newer release wrote it.
        Unreadable: it is on a read-only directory, and changes lie beside it.
        StoreError: the SQLite file is no database, or PostgreSQL cannot be reached.
    """
    file = settings.data / DATABASE_FILE
    on_sqlite = settings.database is None and file.is_file() and bool(file.stat().st_size)
    problems = check_sqlite(file).problems if on_sqlite else []
    read_only = read_only or bool(problems) or not os.access(settings.data, os.W_OK)
    events, left_out = 0, list[str]()

    def seen(done: int) -> None:
        nonlocal events
        events = done
        progress(done)

    try:
        with _opened(settings, to_read=on_sqlite and read_only) as (albums, blobs):
            database = database_of(albums)
            if not on_sqlite:
                checked = check_postgres(database)
                problems += checked.problems
                left_out += filter(None, [checked.left_out])
            problems += _told(problems_of, database)
            problems += _told(albums.verify, blobs.check, seen)
    except _UNREADABLE as error:
        # A newer release may find nothing wrong with it.
        if not on_sqlite or (isinstance(error, NewerStore) and not problems):
            raise
        problems.append(f"the store cannot be opened: {_in_a_line(error)}")
    return Verified(problems, events, left_out)


def _told(check: Callable[..., list[str]], *arguments: Any) -> list[str]:
    """What a check finds; that it cannot come to its end is found as well."""
    try:
        return check(*arguments)
    except _UNREADABLE as error:
        return [f"not all can be read: {_in_a_line(error)}"]


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())


@contextmanager
def _opened(settings: Settings, *, to_read: bool) -> Iterator[tuple[Albumcore, Blobs]]:
    """The history and the images of a store that is there, closed at the end of the block."""
    if not to_read:
        service = open_service(settings, must_exist=True)
        try:
            yield service.albums, service.blobs
        finally:
            service.close()
        return
    albums = open_sqlite_to_read(settings.data / DATABASE_FILE)
    try:
        refuse_unfinished_copy(database_of(albums))
        yield albums, open_blobs(settings, to_read=True)
    finally:
        albums.close()
