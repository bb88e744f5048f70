"""The tables, and the seam to whatever database library gives transactions."""

from __future__ import annotations

from datetime import date

import pytest

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory import Accounts, Catalogue, Clinics, Patients, People, ids_exist
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.migrations import migrate
from albumcore_adapters.sql.sqlite import SQLiteDatabase


def test_directory_in_memory() -> None:
    """A database in memory, with its single connection, serves as well as a file."""
    database = SQLiteDatabase("file:directory?mode=memory&cache=shared", 30)
    migrate(database)
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
