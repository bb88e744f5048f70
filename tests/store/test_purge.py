"""Purging a database: what was deleted or replaced is not in its files any more, while others go on using it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.migrations import migrate
from albumcore_adapters.sql.postgres import PostgresDatabase
from albumcore_adapters.sql.purge import purge
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from support.postgres import empty_database
from support.residue import residue_of_directory, residue_of_heap

SECRETS = {"name": "Bartholomew Fothergill-Smythe", "address": "bartholomew@clinic.example"}
WAIT = 0.3
"""Seconds to wait for others."""


def write_and_delete(database: Database) -> None:
    """Store a study, describe it otherwise, and remove it. Another stays, so that statistics are renewed."""
    insert = "INSERT INTO directory_study (study_uid, description) VALUES (?, ?)"
    update = "UPDATE directory_study SET description = ?"
    for statement, values in (
        ("DELETE FROM directory_study", ()),
        (insert, ("1.2", SECRETS["name"])),
        (insert, ("1.3", SECRETS["name"])),
        (update, (SECRETS["address"],)),
        ("DELETE FROM directory_study WHERE study_uid = '1.2'", ()),
        (update, ("CT",)),
    ):
        with database.transaction(commit=True) as cursor:
            cursor.execute(statement, values)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, SQLiteDatabase]]:
    """An SQLite database in a file."""
    path = tmp_path / "store.sqlite"
    with closing(SQLiteDatabase(path.as_uri(), 30)) as database:
        migrate(database)
        yield path, database


@pytest.fixture
def on_server() -> Iterator[tuple[str, PostgresDatabase]]:
    """A PostgreSQL database."""
    with empty_database() as url, closing(PostgresDatabase(url)) as database:
        migrate(database)
        yield url, database


def test_what_was_deleted_is_not_in_the_file_or_its_log(file: tuple[Path, SQLiteDatabase]) -> None:
    """Neither is what was replaced. Before the purge, it is."""
    path, database = file
    write_and_delete(database)
    assert residue_of_directory(path.parent, SECRETS)
    purged = purge(database, (), WAIT)
    assert (len(purged.done), purged.held_up) == (1, ())
    assert residue_of_directory(path.parent, SECRETS) == []


def test_a_reader_of_an_older_state_holds_a_purge_up(file: tuple[Path, SQLiteDatabase]) -> None:
    """It says so, and the next one succeeds; writers go on meanwhile."""
    path, database = file
    write_and_delete(database)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM directory_study").fetchall()
        write_and_delete(database)
        purged = purge(database, (), WAIT)
        assert purged.done == ()
        assert "older state" in purged.held_up[0]
        reader.execute("ROLLBACK")
    assert purge(database, (), WAIT).held_up == ()
    assert residue_of_directory(path.parent, SECRETS) == []


def test_a_database_in_memory_has_no_files() -> None:
    """There is nothing to do."""
    with closing(SQLiteDatabase("file:purged?mode=memory&cache=shared", 30)) as database:
        purged = purge(database, (), WAIT)
        assert (purged.done, purged.held_up) == ((), ())


def test_tables_are_rewritten_on_a_server(on_server: tuple[str, PostgresDatabase]) -> None:
    """Their files have nothing of what was deleted; before the purge, they do."""
    url, database = on_server
    write_and_delete(database)
    assert residue_of_heap(url, SECRETS)
    purged = purge(database, ("stored_events",), WAIT)
    assert purged.held_up == ()
    assert "tables were rewritten" in purged.done[0]
    assert "write-ahead log" in purged.out_of_reach[0]
    assert residue_of_heap(url, SECRETS) == []


def test_an_older_transaction_holds_a_purge_up_on_a_server(
    on_server: tuple[str, PostgresDatabase],
) -> None:
    """The rows it may still see would only be copied."""
    url, database = on_server
    with psycopg.connect(url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1 FROM directory_study")
        write_and_delete(database)
        purged = purge(database, (), WAIT)
        assert purged.done == ()
        assert "older state" in purged.held_up[0]
    assert purge(database, (), WAIT).held_up == ()


def test_a_table_that_is_locked_is_named(
    on_server: tuple[str, PostgresDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are rewritten."""
    monkeypatch.setattr("albumcore_adapters.sql.postgres_purge._LOCK_SECONDS", 0.05)
    url, database = on_server
    with psycopg.connect(url) as user:
        user.execute("LOCK TABLE directory_study IN ROW EXCLUSIVE MODE")
        purged = purge(database, (), WAIT)
    assert purged.held_up == ("directory_study was not rewritten: others use it all the time",)
    assert len(purged.done) == 1
