"""Collecting: what was erased leaves the files, too: blobs, the database, and its write-ahead log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import evolve

from albumcore import Albumcore
from albumcore.index import FeedLaneRow, ImageRow, MemberRow, SeriesRow
from albumcore_adapters.blobs import Blobs
from albumcore_adapters.directory.instance_blobs import forget_removed_blobs
from albumcore_adapters.erasure.unreferenced import unreferenced_digests
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.purge import Purged, purge
from albumcore_adapters.store.rows import TABLES

_ROWS_WITHOUT_TEXT = (FeedLaneRow, ImageRow, MemberRow, SeriesRow)
_WITHOUT_TEXT = ("stored_events", *(TABLES[kind] for kind in _ROWS_WITHOUT_TEXT))
"""Tables that have ids, or encrypted texts, and are never rewritten. They may be large."""


def collect(
    albums: Albumcore,
    database: Database,
    blobs: Blobs,
    before: datetime,
    seconds: float,
    progress: Callable[[int], None] = lambda done: None,
) -> Purged:
    """Remove the blobs that nothing refers to, drafts that a crash left, and what was deleted from the database.

    Args:
        albums: The events.
        database: Their database.
        blobs: The image bytes.
        before: A time (UTC) further back than any upload takes: later blobs stay, unless they are of erased images.
        seconds: How long to wait for those who read the database.
        progress: Called with the number of events read so far.

    Raises:
        UnknownStoredEvent, DamagedStoredEvent: an event is not readable, so what it refers to is not known.
        BlobsUnavailable, StoreError: the storage or the database fails.
    """
    old = unreferenced_digests(albums, blobs, before, progress)
    number = sum(blobs.remove(digest, until) for digest, until in old)
    number += blobs.remove_drafts(before)
    forget_removed_blobs(database, blobs)
    purged = purge(database, _WITHOUT_TEXT, seconds)
    removed = f"{number} image files that nothing refers to were removed"
    return evolve(purged, done=(removed, *purged.done))
