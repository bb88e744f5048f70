"""Garbage collection of blobs: an upload that ends after storing the bytes and before the event leaves one behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from albumcore import Albumcore, ImageAdded
from albumcore.errors import AlbumcoreError
from albumcore.kernel import RecordedEvent
from albumcore_adapters.blobs.port import Blobs, Digest

_PAGE = 1000  # events


def unreferenced_digests(
    albums: Albumcore,
    blobs: Blobs,
    before: datetime,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[Digest]:
    """Yield, in ascending order, the blobs last put before a time that no event refers to.

    Events of images that were removed later count as well: past states remain readable. Safe beside uploads: an
    upload puts its bytes before it records the event, which renews the age of the blob, and `Blobs.remove` keeps a
    blob whose age was renewed.

    Args:
        albums: The events. No other store may share the blobs.
        blobs: The blobs.
        before: A time (UTC) further back than any upload takes.
        progress: Called with the number of events read so far.

    Raises:
        UnknownStoredEvent, DamagedStoredEvent: an event is not readable, so what it refers to is not known.
        BlobsUnavailable: the blobs cannot be listed.
    """
    # A temporary file: the digests may not fit into memory.
    with closing(sqlite3.connect("")) as database:
        database.execute("CREATE TABLE referenced (digest TEXT PRIMARY KEY) WITHOUT ROWID")
        after, read = 0, 0
        while page := albums.follow_only((ImageAdded,), after, _PAGE):
            database.executemany("INSERT OR IGNORE INTO referenced VALUES (?)", _digests(page))
            after, read = page[-1][0], read + len(page)
            progress(read)
        for digest in blobs.digests(before):
            found = database.execute("SELECT 1 FROM referenced WHERE digest = ?", [digest])
            if found.fetchone() is None:
                yield digest


def _digests(
    page: Iterable[tuple[int, RecordedEvent[Any] | AlbumcoreError | None]],
) -> Iterator[tuple[Digest]]:
    for _, one in page:
        if isinstance(one, AlbumcoreError):
            raise one
        if one is not None:
            yield (one.event.content.digest,)
