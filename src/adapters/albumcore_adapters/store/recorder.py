"""The recorder of both databases: index rows beside the events, in the common SQL dialect."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

from eventsourcing.persistence import StoredEvent

from albumcore.index import (
    ROWS,
    Change,
    Choice,
    Enter,
    ImageRow,
    IndexRow,
    Put,
    R,
    Set,
    Versions,
    Where,
)
from albumcore.sealing import KeyedEvent, Sealer
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.migrations import is_migrated, migrate
from albumcore_adapters.sql.pages import pages
from albumcore_adapters.store.newest import newest_events
from albumcore_adapters.store.postings import count_postings, find_page, last_postings, sampled
from albumcore_adapters.store.rows import (
    TABLES,
    columns_of,
    condition_of,
    in_chunks,
    index_fingerprint,
    kind_of,
    row_key,
    row_of,
    statements_of,
    table_statements,
)
from albumcore_adapters.store.sealing import KEYS_TABLE, sealer_of
from albumcore_adapters.store.stored_tuples import keyed_tuple, stored_tuple

_EXPECTED = "expected_"

FINGERPRINT_TABLE = "form_of_rows"
"""The table of the fingerprint of the index, written by `IndexRecorder.rebuild` in the transaction that fills it."""

EVENT = ("originator_id", "originator_version", "topic", "state")
"""The columns of a stored event, without its position."""

_COLUMNS = ", ".join(EVENT)
_of_event, _of_keyed_event = itemgetter(*EVENT), itemgetter(*EVENT, "key")

_INSERT_KEY = (
    f"INSERT INTO {KEYS_TABLE} (stream, version, subject, key) VALUES (?, ?, ?, ?) "  # noqa: S608
    "ON CONFLICT (stream, version) DO UPDATE SET subject = excluded.subject, key = excluded.key"
)
_JOIN_KEYS = (
    f" LEFT JOIN {KEYS_TABLE} AS keys "
    "ON keys.stream = originator_id AND keys.version = originator_version"
)


class IndexRecorder:
    """Writes index rows in the transaction that appends their events, and reads them: `albumcore.index.Index`.

    Attributes:
        position: The column that orders events as they were recorded. No position is assigned twice, not even that of
            a deleted event.
        sealer: What the personal fields of a sealed store are encrypted with; None in a store in clear.
        columns: The columns of an event that is read, in a sealed store with its key.
        join: What is joined to the table of events to read them.
    """

    position: ClassVar[str] = "notification_id"
    datastore: Database
    events_table_name: str
    sealer: Sealer | None = None
    columns: str = _COLUMNS
    join: str = ""

    def create_table(self) -> None:
        """Create or migrate all tables but the index tables.

        Raises:
            NewerStore: a newer release wrote the store.
        """
        try:
            migrate(self.datastore)
        except BaseException:
            self.datastore.close()
            raise

    def find_sealer(self, wanted: str | None) -> None:
        """Read whether the store is sealed, and seal a new one if that is wanted; without effect before migration.

        Args:
            wanted: The value of the environment variable `albumcore.commands.SEALED`.

        Raises:
            PersistenceError: it is not as wanted, or a newer release wrote it.
            MissingExtra: it is sealed, and the cipher is not installed.
        """
        try:
            if is_migrated(self.datastore):
                self.sealer = sealer_of(self.datastore, wanted)
        except BaseException:
            self.datastore.close()
            raise
        if self.sealer is not None:
            self.columns, self.join = f"{self.columns}, key", _JOIN_KEYS

    @abstractmethod
    def has_current_index(self) -> bool:
        """Whether the index tables exist, are defined as this code defines them, and have its fingerprint."""

    @abstractmethod
    def rebuild_transaction(self) -> AbstractContextManager[tuple[Any, Any]]:
        """A transaction that commits, without appends meanwhile: a cursor for reads, and one for writes."""

    @abstractmethod
    def write_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """Make this thread's reads and appends in the block one transaction, under the write lock."""

    def in_read_snapshot(self) -> bool:
        """Whether this thread reads in a read snapshot, and so may not see what others have appended meanwhile."""
        return self.datastore.in_read_snapshot()

    @abstractmethod
    def exclusive_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """A `write_transaction` in which nothing else is written to the database, events or not."""

    @abstractmethod
    def clear_tables(self, c: Any) -> None:
        """Leave the index tables empty, and defined as this code defines them."""

    def apply(self, c: Any, changes: Iterable[Change]) -> None:
        """Apply changes of rows, and count the image ids in them as assigned."""
        for change in changes:
            for statement, values in statements_of(change):
                c.execute(statement, values)
            if image_id := _image_id(change):
                c.execute(*_raised_number("image", image_id))

    def insert_keys(self, c: Any, stored_events: Iterable[StoredEvent]) -> None:
        """Insert the keys of events that are appended to a sealed store."""
        for one in stored_events:
            if isinstance(one, KeyedEvent) and one.key is not None:
                row = (one.originator_id, one.originator_version, one.subject, one.key)
                c.execute(_INSERT_KEY, row)

    # Reading rows

    def rows(self, kind: type[R], where: Where) -> list[R]:
        """The rows that match, in the order of their keys."""
        found: list[R] = []
        pieces = in_chunks(where)
        database = self.datastore
        with (
            database.single_read() if len(pieces) == 1 else database.transaction(commit=False) as c
        ):
            for piece in pieces:
                condition, matched = condition_of(piece)
                c.execute(
                    f"SELECT * FROM {TABLES[kind]} WHERE {condition} "  # noqa: S608
                    f"ORDER BY {', '.join(kind.KEY)}",
                    matched,
                )
                found.extend(row_of(kind, stored) for stored in c.fetchall())
        if len(pieces) > 1:
            found.sort(key=attrgetter(*kind.KEY))
        return found

    def feed_page(
        self,
        stream: str,
        choices: Sequence[Choice],
        within: Versions,
        limit: int | None,
        offset: int,
        oldest: bool = False,
    ) -> tuple[Sequence[StoredEvent], int]:
        """The stored events of one page, newest or oldest first, and the number of all entries that are chosen."""
        with self.datastore.transaction(commit=False) as c:
            page, total = find_page(c, stream, choices, within, limit, offset, oldest)
            if page is None:
                return [], total
            select, matched = page
            c.execute(
                f"SELECT {self.columns} FROM ({select}) AS page "  # noqa: S608
                f"JOIN {self.events_table_name} "
                f"ON originator_id = ? AND originator_version = page.version{self.join} "
                f"ORDER BY originator_version {'ASC' if oldest else 'DESC'}",
                [*matched, stream],
            )
            return [self.event_of(stored) for stored in c.fetchall()], total

    def count_entries(self, streams: Sequence[str], lanes: Sequence[str]) -> Mapping[str, int]:
        """How many entries some posting lists of each stream have; streams without any are left out."""
        counted: dict[str, int] = {}
        with self.datastore.transaction(commit=False) as c:
            for piece in in_chunks({"stream": streams}):
                counted.update(count_postings(c, piece["stream"], lanes))
        return counted

    def newest(
        self, lanes: Sequence[str], after: Mapping[str, int], most: int
    ) -> Sequence[StoredEvent]:
        """The stored events of the newest entries of some posting lists of each stream, after a version of it."""
        return newest_events(self, lanes, after, most)

    def latest(
        self, stream: str, lanes: Collection[str], until: int
    ) -> Mapping[str, tuple[int, str]]:
        """The version and the stored name of the last entry up to a version, for each posting list that has one."""
        found: dict[str, tuple[int, str]] = {}
        with self.datastore.transaction(commit=False) as c:
            for piece in in_chunks({"lane": lanes}):
                c.execute(*last_postings(self.events_table_name, stream, piece["lane"], until))
                found.update({row["lane"]: (row["version"], row["topic"]) for row in c.fetchall()})
        return found

    def sample(self, stream: str, lanes: Collection[str], step: int) -> Sequence[StoredEvent]:
        """The stored events, without keys, of every so many entries of some posting lists, oldest first."""
        with self.datastore.transaction(commit=False) as c:
            c.execute(*sampled(self.events_table_name, _COLUMNS, stream, lanes, step))
            return [stored_tuple(_of_event(stored)) for stored in c.fetchall()]

    def last_version(self, stream: str, holds: Callable[[StoredEvent], bool]) -> int:
        """The last version up to which ``holds`` is true of the events of a stream, without keys, by binary search."""
        at = f"SELECT {_COLUMNS} FROM {self.events_table_name} WHERE originator_id = ?"  # noqa: S608
        with self.datastore.transaction(commit=False) as c:
            c.execute(f"{at} ORDER BY originator_version DESC LIMIT 1", [stream])
            last = c.fetchone()
            low, high = 0, 0 if last is None else int(last["originator_version"])
            while low < high:
                middle = (low + high + 1) // 2
                c.execute(f"{at} AND originator_version = ?", [stream, middle])
                [stored] = c.fetchall()
                if holds(stored_tuple(_of_event(stored))):
                    low = middle
                else:
                    high = middle - 1
        return low

    def positions(self, stream: str, first: int, last: int) -> list[int]:
        """The positions of a range of versions of a stream, both ends included."""
        with self.datastore.transaction(commit=False) as c:
            c.execute(
                f"SELECT {self.position} AS position FROM {self.events_table_name} "  # noqa: S608
                "WHERE originator_id = ? AND originator_version BETWEEN ? AND ? "
                "ORDER BY originator_version",
                [stream, first, last],
            )
            return [row["position"] for row in c.fetchall()]

    # Rebuilding and comparing

    def rebuild(self, changes_of: Callable[[StoredEvent], Iterable[Change]]) -> None:
        """Delete all index rows and snapshots, and derive the rows from every stored event, in one transaction."""
        with self.rebuild_transaction() as (reading, writing):
            self.clear_tables(writing)
            writing.execute(f"DELETE FROM {FINGERPRINT_TABLE}")  # noqa: S608
            writing.execute(f"INSERT INTO {FINGERPRINT_TABLE} VALUES (?)", [index_fingerprint()])  # noqa: S608
            writing.execute("DELETE FROM stored_snapshots")
            highest = 0
            meant = ((stored, changes_of(stored)) for stored in self._all_events(reading))
            for _, change in without_overwritten(meant):
                for statement, values in statements_of(change):
                    writing.execute(statement, values)
                highest = max(highest, _image_id(change))
            writing.execute(*_raised_number("image", highest))

    def differences(self, changes_of: Callable[[StoredEvent], Iterable[Change]]) -> list[str]:
        """A line for each index row that differs from what the stored events lead to."""
        found: list[str] = []
        # In one transaction that is rolled back. The expected rows are in temporary tables.
        with self.datastore.transaction(commit=False) as c:
            for statement in table_statements(_EXPECTED, temporary=True):
                c.execute(statement)
            highest = 0
            meant = ((stored, changes_of(stored)) for stored in self._all_events(c))
            for stored, change in without_overwritten(meant):
                highest = max(highest, _image_id(change))
                for statement, values in statements_of(change, _EXPECTED, unless_there=True):
                    c.execute(statement, values)
                    if isinstance(change, Put | Enter) and not c.rowcount:
                        found.append(
                            f"{stored.originator_id} version {stored.originator_version}: "
                            f"there is a row of that key already, {row_key(change, values)}"
                        )
            for kind in ROWS:
                table = TABLES[kind]
                for kept, other, said in (
                    (table, _EXPECTED + table, "in the index, not in the history"),
                    (_EXPECTED + table, table, "in the history, not in the index"),
                ):
                    c.execute(
                        f"SELECT * FROM {kept} EXCEPT SELECT * FROM {other} "  # noqa: S608
                        f"ORDER BY {', '.join(kind.KEY)}"
                    )
                    found.extend(
                        f"{table} {_named(kind, stored)}: {said}" for stored in c.fetchall()
                    )
            if last_number(c, "image") < highest:
                found.append(
                    f"numbers: an image id up to {highest} was given, and may be given again"
                )
        return found

    def _all_events(self, c: Any) -> Iterator[StoredEvent]:
        def read(last: int) -> Sequence[Mapping[str, Any]]:
            c.execute(
                f"SELECT {self.position} AS position, {self.columns} "  # noqa: S608
                f"FROM {self.events_table_name}{self.join} "
                f"WHERE {self.position} > ? ORDER BY {self.position} LIMIT 1000",
                [last],
            )
            batch: Sequence[Mapping[str, Any]] = c.fetchall()
            return batch

        for batch in pages(read, itemgetter("position"), 0):
            yield from map(self.event_of, batch)

    def event_of(self, stored: Mapping[str, Any]) -> StoredEvent:
        """The stored event of a row, with its key in a sealed store."""
        found: StoredEvent = (
            stored_tuple(_of_event(stored))
            if self.sealer is None
            else keyed_tuple(_of_keyed_event(stored))
        )
        return found


