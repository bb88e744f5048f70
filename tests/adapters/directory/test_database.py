"""The tables on other databases, and ids of any size."""

from __future__ import annotations

from datetime import date

import pytest

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.clinics import Clinics
from albumcore_adapters.directory.existence import ids_exist
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.directory.people import People
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.migrations import migrate
from albumcore_adapters.sql.sqlite import SQLiteDatabase


def test_directory_in_memory() -> None:
    """The directory works in an in-memory database with a single connection."""
    database = SQLiteDatabase("file:directory?mode=memory&cache=shared", 30)
    migrate(database)
    People(database).register("sub-1")
    Catalogue(database).add_placeholder(StudyUID("1.2"), SeriesUID("1.2.3"))
    Clinics(database).add_clinic("Ensenada", date(2026, 1, 1), date(2026, 1, 2))
    assert People(database).known(UserId("sub-1"))
    assert Patients(database).search() == []
    assert Accounts(database, b"secret").by_token("0" * 40) is None
    database.close()


@pytest.mark.parametrize("row_id", [0, -1, 2**63, 10**30, -(10**30)])
def test_number_that_is_no_id_is_unknown(database: Database, row_id: int) -> None:
    """A number of more than 64 bits is the id of nothing, and not an error."""
    clinics, patients = Clinics(database), Patients(database)
    assert clinics.clinic(row_id) is None
    assert clinics.station(row_id) is None
    assert patients.patient(row_id) is None
    assert not clinics.delete_clinic(row_id)
    assert not clinics.delete_station(row_id)
    assert not patients.exists(row_id)
    assert not patients.delete(row_id)
    assert not ids_exist(database, {"patient": row_id})
