"""Opening a store of events and index rows: in memory, or in an SQLite file."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eventsourcing.persistence import OperationalError, PersistenceError
from eventsourcing.sqlite import SQLiteDatastore

from adapters.store.sqlite import SQLiteRecorder
from albumcore.application import Albumcore
from albumcore.errors import AlbumcoreError, UnknownStoredEvent

StoreError = PersistenceError
"""The database did not do its part. Nothing of what was tried was recorded."""

StoreUnavailable = OperationalError
"""It may do so if asked again: it is busy for too long, full, or gone."""

_memories = itertools.count(1)
_log = logging.getLogger(__name__)


def open_memory(**settings: Any) -> Albumcore:
    """Open a new, empty store that lives in this process and ends with it.

    Args:
        settings: Keyword arguments of `Albumcore` (``clock``, ``retries``, ``snapshot_every``), and ``cache_size``:
            how many streams' states are kept at hand.
    """
    name = f"file:albumcore-{os.getpid()}-{next(_memories)}?mode=memory&cache=shared"
    return _open(name, **settings)


def open_sqlite(path: str | os.PathLike[str], **settings: Any) -> Albumcore:
    """Open the store in an SQLite file, and make it where there is none.

    What a command returned for is on the disk: every append is one transaction, synced before it returns.
    Index rows of another form, of an older albumcore, are made again from the events before it returns; a damaged
    event is passed over then, with the rest of its stream, and logged.
    Several processes may have the same file open. Open it after a fork, not before.

    Args:
        path: The file; a new one can be read by its owner alone. Its directory must exist.
        settings: As for `open_memory`.

    Raises:
        ValueError: a setting is out of range.
        OSError: the file cannot be opened.
        StoreError: it is no database, or a damaged one.
        UnknownStoredEvent: rows of another form, and an event of a newer albumcore.
    """
    file = Path(path).absolute()
    with alone(file.with_name(f"{file.name}-opening")):
        # SQLite would let everybody read a new file. An existing one must not be opened here: closing it would
        # drop the locks that SQLite holds on it for this process.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        # A path is data here, not a URI: its own ? and # must stay part of the name.
        return _open(file.as_uri(), **settings)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let one process at a time into the block; SQLite changes to its journal mode under one alone."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open(database: str, cache_size: int = 256, **settings: Any) -> Albumcore:
    if cache_size < 1:
        raise ValueError("cache_size is 1 or more")
    env = {
        "PERSISTENCE_MODULE": "adapters.store.sqlite:Factory",
        "SQLITE_DBNAME": database,
        "SQLITE_LOCK_TIMEOUT": "30",
        "AGGREGATE_CACHE_MAXSIZE": str(cache_size),
    }
    store = Albumcore(env, **settings)
    try:
        recorder: SQLiteRecorder = store.recorder  # type: ignore[assignment]
        if not recorder.has_rows_of_this_form():
            read = store.rebuild(pass_over=_told)
            if read:
                _log.info("the index rows were of another form: made again from %d events", read)
    except BaseException:
        store.close()
        raise
    return store


def _told(error: AlbumcoreError) -> None:
    if isinstance(error, UnknownStoredEvent):
        raise error  # a newer release wrote it, and makes rows that this one must not replace
    # To refuse would keep whoever has to look into it out as well; `verify` tells the same.
    _log.error("an event was passed over, and what follows it in its stream: %s", error.detail)


def database_of(store: Albumcore) -> SQLiteDatastore:
    """The database an open store lives in, for tables that live beside it."""
    datastore: SQLiteDatastore = store.recorder.datastore  # type: ignore[attr-defined]
    return datastore


__all__ = ["StoreError", "StoreUnavailable", "alone", "database_of", "open_memory", "open_sqlite"]
