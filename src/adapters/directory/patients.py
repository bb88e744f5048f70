"""Patients of the TSCharts API.

This is where what is personal about a patient lives: events name a patient by id alone.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from attrs import asdict, fields, frozen

from adapters.directory._database import (
    Database,
    Row,
    delete_by_id,
    has_changed,
    key_text,
    row_by_id,
    storable_text,
)
from albumcore.errors import Conflict
from albumcore.ids import PatientId


class PatientExists(Conflict):
    """A patient with the same paternal last name, first name, date of birth and gender is there."""

    code = "patient_exists"


@frozen(kw_only=True)
class Patient:
    """What is known of a patient, by the names of the TSCharts API.

    Attributes:
        dob: Date of birth.
        curp: The Mexican population register's key; some clients do not know it.
    """

    paternal_last: str
    maternal_last: str
    first: str
    middle: str
    suffix: str
    prefix: str
    dob: date
    gender: Literal["Male", "Female"]
    street1: str
    street2: str
    city: str
    colonia: str
    state: str
    phone1: str
    phone2: str
    email: str
    emergencyfullname: str
    emergencyphone: str
    emergencyemail: str
    curp: str = ""


_COLUMNS = [field.name for field in fields(Patient)]
_KEY = ("paternal_last", "first", "dob", "gender")
_INSERT = (
    f"INSERT INTO directory_patient ({', '.join(_COLUMNS)})"  # noqa: S608
    f" VALUES ({', '.join('?' for _ in _COLUMNS)}) ON CONFLICT DO NOTHING"
)
_ID_OF = f"SELECT id FROM directory_patient WHERE {' AND '.join(f'{name} = ?' for name in _KEY)}"  # noqa: S608

# AUTOINCREMENT, because events name patients by id: an id must never come to mean another person.
TABLES = (
    f"""
    CREATE TABLE IF NOT EXISTS directory_patient (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        {", ".join(f"{column} TEXT NOT NULL" for column in _COLUMNS)},
        UNIQUE ({", ".join(_KEY)})
    )
    """,
)


@frozen
class Patients:
    """The patients there are; the id of a deleted one is not given out again."""

    database: Database

    def add(self, patient: Patient) -> PatientId:
        """Add a patient and return the new id.

        Raises:
            Invalid: a field is not valid Unicode, or a name that tells patients apart has more than 255 characters; the
                error names the field.
            PatientExists: there is one of the same name, date of birth and gender.
        """
        texts = {name: str(value) for name, value in asdict(patient).items()}
        for name, text in texts.items():
            (key_text if name in _KEY else storable_text)(name, text)
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(_INSERT, list(texts.values()))
            if not has_changed(cursor):
                raise PatientExists("there is a patient of that name, date of birth and gender")
            cursor.execute(_ID_OF, [texts[name] for name in _KEY])
            [row] = cursor.fetchall()
            return PatientId(row["id"])

    def patient(self, patient_id: int) -> Patient | None:
        """Return the patient with this id."""
        row = row_by_id(self.database, "SELECT * FROM directory_patient WHERE id = ?", patient_id)
        return None if row is None else _patient(row)

    def exists(self, patient_id: int) -> bool:
        """Whether there is a patient with this id, and not deleted."""
        select = "SELECT id FROM directory_patient WHERE id = ?"
        return row_by_id(self.database, select, patient_id) is not None

    def ids(self) -> list[PatientId]:
        """Return the id of every patient, smallest first."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute("SELECT id FROM directory_patient ORDER BY id")
            return [PatientId(row["id"]) for row in cursor.fetchall()]

    def delete(self, patient_id: int) -> bool:
        """Delete what is known of a patient; False if there is none with this id."""
        return delete_by_id(self.database, "DELETE FROM directory_patient WHERE id = ?", patient_id)


def _patient(row: Row) -> Patient:
    known = {column: row[column] for column in _COLUMNS}
    return Patient(**known | {"dob": date.fromisoformat(row["dob"])})
