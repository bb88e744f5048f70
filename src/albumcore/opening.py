"""Opening a store: in memory, in an SQLite file, or in a PostgreSQL database.

The core contains no database code. Stores are found by the entry points of the group ``albumcore.stores``: functions,
each named after the kind of store that it opens.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict, Unpack

from albumcore.queries import Albumcore
from albumcore.times import Clock

GROUP = "albumcore.stores"


class StoreOptions(TypedDict, total=False):
    """Options of every store: the keyword arguments of `albumcore.commands.Commands`, described there."""

    clock: Clock
    busy_seconds: float
    snapshot_every: int
    cache_size: int
    sealed: bool | Literal["new"] | None


class MissingExtra(ImportError):
    """A part of albumcore needs an extra that is not installed."""


class NoAddress(ValueError):
    """The URL is not that of a PostgreSQL database. The message omits it, because it may contain a password."""


def check_options(options: Mapping[str, Any]) -> None:
    """Check that every option is one of `StoreOptions`, before anything is created.

    Raises:
        TypeError: one is not.
    """
    known = StoreOptions.__optional_keys__
    for name in options:
        if name not in known:
            raise TypeError(
                f"a store has no option {name!r}; its options are {', '.join(sorted(known))}"
            )


def open_memory(**options: Unpack[StoreOptions]) -> Albumcore:
    """Open a new, empty store in the memory of this process.

    Args:
        options: ``clock``, ``busy_seconds``, ``snapshot_every``, ``cache_size``, ``sealed``.

    Raises:
        TypeError: there is no such option.
        ValueError: an option is out of range.
        MissingExtra: no installed package has such a store; or it is to be sealed, and the cipher is not installed.
    """
    return _opener("memory")(**options)


def open_sqlite(path: str | os.PathLike[str], **options: Unpack[StoreOptions]) -> Albumcore:
    """Open the store in an SQLite file, and make it where there is none. Open it after a fork, not before.

    A command returns after its events are on disk. Several processes may have the same file open.

    Args:
        path: The file; a new one is readable by its owner only. Its directory must exist.
        options: As for `open_memory`.

    Raises:
        TypeError, ValueError, MissingExtra: as by `open_memory`.
        OSError: the file cannot be opened, or this is no POSIX system.
        StoreError: it is no database, or a damaged one; or it is not sealed as the options say.
        UnknownStoredEvent: a newer albumcore wrote an event that is needed.
    """
    return _opener("sqlite")(path, **options)


def open_postgres(url: str, **options: Unpack[StoreOptions]) -> Albumcore:
    """Open the store in a PostgreSQL database, and make its tables where there are none. Open it after a fork.

    Any number of processes, on any number of machines, may have it open.

    Args:
        url: ``postgresql://user:password@host:port/name``, with whatever else libpq takes after a ``?``.
        options: As for `open_memory`.

    Raises:
        TypeError, ValueError: as by `open_memory`.
        MissingExtra: so; or the driver is not installed: ``pip install 'albumcore[postgres]'``.
        NoAddress: the address is none.
        StoreError: the database cannot be reached, does not let us in, or is none that will do; or the store is not
            sealed as the options say.
        UnknownStoredEvent: a newer albumcore wrote an event that is needed.
    """
    return _opener("postgres")(url, **options)


def _opener(kind: str) -> Callable[..., Albumcore]:
    # Slow to import, and not needed where no store is opened.
    from importlib.metadata import entry_points

    for found in entry_points(group=GROUP, name=kind):
        opener: Callable[..., Albumcore] = found.load()
        return opener
    raise MissingExtra(
        f"no installed package has a store of the kind {kind!r} (entry point group {GROUP}): "
        "install albumcore with pip, its files alone do not say where its stores are"
    )
