"""Opening a store of events and index rows: in memory, or in an SQLite file."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from eventsourcing.sqlite import SQLiteDatastore

from albumcore.application import Albumcore

_memories = itertools.count(1)


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
    Several processes may have the same file open. Open it after a fork, not before.

    Args:
        path: The file. Its directory must exist.
        settings: As for `open_memory`.
    """
    # A path is data here, not a URI: its own ? and # must stay part of the name.
    uri = Path(path).absolute().as_uri()
    return _open(uri, **settings)


def _open(database: str, cache_size: int = 256, **settings: Any) -> Albumcore:
    env = {
        "PERSISTENCE_MODULE": "adapters.store.sqlite:Factory",
        "SQLITE_DBNAME": database,
        "SQLITE_LOCK_TIMEOUT": "30",
        "AGGREGATE_CACHE_MAXSIZE": str(cache_size),
    }
    return Albumcore(env, **settings)


def database_of(store: Albumcore) -> SQLiteDatastore:
    """The database an open store lives in, for tables that live beside it."""
    datastore: SQLiteDatastore = store.recorder.datastore  # type: ignore[attr-defined]
    return datastore


__all__ = ["database_of", "open_memory", "open_sqlite"]
