"""Index rows in the database: what is asked for is what is found, however much of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from albumcore import Albumcore, MemberFlags, add_member, create_album
from albumcore.ids import AlbumId, UserId
from albumcore.index import ROWS, AlbumRow, Change, Drop, ImageRow, MemberRow, Put, Set
from albumcore.streams import album_stream
from albumcore_adapters.store.recorder import without_overwritten
from albumcore_adapters.store.rows import (
    TABLES,
    columns_of,
    in_chunks,
    row_of,
    statements_of,
    table_statements,
)
from support.given import ALICE
from support.raw import query

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_a_row_is_kept_and_found_as_it_is(app: Albumcore) -> None:
    """Truth values and times come back as such."""
    flags = MemberFlags(add_user=True, send_series=False)
    created = app.handle(album_stream(AlbumId("A1")), create_album, ALICE, "Knees", "All", flags)
    (row,) = app.index.rows(AlbumRow, {"album_id": "A1"})
    assert row == AlbumRow(
        "A1", "Knees", "All", created[0].at, created[0].at, True, True, False, False, True, True
    )
    assert row.add_user is True
    assert row.send_series is False


def test_rows_of_many_values_are_found_once_and_in_order(app: Albumcore) -> None:
    """More values than one statement may hold, some of them twice."""
    stream = album_stream(AlbumId("A1"))
    app.handle(stream, create_album, ALICE, "Knees")
    for number in (7, 3, 900, 5):
        app.handle(stream, add_member, ALICE, UserId(f"u{number:04}"))
    asked = [f"u{number:04}" for number in range(1199, -1, -1)]
    found = app.index.rows(MemberRow, {"sub": [*asked, *asked[:700]], "album_id": "A1"})
    assert [row.sub for row in found] == ["u0003", "u0005", "u0007", "u0900"]


@pytest.mark.parametrize(
    ("where", "pieces"),
    [
        ({}, [{}]),
        ({"a": 1}, [{"a": 1}]),
        ({"a": "xxxxx"}, [{"a": "xxxxx"}]),
        ({"a": [1, 2]}, [{"a": [1, 2]}]),
        ({"a": [1, 2, 3]}, [{"a": [1, 2]}, {"a": [3]}]),
        ({"a": (1, 1, 2, 2)}, [{"a": [1, 2]}]),
        (
            {"a": [1, 2, 3], "b": (4, 5, 6)},
            [
                {"a": [1, 2], "b": [4, 5]},
                {"a": [1, 2], "b": [6]},
                {"a": [3], "b": [4, 5]},
                {"a": [3], "b": [6]},
            ],
        ),
    ],
)
def test_a_condition_in_chunks(where: dict[str, object], pieces: list[dict[str, object]]) -> None:
    """No piece holds more than so many values, and together they hold each once."""
    assert in_chunks(where, size=2) == pieces


def test_statements_of_changes() -> None:
    """One for each kind of change, values apart from the statement; times in text that sorts."""
    [put] = statements_of(Put(MemberRow("A1", "bob", is_admin=True)))
    assert put == (
        "INSERT INTO member_row VALUES (?, ?, ?, ?, ?, ?)",
        ["A1", "bob", True, False, False, False],
    )
    [changed] = statements_of(Set(AlbumRow, {"album_id": "A1"}, {"name": "N", "last_event_at": AT}))
    assert changed == (
        "UPDATE album_row SET name = ?, last_event_at = ? WHERE album_id = ?",
        ["N", "2026-03-01T09:30:00.000000+00:00", "A1"],
    )
    [dropped] = statements_of(Drop(ImageRow, {"patient": 3}), "expected_")
    assert dropped == ("DELETE FROM expected_image_row WHERE patient = ?", [3])


def test_times_sort_as_text() -> None:
    """With and without a fraction of a second."""
    times = [AT + timedelta(microseconds=n) for n in (0, 1, 10, 999_999, 1_000_000)]
    texts = [statements_of(Set(AlbumRow, {}, {"last_event_at": at}))[0][1][0] for at in times]
    assert texts == sorted(texts)
    assert len({len(text) for text in texts}) == 1


def test_tables_are_made_from_the_row_classes(open_file: Callable[..., Albumcore]) -> None:
    """A column for each field, empty only where it may be; a lookup for each that is named."""
    app = open_file()
    for kind in ROWS:
        columns = query(app, f"PRAGMA table_info({TABLES[kind]})")
        assert [name for _, name, *_ in columns] == columns_of(kind)
        keys = {name for _, name, _, _, _, is_key in columns if is_key}
        assert keys == set(kind.KEY)
    nullable = {
        (TABLES[kind], name)
        for kind in ROWS
        for _, name, _, not_null, _, _ in query(app, f"PRAGMA table_info({TABLES[kind]})")
        if not not_null
    }
    assert nullable == {
        ("command_row", "content"),
        ("image_row", "clinic"),
        ("image_row", "station"),
    }
    indexes = query(
        app, "SELECT name FROM sqlite_master WHERE name LIKE '%@_row@_by@_%' ESCAPE '@'"
    )
    assert {name for (name,) in indexes} == {
        f"{TABLES[kind]}_by_{'_'.join(lookup)}"[:63] for kind in ROWS for lookup in kind.LOOKUPS
    }


def test_temporary_tables_have_no_lookups() -> None:
    """They are read through once."""
    statements = table_statements("expected_", temporary=True)
    assert len(statements) == len(ROWS)
    assert all(one.startswith("CREATE TEMP TABLE expected_") for one in statements)


def test_a_row_from_the_database() -> None:
    """Integers that stand for truth, text that stands for a time, and what is absent."""
    kept = {
        "image_id": 1,
        "patient": 2,
        "version": 3,
        "clinic": None,
        "station": 4,
        "type": "Xray",
        "at": "2026-03-01T09:30:00.000000+00:00",
        "is_removed": 1,
        "is_closed": 0,
    }
    assert row_of(ImageRow, kept) == ImageRow(1, 2, 3, None, 4, "Xray", AT, is_removed=True)


ROW = AlbumRow("A1", "a", "b", AT, AT, *[True] * 6)
EDITS = st.builds(
    lambda album, values: Set(AlbumRow, {"album_id": album}, values),
    st.sampled_from(["A1", "A2"]),
    st.dictionaries(st.sampled_from(["name", "description"]), st.sampled_from("xyz"), min_size=1),
)
OTHERS = st.sampled_from(
    [
        Set(AlbumRow, {}, {"name": "all"}),
        Drop(AlbumRow, {"album_id": "A1"}),
        Put(MemberRow("A1", "ann", is_admin=True)),
    ]
)


@given(told=st.lists(st.one_of(EDITS, EDITS, EDITS, OTHERS), max_size=12))
def test_what_is_overwritten_makes_no_difference(told: list[Change]) -> None:
    """Of the changes of one row, the last of each kind is enough, unless something else came to its table."""
    stored = StoredEvent("album-A1", 1, "t", b"")
    start: list[Change] = [Put(ROW), Put(evolve(ROW, album_id="A2"))]
    left = [change for _, change in without_overwritten([(stored, [*start, *told])])]
    assert done(left) == done([*start, *told])


def test_a_row_that_every_event_changes_is_written_once() -> None:
    """However many there are."""
    stored = StoredEvent("album-A1", 1, "t", b"")
    each = [Set(AlbumRow, {"album_id": "A1"}, {"name": str(number)}) for number in range(100)]
    assert list(without_overwritten((stored, [one]) for one in each)) == [(stored, each[-1])]


def done(told: list[Change]) -> list[tuple[Any, ...]]:
    """The albums that are there after some changes, in a database of their own."""
    with closing(sqlite3.connect(":memory:")) as database:
        for statement in table_statements():
            database.execute(statement)
        for change in told:
            for statement, values in statements_of(change, unless_there=True):
                database.execute(statement, values)
        return database.execute("SELECT * FROM album_row ORDER BY album_id").fetchall()
