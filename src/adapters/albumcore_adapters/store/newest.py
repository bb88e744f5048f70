"""The newest entries of many streams at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from eventsourcing.persistence import StoredEvent

from albumcore_adapters.sql.database import Database
from albumcore_adapters.store.postings import newest_postings
from albumcore_adapters.store.rows import can_be_stored, in_chunks


class ReadableEvents(Protocol):
    """What is needed of the recorder: how events are read; see `albumcore_adapters.store.recorder.IndexRecorder`."""

    datastore: Database
    events_table_name: str
    columns: str
    join: str

    @property
    def event_of(self) -> Callable[[Any], StoredEvent]:
        """Makes the stored event of a row."""
        ...


def newest_events(
    recorder: ReadableEvents, lanes: Sequence[str], after: Mapping[str, int], most: int
) -> Sequence[StoredEvent]:
    """The stored events of the newest entries of some posting lists of each stream, after a version of it.

    However many streams there are, it is one statement for each five hundred of them.

    Args:
        recorder: Where they are.
        lanes: The lists; they have no entry in common.
        after: The streams, each with the version up to which entries are left out.
        most: The most entries of each list.
    """
    asked = [lane for lane in lanes if can_be_stored(lane)]
    if not after or not asked:
        return []
    found: list[StoredEvent] = []
    with recorder.datastore.transaction(commit=False) as c:
        for piece in in_chunks({"stream": [*after]}):
            select, matched = newest_postings(piece["stream"], asked, after, most)
            c.execute(
                f"SELECT {recorder.columns} FROM ({select}) AS page JOIN {recorder.events_table_name} "  # noqa: S608
                f"ON originator_id = page.stream AND originator_version = page.version{recorder.join}",
                matched,
            )
            found += [recorder.event_of(stored) for stored in c.fetchall()]
    return found
