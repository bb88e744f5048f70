"""Which snapshots of a stream stay stored: the newest, and older ones at distances that follow from their size.

From any version on, the nearest snapshot before it is at most as many events away as take about as long to replay as
the snapshot takes to read. So the cost of a state of the past follows from the size of the state, not from the length
of the stream, and all snapshots of a stream take at most `BYTES_A_VERSION` bytes for each of its events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from eventsourcing.persistence import StoredEvent

from albumcore.erasures import ERASURE_NOTICES
from albumcore.kernel import stored_name
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store.rows import Statement

_NOTICES = [stored_name(cls).name for cls in ERASURE_NOTICES]

BYTES_A_VERSION = 100
"""An older snapshot stays if it has no more bytes than this times the number of versions since the one before it."""


class SnapshotList:
    """The part of a recorder of snapshots that is the same on both databases."""

    datastore: Database
    events_table_name: str

    def snapshot_versions(self) -> Mapping[str, Collection[int]]:
        """The versions that snapshots are stored of, by stream."""
        found: dict[str, list[int]] = {}
        with self.datastore.transaction(commit=False) as c:
            c.execute(f"SELECT originator_id, originator_version FROM {self.events_table_name}")  # noqa: S608
            for row in c.fetchall():
                found.setdefault(row["originator_id"], []).append(row["originator_version"])
        return found


def may_be_stored(c: Any, stored: StoredEvent, position: int | None) -> bool:
    """Whether no events were erased since the state of a snapshot was read: then it may have what they said.

    Args:
        c: A cursor of a transaction that writes. Erasures wait for it.
        stored: The snapshot.
        position: The last position before anything of the state was read; None if it was the newest state then.
    """
    topics = ", ".join("?" * len(_NOTICES))
    if position is None:
        later, values = "originator_id = ? AND originator_version > ?", _place(stored)
    else:
        later, values = "notification_id > ?", [position]
    c.execute(
        f"SELECT 1 AS one FROM stored_events WHERE {later} AND topic IN ({topics}) LIMIT 1",  # noqa: S608
        [*values, *_NOTICES],
    )
    return c.fetchone() is None


def _place(stored: StoredEvent) -> list[Any]:
    return [stored.originator_id, stored.originator_version]


def snapshot_replacements(table: str, stored: StoredEvent) -> Iterator[Statement]:
    """The statements before the insertion of a snapshot.

    They delete a snapshot of the same version, and the last one before it if that is too near to its own predecessor.
    """
    stream, version = stored.originator_id, stored.originator_version
    yield (
        f"DELETE FROM {table} WHERE originator_id = ? AND originator_version = ?",  # noqa: S608
        [stream, version],
    )
    before = (
        f"SELECT max(other.originator_version) FROM {table} AS other "  # noqa: S608
        "WHERE other.originator_id = ? AND other.originator_version < {}"
    )
    yield (
        f"DELETE FROM {table} WHERE originator_id = ? AND originator_version = ({before.format('?')}) "  # noqa: S608
        f"AND length(state) > {BYTES_A_VERSION} * (originator_version - COALESCE("
        f"({before.format(f'{table}.originator_version')}), 0))",
        [stream, stream, version, stream],
    )
