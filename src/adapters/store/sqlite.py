"""The event store on SQLite: the library's recorder, with the index rows in the same transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import (
    SQLiteAggregateRecorder,
    SQLiteApplicationRecorder,
    SQLiteCursor,
    SQLiteFactory,
)
from eventsourcing.utils import Environment, EnvType

from adapters.store.lanes import count_in_lanes, find_page
from adapters.store.pool import DurablePool
from adapters.store.rows import (
    columns_of,
    condition_of,
    create_tables,
    form_of_rows,
    in_chunks,
    row_of,
    statement_of,
    table_of,
)
from albumcore.feed import Choice
from albumcore.index import ROWS, Change, ImageRow, Put, R, Versions, Where

_EXPECTED = "expected_"


class SQLiteRecorder(SQLiteApplicationRecorder):
    """Appends events together with the changes of the index rows they mean, and answers from those rows."""

    def construct_create_table_statements(self) -> list[str]:
        """The library's tables, the numbers that were given out, and the form of the index tables.

        The index tables themselves are made by `rebuild`, in whose transaction they are filled.
        """
        return [
            *super().construct_create_table_statements(),
            "CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, given INTEGER NOT NULL) "
            "WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS form_of_rows (form TEXT NOT NULL)",
        ]

    def has_rows_of_this_form(self) -> bool:
        """Whether the index tables are there, look as the row classes of this code want them, and mean the same."""
        wanted = {statement.replace(" IF NOT EXISTS", "") for statement in create_tables()}
        with self.datastore.transaction(commit=False) as c:
            c.execute("SELECT sql FROM sqlite_master")
            # The tables themselves are asked: older code may have made them again since the form was noted.
            if not wanted <= {row["sql"] for row in c.fetchall()}:
                return False
            c.execute("SELECT form FROM form_of_rows")
            return [row["form"] for row in c.fetchall()] == [form_of_rows()]

    def _insert_events(
        self,
        c: SQLiteCursor,
        stored_events: Sequence[StoredEvent],
        changes: Iterable[Change] = (),
        **kwargs: Any,
    ) -> Sequence[int] | None:
        positions = super()._insert_events(c, stored_events, **kwargs)
        for change in changes:
            c.execute(*statement_of(change))
            if image_id := _image_id(change):
                c.execute(*_taken("image", image_id))
        return positions

    # Reading rows

    def rows(self, kind: type[R], where: Where) -> list[R]:
        """The rows that match, in the order of their keys."""
        found: list[R] = []
        pieces = in_chunks(where)
        with self.datastore.transaction(commit=False) as c:
            for piece in pieces:
                condition, matched = condition_of(piece)
                c.execute(
                    f"SELECT * FROM {table_of(kind)} WHERE {condition} "  # noqa: S608
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
    ) -> tuple[Sequence[StoredEvent], int]:
        """The stored events of one page of what is chosen, newest first, and the number of all that are."""
        with self.datastore.transaction(commit=False) as c:
            page, total = find_page(c, stream, choices, within, limit, offset)
            if page is None:
                return [], total
            select, matched = page
            c.execute(
                f"SELECT e.* FROM ({select}) AS page JOIN {self.events_table_name} AS e "  # noqa: S608
                "ON e.originator_id = ? AND e.originator_version = page.version "
                "ORDER BY e.originator_version DESC",
                [*matched, stream],
            )
            return [_event_of(stored) for stored in c.fetchall()], total

    def count_entries(self, streams: Sequence[str], lanes: Sequence[str]) -> Mapping[str, int]:
        """How many entries there are in some lanes of each stream together; streams without any are left out."""
        counted: dict[str, int] = {}
        with self.datastore.transaction(commit=False) as c:
            for piece in in_chunks({"stream": streams}):
                counted.update(count_in_lanes(c, piece["stream"], lanes))
        return counted

    # Numbers

    def next_number(self, name: str) -> int:
        """A number never given before under that name, greater than all of them."""
        with self.datastore.transaction(commit=True) as c:
            c.execute(
                "INSERT INTO numbers VALUES (?, 1) "
                "ON CONFLICT (name) DO UPDATE SET given = given + 1",
                [name],
            )
            # Not RETURNING: Python 3.11 runs on versions of SQLite that do not have it.
            return self._given(c, name)

    # Rebuilding and comparing

    def rebuild(self, changes_of: Callable[[StoredEvent], Iterable[Change]]) -> None:
        """Drop every row and snapshot, and make the rows again from every stored event, in one transaction."""
        with self.datastore.transaction(commit=True) as c:
            # Deleting first takes the write lock, so no event can come in between reading and writing.
            for kind in ROWS:
                c.execute(f"DROP TABLE IF EXISTS {table_of(kind)}")
            for statement in create_tables():
                c.execute(statement)
            c.execute("DELETE FROM form_of_rows")
            c.execute("INSERT INTO form_of_rows VALUES (?)", [form_of_rows()])
            c.execute("DELETE FROM stored_snapshots")
            highest = 0
            for stored in self._all_events(c):
                for change in changes_of(stored):
                    c.execute(*statement_of(change))
                    highest = max(highest, _image_id(change))
            c.execute(*_taken("image", highest))

    def differences(self, changes_of: Callable[[StoredEvent], Iterable[Change]]) -> list[str]:
        """A line for each row that is not what the stored events say."""
        found: list[str] = []
        # Everything happens in one transaction that is rolled back: the expected rows live in temporary tables.
        with self.datastore.transaction(commit=False) as c:
            for statement in create_tables(_EXPECTED, temporary=True):
                c.execute(statement)
            highest = 0
            for stored in self._all_events(c):
                for change in changes_of(stored):
                    highest = max(highest, _image_id(change))
                    try:
                        c.execute(*statement_of(change, _EXPECTED))
                    except sqlite3.IntegrityError as error:
                        found.append(
                            f"{stored.originator_id} version {stored.originator_version}: {error}"
                        )
            for kind in ROWS:
                table = table_of(kind)
                for kept, other, said in (
                    (table, _EXPECTED + table, "in the index, not in the history"),
                    (_EXPECTED + table, table, "in the history, not in the index"),
                ):
                    c.execute(f"SELECT * FROM {kept} EXCEPT SELECT * FROM {other}")  # noqa: S608
                    found.extend(
                        f"{table} {_named(kind, stored)}: {said}" for stored in c.fetchall()
                    )
            if self._given(c, "image") < highest:
                found.append(
                    f"numbers: an image id up to {highest} was given, and may be given again"
                )
        return found

    def _given(self, c: SQLiteCursor, name: str) -> int:
        c.execute("SELECT given FROM numbers WHERE name = ?", [name])
        row = c.fetchone()
        return 0 if row is None else int(row["given"])

    def _all_events(self, c: SQLiteCursor) -> Iterator[StoredEvent]:
        last = 0
        while True:
            c.execute(
                f"SELECT rowid, * FROM {self.events_table_name} "  # noqa: S608
                "WHERE rowid > ? ORDER BY rowid LIMIT 1000",
                [last],
            )
            batch = c.fetchall()
            if not batch:
                return
            last = batch[-1]["rowid"]
            yield from map(_event_of, batch)


def _event_of(stored: Mapping[str, Any]) -> StoredEvent:
    return StoredEvent(
        stored["originator_id"], stored["originator_version"], stored["topic"], stored["state"]
    )


def _taken(name: str, number: int) -> tuple[str, list[Any]]:
    """The statement that has all numbers up to this one count as given."""
    return (
        "INSERT INTO numbers VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET given = MAX(given, excluded.given)",
        [name, number],
    )


def _image_id(change: Change) -> int:
    """The image id that a change says is in use; 0 where it says nothing of the kind."""
    match change:
        case Put(ImageRow(image_id=image_id)):
            return image_id
        case _:
            return 0


def _named(kind: type[Any], stored: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={stored[name]!r}" for name in columns_of(kind))


class SQLiteSnapshotRecorder(SQLiteAggregateRecorder):
    """Keeps the newest snapshot of each stream, and no other: one of a long album is a megabyte."""

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        for stored in stored_events:
            c.execute(
                f"DELETE FROM {self.events_table_name} WHERE originator_id = ?",  # noqa: S608
                [stored.originator_id],
            )
        return super()._insert_events(c, stored_events, **kwargs)


class Factory(SQLiteFactory):
    """The library's way of opening SQLite, with our recorders and our connections."""

    aggregate_recorder_class = SQLiteSnapshotRecorder
    application_recorder_class = SQLiteRecorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        given = self.datastore.pool
        assert given.lock_timeout is not None
        self.datastore.pool = DurablePool(db_name=given.db_name, lock_timeout=given.lock_timeout)
