"""Garbage collection of blobs: an upload that ends after storing the bytes and before the event leaves one behind.

Events refer to the blobs of images, and rows of the directory to those of DICOM instances.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

from albumcore import Albumcore, Content, ImageAdded, utc_now
from albumcore.erasures import is_erased
from albumcore.errors import AlbumcoreError
from albumcore.kernel import RecordedEvent
from albumcore_adapters.blobs.port import BlobMissing, Blobs, Digest
from albumcore_adapters.directory.instance_blobs import instance_blobs
from albumcore_adapters.sql.pages import pages
from albumcore_adapters.store import database_of

_PAGE = 1000  # events


def unreferenced_digests(
    albums: Albumcore,
    blobs: Blobs,
    before: datetime,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[tuple[Digest, datetime]]:
    """Yield the blobs that neither an event nor an instance refers to, each with the time to give `Blobs.remove`.

    Those of erased images and instances come first: no upload puts one again, and their time is the present. Of the
    others only those last put before a time, in ascending order. A blob whose key is gone, and that was not erased, is
    referred to: the key may be restored.

    Events of images that were removed later count as well: past states remain readable. Safe beside uploads: an
    upload puts its bytes before it records the event or the row, which renews the age of the blob, and `Blobs.remove`
    keeps a blob whose age was renewed.

    Args:
        albums: The events, in the database with the directory. No other store may share the blobs.
        blobs: The blobs.
        before: A time (UTC) further back than any upload takes.
        progress: Called with the number of events read so far.

    Raises:
        UnknownStoredEvent, DamagedStoredEvent: an event is not readable, so what it refers to is not known.
        StoreError: the directory cannot be read.
        BlobsUnavailable: the blobs cannot be listed.
    """
    # A temporary file: the digests may not fit into memory.
    with closing(sqlite3.connect("")) as database:
        database.execute("CREATE TABLE referenced (digest TEXT PRIMARY KEY) WITHOUT ROWID")
        database.execute("CREATE TABLE erased (digest TEXT PRIMARY KEY) WITHOUT ROWID")
        done = 0
        read = partial(albums.follow_only, (ImageAdded,), limit=_PAGE)
        for page in pages(read, itemgetter(0), 0):
            contents = [*_contents(page)]
            for table, wanted in (("referenced", False), ("erased", True)):
                database.executemany(
                    f"INSERT OR IGNORE INTO {table} VALUES (?)",  # noqa: S608
                    [(one.digest,) for one in contents if is_erased(one) is wanted],
                )
            done += len(page)
            progress(done)
        for one in instance_blobs(database_of(albums)):
            table = "erased" if one.is_erased else "referenced"
            database.execute(f"INSERT OR IGNORE INTO {table} VALUES (?)", (one.digest,))  # noqa: S608
        gone = "SELECT digest FROM erased EXCEPT SELECT digest FROM referenced"
        now = utc_now()
        for (digest,) in database.execute(gone).fetchall():
            with suppress(BlobMissing):
                blobs.size(digest)
                yield digest, now
        for digest in blobs.digests(before):
            found = database.execute("SELECT 1 FROM referenced WHERE digest = ?", [digest])
            if found.fetchone() is None:
                yield digest, before


def _contents(
    page: Iterable[tuple[int, RecordedEvent[Any] | AlbumcoreError | None]],
) -> Iterator[Content]:
    for _, one in page:
        if isinstance(one, AlbumcoreError):
            raise one
        if one is not None:
            yield one.event.content
