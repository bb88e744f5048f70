"""Migrations: stores of earlier releases are brought to this one, and those of later ones are left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from albumcore import Albumcore, FeedQuery, Source, create_album, edit_album
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.streams import album_stream
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.patient_search import contains, equals, is_whole
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.sql import migrations
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.sql.migrations import (
    MIGRATIONS,
    migrate,
    schema_version,
)
from albumcore_adapters.sql.postgres import PostgresDatabase
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store import (
    NewerStore,
    StoreError,
    database_of,
    open_postgres,
    open_sqlite,
)
from albumcore_adapters.transfer.endpoint import POSTGRES, SQLITE
from albumcore_adapters.transfer.tables import tables_beside_events
from support.databases import Seam
from support.given import ALICE
from support.older import BEFORE_CLAIMS, run, script
from support.postgres import empty_database
from support.raw import INTO_EVENTS, query, tamper

ID = AlbumId("A1")
A1 = album_stream(ID)
COPIED, ADA = AlbumId("Copied0001"), UserId("demo-ada")
Place = Path | str
Open = Callable[..., Albumcore]
Columns = Mapping[str, str]


@pytest.fixture(params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest) -> str:
    """Which database it is."""
    return str(request.param)


@pytest.fixture
def place(system: str, tmp_path: Path) -> Iterator[Place]:
    """A place for a store, with nothing in it."""
    if system == "sqlite":
        yield tmp_path / "store.sqlite"
    else:
        with empty_database() as url:
            yield url


@pytest.fixture
def older(system: str, place: Place) -> Place:
    """A store of the last release that had no schema version."""
    run(place, script(system))
    return place


def opened(place: Place) -> Albumcore:
    """The store that is there."""
    return open_sqlite(place) if isinstance(place, Path) else open_postgres(place)


def database(place: Place) -> Any:
    """The database that is there, with nothing done to it."""
    return SQLiteDatabase(place.as_uri()) if isinstance(place, Path) else PostgresDatabase(place)


def version_of(place: Place) -> int:
    """The version of what is there."""
    with closing(database(place)) as found:
        return schema_version(found)


def in_order(found: list[Any]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own."""
    return sorted((tuple(row) for row in found), key=repr)


