"""Collecting blobs that no event refers to: what uploads leave behind that end between the bytes and the event."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from albumcore import Albumcore
from albumcore.errors import AlbumcoreError
from albumcore.image_sets.events import ImageAdded
from albumcore.kernel import RecordedEvent
from albumcore_adapters.blobs.protocol import Blobs, Digest

_PAGE = 1000  # events read at a time


def unreferred(
    albums: Albumcore,
    blobs: Blobs,
    before: datetime,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[Digest]:
    """Go through the blobs last put before a moment that no event refers to, in ascending order.

    Every event counts, also that of an image removed since: the past can be looked at as well.
    An upload puts its bytes first, which makes them young. So one that comes to refer to such a blob by now has
    made it young as well, and `Blobs.remove` leaves it.

    Args:
        albums: Whose events refer to blobs. No other store may use the same place.
        blobs: The place.
        before: A moment further back than any upload takes.
        progress: Called with the number of events read so far.

    Raises:
        UnknownStoredEvent, DamagedStoredEvent: an event cannot be read, so what it refers to is not known.
        BlobsUnavailable: the place does not list what it has.
    """
    # As a temporary file, because the digests of very many images are larger than memory.
    with closing(sqlite3.connect("")) as memory:
        memory.execute("CREATE TABLE referred (digest TEXT PRIMARY KEY) WITHOUT ROWID")
        after, read = 0, 0
        while page := albums.follow_only((ImageAdded,), after, _PAGE):
            memory.executemany("INSERT OR IGNORE INTO referred VALUES (?)", _digests(page))
            after, read = page[-1][0], read + len(page)
            progress(read)
        for digest in blobs.digests(before):
            known = memory.execute("SELECT 1 FROM referred WHERE digest = ?", [digest])
            if known.fetchone() is None:
                yield digest


def _digests(
    page: Iterable[tuple[int, RecordedEvent[Any] | AlbumcoreError | None]],
) -> Iterator[tuple[Digest]]:
    for _, one in page:
        if isinstance(one, AlbumcoreError):
            raise one
        if one is not None:
            yield (one.event.content.digest,)