def index_tables() -> list[str]:
    """Statements that create the index tables, and the table of their fingerprint."""
    return [
        *table_statements(),
        f"CREATE TABLE IF NOT EXISTS {FINGERPRINT_TABLE} (form TEXT NOT NULL)",
    ]


def without_overwritten(
    meant: Iterable[tuple[StoredEvent, Iterable[Change]]],
) -> Iterator[tuple[StoredEvent, Change]]:
    """The changes of a history, without updates of a row that a later update overwrites before its table changes else.

    Every event of an album updates a time in the same row. PostgreSQL keeps each version of a row until the transaction
    ends, and walks through them to the newest.
    """
    waiting: dict[type[IndexRow], dict[tuple[Any, ...], tuple[StoredEvent, Change]]] = {}
    for stored, changes in meant:
        for change in changes:
            kind = kind_of(change)
            if isinstance(change, Set) and change.where.keys() == set(kind.KEY):
                key = (*change.values, *(change.where[name] for name in kind.KEY))
                of_kind = waiting.setdefault(kind, {})
                of_kind.pop(key, None)  # what comes again comes last
                of_kind[key] = stored, change
            else:
                yield from waiting.pop(kind, {}).values()
                yield stored, change
    for last in waiting.values():
        yield from last.values()


def last_number(c: Any, name: str) -> int:
    """The highest number assigned under a name; 0 if none was, or if the stored value is damaged."""
    c.execute("SELECT given FROM numbers WHERE name = ?", [name])
    row = c.fetchone()
    return row["given"] if row is not None and isinstance(row["given"], int) else 0


def _raised_number(name: str, number: int) -> tuple[str, list[Any]]:
    """The statement that counts all numbers up to this one as assigned."""
    return (
        "INSERT INTO numbers VALUES (?, ?) ON CONFLICT (name) "
        "DO UPDATE SET given = excluded.given WHERE numbers.given < excluded.given",
        [name, number],
    )


def _image_id(change: Change) -> int:
    """The image id that a change inserts; 0 if it inserts none."""
    # Called for every change, and faster than a match statement.
    if type(change) is Put and type(change.row) is ImageRow:
        return change.row.image_id
    return 0


def _named(kind: type[Any], stored: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={stored[name]!r}" for name in columns_of(kind))