def contents(place: Place, columns: Columns | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """What is in every table that is not made from the events, and in those, read past the store.

    Args:
        place: The store.
        columns: The tables and columns to read; None for all.
    """
    position = "rowid" if isinstance(place, Path) else "notification_id"
    events = f"{position}, originator_id, originator_version, topic, state"
    if columns is None:
        columns = dict.fromkeys((table.name for table in tables_beside_events()), "*")
    wanted = {**columns, "stored_events": events}
    with closing(connected(place)) as connection:
        return {
            name: in_order(connection.execute(f"SELECT {one} FROM {name}").fetchall())
            for name, one in wanted.items()
        }


def columns_of(place: Place) -> Columns:
    """The columns of every table that is there and is not made from the events."""
    found = {}
    with closing(database(place)) as one:
        there = (SQLITE if isinstance(place, Path) else POSTGRES).tables
        with one.transaction(commit=False) as cursor:
            cursor.execute(there)
            names = {row["name"] for row in cursor.fetchall()}
    with closing(connected(place)) as connection:
        for table in tables_beside_events():
            if table.name not in names:
                continue
            cursor = connection.execute(f"SELECT * FROM {table.name} WHERE 1 = 0")
            found[table.name] = ", ".join(f'"{column[0]}"' for column in cursor.description)
    return found


def connected(place: Place) -> Any:
    """A connection to what is there, by the driver alone."""
    return sqlite3.connect(place) if isinstance(place, Path) else psycopg.connect(place)


# Older stores


def test_a_store_of_before_there_were_versions(older: Place) -> None:
    """Every event is at its position, and every row beside them as it was; the index is that of the history."""
    columns = columns_of(older)
    before = contents(older, columns)
    with closing(opened(older)) as app:
        assert schema_version(database_of(app)) == len(MIGRATIONS)
        assert app.verify() == []
        positions = [position for position, _ in app.follow()]
        assert positions == [row[0] for row in sorted(before["stored_events"])]
        assert positions[-1] > len(positions)
        page = app.feed(COPIED, ADA, FeedQuery(studies={StudyUID("1.2")}))
        assert [one.type.mutation for one in page.entries] == ["IMPORT_SERIES"]
        directory = database_of(app)
        assert Catalogue(directory).all_series() >= {"1.2.3"}
        assert Patients(directory).search([is_whole("paternal_last")("DEMO")]) == [1]
    assert contents(older, columns) == before
    assert not any(rows for name, rows in contents(older).items() if name not in before)
    with closing(opened(older)) as app:
        (posted,) = app.handle(album_stream(COPIED), edit_album, Source(ADA), name="Next")
        assert app.follow(positions[-1])[0][1] == posted


def test_a_store_of_before_there_were_claims(older: Place) -> None:
    """What came later is added, with its default; what is held without images is claimed by who put it there."""
    run(older, f"{BEFORE_CLAIMS} UPDATE directory_series SET populated = 1;")
    with closing(opened(older)) as app:
        directory = database_of(app)
        inbox = Inbox(directory)
        assert {uid for found in inbox.contents(ADA).values() for uid in found}
        assert inbox.favorites(ADA) == {}
        patients = Patients(directory)
        for condition in (is_whole("paternal_last")("dEMO"), equals("oldid")(-1)):
            assert patients.search([condition]) == [1]
        assert patients.search([contains("curp")("x")]) == []
        assert query(app, "SELECT * FROM directory_claim") == []


HELD = """
INSERT INTO directory_series (series_uid, study_uid) VALUES ('9.1', '9'), ('9.2', '9'), ('9.3', '9');
INSERT INTO directory_inbox (sub, study_uid, series_uid) VALUES ('demo-cat', '9', '9.1');
"""
EVENTS_OF_HOLDINGS = (
    ("album-Z1", "album.study_imported", "a", '{"study_uid": "9", "series_uids": ["9.1", "9.2"]}'),
    ("album-Z1", "album.series_imported", "b", '{"study_uid": "9", "series_uid": "9.3"}'),
    ("album-Z1", "album.series_removed", "b", '{"study_uid": "9", "series_uid": "9.2"}'),
    ("album-Z1", "album.series_imported", "c", '{"study_uid": "9", "series_uid": "9.2"}'),
    ("album-Z1", "album.series_imported", "c", '{"study_uid": "9", "series_uid": "unheard-of"}'),
    ("album-Z1", "album.series_imported", "c", '"damaged"'),
    ("album-Z2", "album.report_added", "d", '{"study_uid": "9", "series_uid": "9.1"}'),
    ("album-Z2", "album.study_removed", "d", '{"study_uid": "9", "series_uids": ["9.1"]}'),
    ("album-Z3", "album.report_added", "e", '{"study_uid": "9", "series_uid": "9.1"}'),
    ("album-Z3", "album.deleted", "e", "{}"),
    ("album-Z4", "album.report_added", "f", '{"study_uid": "9", "series_uid": "9.1"}'),
    ("album-Z4", "album.report_added", "f", '{"study_uid": "9", "series_uid": "9.2"}'),
    ("album-Z4", "album.series_removed", "f", '{"study_uid": "9", "series_uid": "9.2"}'),
)


def test_claims_are_found_in_the_history(older: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what albums hold in the end, on the word of who imported it last, however often it came and went."""
    monkeypatch.setattr("albumcore_adapters.sql.schema_v1._BATCH", 3)
    run(older, BEFORE_CLAIMS + HELD)
    for number, (stream, topic, by, data) in enumerate(EVENTS_OF_HOLDINGS, 1):
        state = f'{{"v": 1, "by": "{by}", "data": {data}}}'
        blob = "CAST('{}' AS BLOB)" if isinstance(older, Path) else "convert_to('{}', 'UTF8')"
        run(older, f"{INTO_EVENTS} VALUES ('{stream}', {number}, '{topic}', {blob.format(state)})")
    with closing(database(older)) as store:
        migrate(store)
        with store.transaction(commit=False) as cursor:
            cursor.execute(
                "SELECT place, series_uid, claimed_by, shows_study FROM directory_claim"
                " ORDER BY place, series_uid"
            )
            found = [tuple(row[name] for name in row.keys()) for row in cursor.fetchall()]  # noqa: SIM118
        assert SeriesClaims(store).on_series([SeriesUID("9.1")])
    assert found == [
        ("album:Z1", "9.1", "a", 1),
        ("album:Z1", "9.2", "c", 1),
        ("album:Z1", "9.3", "b", 1),
        ("album:Z4", "9.1", "f", 1),
        ("inbox:demo-cat", "9.1", "demo-cat", 1),
    ]


# One after the other


def also(*more: Any) -> tuple[Any, ...]:
    """The migrations there are, and more."""
    return (*MIGRATIONS, *more)


ADD_COLOR = "ALTER TABLE directory_clinic ADD COLUMN color TEXT NOT NULL DEFAULT 'green'"
"""A migration to come."""


def fail(cursor: Any, system: str) -> None:
    """A migration that does not come to its end."""
    cursor.execute("CREATE TABLE directory_half (x INTEGER)")
    raise ZeroDivisionError


def test_a_column_costs_one_migration(older: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there after the next start, in a store that had no version, in one that had, and in a new one."""
    opened(older).close()
    monkeypatch.setattr(migrations, "MIGRATIONS", also(ADD_COLOR))
    with closing(opened(older)) as app:
        assert query(app, "SELECT color FROM directory_clinic") == [("green",)]
    assert version_of(older) == len(MIGRATIONS) + 1


def test_what_ends_it_between_two(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was whole stays, with its number; nothing is left of the one that was not, and the next start goes on."""
    monkeypatch.setattr(migrations, "MIGRATIONS", also(ADD_COLOR, fail))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            opened(place)
        assert version_of(place) == len(MIGRATIONS) + 1
    monkeypatch.setattr(migrations, "MIGRATIONS", also(ADD_COLOR, ADD_COLOR))
    with pytest.raises(StoreError, match="color"):
        opened(place)
    monkeypatch.setattr(migrations, "MIGRATIONS", also(ADD_COLOR, lambda cursor, system: None))
    with closing(opened(place)) as app:
        assert query(app, "SELECT color FROM directory_clinic") == []
    assert version_of(place) == len(MIGRATIONS) + 2
    assert has_no_half(place)


def has_no_half(place: Place) -> bool:
    """Whether nothing is left of a migration that failed."""
    with closing(database(place)) as store, store.transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE directory_half (x INTEGER)")
    return True


class Overtaken(Seam):
    """A database that another process migrates, between our look and our write."""

    def transaction(self, *, commit: bool) -> AbstractContextManager[Cursor]:
        """The transaction that is asked for."""
        if commit:
            migrate(self.database)
        return super().transaction(commit=commit)


def test_another_process_that_is_first(older: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did is not done again."""
    monkeypatch.setattr(migrations, "MIGRATIONS", also(ADD_COLOR))
    with closing(database(older)) as store:
        migrate(Overtaken(store))
        assert schema_version(store) == len(MIGRATIONS) + 1


def test_a_new_store_is_as_a_migrated_one(system: str, older: Place, tmp_path: Path) -> None:
    """Table by table, column by column."""
    with empty_database() as url:
        new = tmp_path / "new.sqlite" if system == "sqlite" else url
        shapes = []
        for place in (older, new):
            with closing(opened(place)) as app:
                shapes.append(
                    [
                        query(app, f"SELECT * FROM {one.name} WHERE 1 = 0")
                        for one in tables_beside_events()
                    ]
                )
                shapes[-1].append(columns(app, system))
    assert shapes[0] == shapes[1]


def columns(app: Albumcore, system: str) -> list[tuple[Any, ...]]:
    """Every column there is, with its type, and every index."""
    if system == "sqlite":
        return sorted(
            query(
                app,
                "SELECT t.name AS t, c.name AS c, c.type, c.pk FROM sqlite_master AS t "
                "JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table' UNION ALL "
                "SELECT tbl_name, name, '', 0 FROM sqlite_master WHERE type = 'index'",
            )
        )
    return sorted(
        query(
            app,
            "SELECT table_name AS t, column_name AS c, data_type, 0 AS n FROM information_schema.columns"
            " WHERE table_schema = current_schema() UNION ALL"
            " SELECT tablename, indexname, '', 0 FROM pg_indexes WHERE schemaname = current_schema()",
        )
    )


# Newer stores


def test_a_store_of_a_newer_release_is_refused(place: Place) -> None:
    """In one sentence, and nothing of it is changed."""
    opened(place).close()
    newer = len(MIGRATIONS) + 1
    run(
        place,
        f"PRAGMA user_version = {newer}"
        if isinstance(place, Path)
        else f"UPDATE store_version SET version = {newer}",
    )
    before = contents(place)
    for _ in range(2):
        with pytest.raises(
            NewerStore, match=f"its schema version is {newer}, and .* past {newer - 1}"
        ):
            opened(place)
    assert contents(place) == before


# Positions


def test_the_position_of_a_deleted_event_is_not_given_again(app: Albumcore) -> None:
    """Who follows from there would miss the next one."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, edit_album, ALICE, name="Hips")
    last = app.follow()[-1][0]
    tamper(app, "DELETE FROM stored_events WHERE originator_version = 2")
    app.handle(album_stream(AlbumId("A2")), create_album, ALICE, "Toes")
    assert [one.stream for _, one in app.follow(last)] == ["album-A2"]


@pytest.mark.on_sqlite
def test_positions_that_were_given_before_are_not_given_again(tmp_path: Path) -> None:
    """Webhooks came to one whose event was deleted while positions were implicit."""
    place = tmp_path / "store.sqlite"
    run(place, script("sqlite"))
    run(place, "DELETE FROM stored_events WHERE rowid > 20")
    with closing(opened(place)) as app:
        app.handle(A1, create_album, ALICE, "Knees")
        assert app.follow()[-1][0] == 139
