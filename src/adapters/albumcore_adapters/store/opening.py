"""Opening a store of events and index rows: in memory, in an SQLite file, or in a PostgreSQL database."""

from __future__ import annotations

import contextlib
import errno
import itertools
import logging
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Unpack, cast

from albumcore.errors import AlbumcoreError, UnknownStoredEvent
from albumcore.opening import MissingExtra, NoAddress, StoreOptions, check_options
from albumcore.queries import Albumcore, StoreError
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.integrity import (
    address_to_read,
)
from albumcore_adapters.sql.migrations import is_migrated
from albumcore_adapters.sql.open_lock import OpenLock, exclusive_lock
from albumcore_adapters.store.log_watch import LogWatch
from albumcore_adapters.store.recorder import IndexRecorder

_memories = itertools.count(1)
_log = logging.getLogger(__package__)


def open_memory(**options: Unpack[StoreOptions]) -> Albumcore:
    """Open a new, empty store that lives in this process and ends with it.

    Args:
        options: See `StoreOptions`.

    Raises:
        TypeError: there is no such option.
        ValueError: an option is out of range.
    """
    check_options(options)
    name = f"file:albumcore-{os.getpid()}-{next(_memories)}?mode=memory&cache=shared"
    return _open(_on_sqlite(name), options)


def open_sqlite(path: str | os.PathLike[str], **options: Unpack[StoreOptions]) -> Albumcore:
    """Open the store in an SQLite file; create it if there is none.

    When a command returns, its events are on the disk: every append is one transaction, synced before it returns.
    If the index has another fingerprint, of another release, it is rebuilt before this returns. A damaged event is
    skipped then, with the rest of its stream, and logged.
    Several processes may have the same file open. Open it after a fork, not before.

    Args:
        path: The file. Its directory must exist. A new file is readable by its owner alone.
        options: As for `open_memory`.

    Raises:
        TypeError, ValueError: as by `open_memory`.
        OSError: the file cannot be opened, or this is no POSIX system.
        StoreUnavailable: a restore is about to replace it.
        NewerStore: a newer release wrote it. It is not changed.
        StoreError: it is not a database, or a damaged one.
        UnknownStoredEvent: the index has another fingerprint, and there is an event of a newer release.
    """
    check_options(options)
    file = Path(path).absolute()
    if not file.parent.is_dir():  # the lock beside the file would be named instead
        raise FileNotFoundError(errno.ENOENT, "There is no such directory", str(file.parent))
    lock = OpenLock(file)
    try:
        with exclusive_lock(file.with_name(f"{file.name}-opening")):
            # SQLite would make a new file readable by all. An existing one must not be opened here: closing it would
            # release the locks that SQLite holds on it for this process.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            # A path is data here, not a URI: its own ? and # must stay part of the name.
            store = _open(_on_sqlite(file.as_uri()), options)
    except BaseException:
        lock.close()
        raise
    cast(Any, store.factory).lock = lock  # until the store is closed
    return store


def open_sqlite_to_read(path: Path, **options: Unpack[StoreOptions]) -> Albumcore:
    """Open the store in an SQLite file read-only: nothing is written, neither to it nor beside it.

    Args:
        path: The file, in a directory that may be read-only.
        options: As for `open_memory`.

    Raises:
        Unreadable: its write-ahead log has changes, which cannot be read in a read-only directory.
        NewerStore: a newer release wrote it.
        StoreError: it is no database, or a damaged one, or an older release wrote it.
    """
    env = {**_on_sqlite(address_to_read(path)), "CREATE_TABLE": "n"}
    store = Albumcore(env, **options)
    try:
        recorder = _recorder_of(store)
        if not (is_migrated(recorder.datastore) and recorder.has_current_index()):
            raise StoreError("an older release wrote it: open a writable copy first")
    except BaseException:
        store.close()
        raise
    return store


def open_postgres(url: str, **options: Unpack[StoreOptions]) -> Albumcore:
    """Open the store in a PostgreSQL database of version 13 or later; create its tables if there are none.

    When a command returns, its events are as durable as the server's ``synchronous_commit`` makes them: every append
    is one transaction. If a connection breaks in the middle of one, an error means that nothing was recorded.
    The index is rebuilt as by `open_sqlite`, by one process while the others wait.
    Any number of processes, on any number of machines, may have it open. Open it after a fork, not before.

    Args:
        url: ``postgresql://user:password@host:port/name``, with libpq's other parameters after a ``?``.
        options: As for `open_memory`.

    Raises:
        TypeError, ValueError: as by `open_memory`.
        MissingExtra: the driver is not installed.
        NoAddress: it is no address of a PostgreSQL database.
        NewerStore: a newer release wrote the store. It is not changed.
        StoreError: the database cannot be reached, refuses the user, or is of a kind that is not supported.
        UnknownStoredEvent: the index has another fingerprint, and there is an event of a newer release.
    """
    check_options(options)
    postgres = _postgres(url)
    with postgres.exclusive_open(url):
        env = {"PERSISTENCE_MODULE": "albumcore_adapters.store.postgres:Factory", postgres.URL: url}
        return _open(env, options)


def has_postgres_store(url: str) -> bool:
    """Whether a PostgreSQL database contains a store.

    Raises:
        MissingExtra, NoAddress, StoreError: as by `open_postgres`.
    """
    found: bool = _postgres(url).has_store(url)
    return found


def _postgres(url: str) -> ModuleType:
    try:
        postgres = import_module("albumcore_adapters.store.postgres")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("psycopg"):
            raise
        raise MissingExtra("PostgreSQL needs more: pip install 'albumcore[postgres]'") from error
    try:
        postgres.conninfo_of(url)
    except ValueError as error:
        raise NoAddress(str(error)) from None
    return postgres


def _on_sqlite(database: str) -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": "albumcore_adapters.store.sqlite:Factory",
        "SQLITE_DBNAME": database,
    }


def _open(env: Mapping[str, str], options: StoreOptions) -> Albumcore:
    store = Albumcore(env, **options)
    try:
        if not _recorder_of(store).has_current_index():
            read = store.rebuild(pass_over=_log_damaged)
            if read:
                _log.info("the index had another fingerprint: rebuilt from %d events", read)
    except BaseException:
        store.close()
        raise
    return store


def _log_damaged(error: AlbumcoreError) -> None:
    if isinstance(error, UnknownStoredEvent):
        raise error  # of a newer release, whose index this one must not replace
    # A store that does not open cannot be repaired. `verify` reports the same.
    _log.error("an event was passed over, and what follows it in its stream: %s", error.detail)


def database_of(store: Albumcore) -> Database:
    """The database of an open store, for the tables beside its events."""
    return _recorder_of(store).datastore


def watch_of(store: Albumcore) -> LogWatch:
    """A watch of the log of an open store. Stop it before the store is closed."""
    return LogWatch(store.recorder, database_of(store))


def is_store_sealed(store: Albumcore) -> bool:
    """Whether an open store encrypts what events say about people."""
    return _recorder_of(store).sealer is not None


def _recorder_of(store: Albumcore) -> IndexRecorder:
    return cast(IndexRecorder, store.recorder)
