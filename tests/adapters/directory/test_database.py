"""The tables, and the seam to whatever database library gives transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import date
from typing import Any

import pytest
from attrs import field, frozen

from adapters.directory import (
    Accounts,
    Catalogue,
    Clinics,
    Cursor,
    Database,
    Inbox,
    Patients,
    People,
    create_tables,
    ids_exist,
)
from adapters.directory._database import Parameter
from adapters.directory.patient_search import contains, equals, is_whole
from adapters.store.pool import SQLiteDatabase
from albumcore.ids import SeriesUID, StudyUID
from support.databases import ON_SQLITE, Seam


def test_create_tables_again_keeps_what_they_hold(database: Database) -> None:
    """Every start may create the tables; none loses a row."""
    person = People(database).register("sub-1", "a@example.org", "A")
    create_tables(database)
    assert People(database).person("sub-1") == person


_LONG = "".join(chr(0x20000 + number * 149 % 40000) for number in range(9000))
"""A text too long for an entry of an index."""

OLD_INBOX = (
    "CREATE TABLE directory_inbox (sub TEXT NOT NULL, study_uid TEXT NOT NULL,"
    " series_uid TEXT NOT NULL, PRIMARY KEY (sub, study_uid, series_uid)) WITHOUT ROWID",
    "INSERT INTO directory_inbox (sub, study_uid, series_uid) VALUES ('sub-1', '1.2', '1.2.3')",
)


OLD_PATIENTS = (
    "CREATE TABLE directory_patient (id INTEGER PRIMARY KEY AUTOINCREMENT, paternal_last TEXT NOT NULL,"
    " maternal_last TEXT NOT NULL, first TEXT NOT NULL, middle TEXT NOT NULL, suffix TEXT NOT NULL,"
    " prefix TEXT NOT NULL, dob TEXT NOT NULL, gender TEXT NOT NULL, street1 TEXT NOT NULL,"
    " street2 TEXT NOT NULL, city TEXT NOT NULL, colonia TEXT NOT NULL, state TEXT NOT NULL,"
    " phone1 TEXT NOT NULL, phone2 TEXT NOT NULL, email TEXT NOT NULL, emergencyfullname TEXT NOT NULL,"
    " emergencyphone TEXT NOT NULL, emergencyemail TEXT NOT NULL, curp TEXT NOT NULL,"
    " UNIQUE (paternal_last, first, dob, gender))",
    "INSERT INTO directory_patient (paternal_last, maternal_last, first, middle, suffix, prefix, dob,"
    " gender, street1, street2, city, colonia, state, phone1, phone2, email, emergencyfullname,"
    " emergencyphone, emergencyemail, curp) VALUES ('Núñez', ?, 'Ana', '', '', '', '2011-02-28',"
    " 'Female', '', '', '', '', '', '', '', '', '', '', '', '')",
)


@pytest.fixture
def old_database(database: Database) -> Database:
    """A database of before there were favourites in an inbox and a search for patients; it has one of each."""
    with database.transaction(commit=True) as cursor:
        for statement in ("DROP TABLE directory_inbox", *OLD_INBOX):
            cursor.execute(statement)
        cursor.execute("DROP TABLE directory_patient")
        cursor.execute(OLD_PATIENTS[0])
        cursor.execute(OLD_PATIENTS[1], [_LONG])
    return database


@frozen
class Overtaken(Seam):
    """A database on which somebody else creates all tables, between our look and our write."""

    looks: list[bool] = field(factory=list)

    def transaction(self, *, commit: bool) -> AbstractContextManager[Cursor]:
        """The transaction that is asked for."""
        if commit and self.looks:
            create_tables(self.database)
        self.looks.extend([True] * (not commit))
        return self.database.transaction(commit=commit)


@frozen
class Contended(Seam):
    """A database that somebody else writes to whenever our transaction leaves room for it."""

    database: SQLiteDatabase

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[Cursor]:
        """The transaction that is asked for."""
        path = self.database.db_name
        with (
            self.database.transaction(commit=commit) as cursor,
            closing(sqlite3.connect(path, timeout=0, isolation_level=None, uri=True)) as other,
        ):
            yield ContendedCursor(cursor, other)


@frozen
class ContendedCursor:
    """A cursor of it."""

    cursor: Cursor
    other: sqlite3.Connection

    def execute(self, sql: str, params: Sequence[Parameter] = ()) -> None:
        """Run one statement; then it is the turn of the other."""
        self.cursor.execute(sql, params)
        with suppress(sqlite3.OperationalError):  # if we hold the lock
            self.other.execute("INSERT INTO directory_person (sub) VALUES (hex(randomblob(9)))")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


@ON_SQLITE
def test_create_tables_in_an_old_file_that_others_write_to(old_database: SQLiteDatabase) -> None:
    """Nobody can write between our look and the change that it leads to."""
    create_tables(Contended(old_database))
    assert Inbox(old_database).favorites("sub-1") == {}


@pytest.mark.parametrize("seam", [lambda database: database, Overtaken], ids=["alone", "overtaken"])
def test_create_tables_in_an_old_database(
    old_database: Database, seam: Callable[[Database], Database]
) -> None:
    """What came later is added, whatever others do meanwhile, and what was there has its default."""
    create_tables(seam(old_database))
    inbox = Inbox(old_database)
    assert inbox.contents("sub-1") == {"1.2": {"1.2.3"}}
    assert inbox.favorites("sub-1") == {}
    inbox.set_favorites("sub-1", StudyUID("1.2"), [SeriesUID("1.2.3")], is_favorite=True)
    create_tables(old_database)
    assert inbox.favorites("sub-1") == {"1.2": {"1.2.3"}}
    patients = Patients(old_database)
    ana = patients.patient(1)
    assert ana is not None
    assert (ana.first, ana.maternal_last, ana.curp, ana.oldid) == ("Ana", _LONG, "", -1)
    for condition in (
        contains("paternal_last")("ÚÑ"),
        is_whole("paternal_last")("núñez"),
        is_whole("maternal_last")(_LONG),
        equals("oldid")(-1),
    ):
        assert patients.search([condition]) == [1]
    assert patients.search([contains("curp")("x")]) == []


def test_directory_in_memory() -> None:
    """A database in memory, with its single connection, serves as well as a file."""
    database = SQLiteDatabase("file:directory?mode=memory&cache=shared", 30)
    create_tables(database)
    People(database).register("sub-1")
    Catalogue(database).claim(StudyUID("1.2"), SeriesUID("1.2.3"))
    Clinics(database).add_clinic("Ensenada", date(2026, 1, 1), date(2026, 1, 2))
    assert People(database).known("sub-1")
    assert Patients(database).search() == []
    assert Accounts(database, b"secret").by_token("0" * 40) is None
    database.close()


@pytest.mark.parametrize("row_id", [0, -1, 2**63, 10**30, -(10**30)])
def test_number_that_is_no_id_is_unknown(database: Database, row_id: int) -> None:
    """A number that no database can hold is an id of nothing, and no error."""
    clinics, patients = Clinics(database), Patients(database)
    assert clinics.clinic(row_id) is None
    assert clinics.station(row_id) is None
    assert patients.patient(row_id) is None
    assert not clinics.delete_clinic(row_id)
    assert not clinics.delete_station(row_id)
    assert not patients.exists(row_id)
    assert not patients.delete(row_id)
    assert not ids_exist(database, {"patient": row_id})
