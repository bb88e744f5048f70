"""Patients of the TSCharts API.

This is where what is personal about a patient lives: events name a patient by id alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal

from attrs import asdict, fields, frozen

from albumcore.errors import Conflict, Invalid
from albumcore.ids import PatientId
from albumcore_adapters.directory.patient_search import SEARCHED, Condition, folded
from albumcore_adapters.sql.database import (
    MAX_INTEGER,
    Cursor,
    Database,
    Parameter,
    Row,
    delete_by_id,
    has_changed,
    key_text,
    row_by_id,
    rows_of,
    storable_text,
)


class PatientExists(Conflict):
    """A patient with the same paternal last name, first name, date of birth and gender is there."""

    code = "patient_exists"


@frozen(kw_only=True)
class Patient:
    """What is known of a patient, by the names of the TSCharts API.

    Attributes:
        dob: Date of birth.
        curp: The Mexican population register's key; some clients do not know it.
        oldid: The patient's number in the clinic's records of old, or -1.
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
    oldid: int = -1


_COLUMNS = [field.name for field in fields(Patient)]
_KEY = ("paternal_last", "first", "dob", "gender")
_TEXTS = [name for name in _COLUMNS if name != "oldid"]
_OLDID = "INTEGER NOT NULL DEFAULT -1"
_STORED = [*_COLUMNS, *(f"folded_{name}" for name in SEARCHED)]
_INSERT = (
    f"INSERT INTO directory_patient ({', '.join(_STORED)})"  # noqa: S608
    f" VALUES ({', '.join('?' for _ in _STORED)}) ON CONFLICT DO NOTHING"
)
_BY_ID = "SELECT * FROM directory_patient WHERE id = ?"
_ID_OF = f"SELECT id FROM directory_patient WHERE {' AND '.join(f'{name} = ?' for name in _KEY)}"  # noqa: S608

# AUTOINCREMENT, because events name patients by id: an id must never come to mean another person.


@frozen
class Patients:
    """The patients there are; the id of a deleted one is not given out again."""

    database: Database

    def add(self, patient: Patient) -> PatientId:
        """Add a patient and return the new id.

        Raises:
            Invalid: a field is not valid Unicode, a name that tells patients apart has more than 255 characters, or
                ``oldid`` has more than 64 bits; the error names the field.
            PatientExists: there is one of the same name, date of birth and gender.
        """
        stored = _stored(asdict(patient))
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(_INSERT, [stored[column] for column in _STORED])
            if not has_changed(cursor):
                raise _exists()
            cursor.execute(_ID_OF, [stored[name] for name in _KEY])
            [row] = cursor.fetchall()
            return PatientId(row["id"])

    def change(self, patient_id: int, changes: Mapping[str, Any]) -> bool:
        """Give some fields of a patient other values; False if there is none with this id.

        Raises:
            Invalid: as in `add`; nothing is changed.
            PatientExists: another patient has the name, date of birth and gender that this one would have; nothing is
                changed.
        """
        stored = _stored(changes)
        if not 0 < patient_id <= MAX_INTEGER:
            return False
        with self.database.transaction(commit=True) as cursor:
            # Changes nothing, but makes the transaction begin with a write: it waits for its turn.
            cursor.execute("UPDATE directory_patient SET id = id WHERE id = ?", (patient_id,))
            cursor.execute(_BY_ID, (patient_id,))
            if (row := cursor.fetchone()) is None:
                return False
            cursor.execute(_ID_OF, [stored.get(name, row[name]) for name in _KEY])
            if any(other["id"] != patient_id for other in cursor.fetchall()):
                raise _exists()
            if stored:
                _update(cursor, patient_id, stored)
            return True

    def patient(self, patient_id: int) -> Patient | None:
        """Return the patient with this id."""
        row = row_by_id(self.database, _BY_ID, patient_id)
        return None if row is None else _patient(row)

    def exists(self, patient_id: int) -> bool:
        """Whether there is a patient with this id, and not deleted."""
        select = "SELECT id FROM directory_patient WHERE id = ?"
        return row_by_id(self.database, select, patient_id) is not None

    def search(self, conditions: Iterable[Condition] = ()) -> list[PatientId]:
        """Return the id of every patient that meets all conditions (`patient_search`), smallest first."""
        asked = list(conditions)
        where = " AND ".join(["1 = 1", *(condition for condition, _ in asked)])
        select = f"SELECT id FROM directory_patient WHERE {where} ORDER BY id"  # noqa: S608
        rows = rows_of(self.database, select, *(param for _, params in asked for param in params))
        return [PatientId(row["id"]) for row in rows]

    def delete(self, patient_id: int) -> bool:
        """Delete what is known of a patient; False if there is none with this id."""
        return delete_by_id(self.database, "DELETE FROM directory_patient WHERE id = ?", patient_id)


def _stored(values: Mapping[str, Any]) -> dict[str, Parameter]:
    """The columns for some fields of a patient."""
    stored: dict[str, Parameter] = {}
    for name, value in values.items():
        if name != "oldid":
            stored[name] = (key_text if name in _KEY else storable_text)(name, str(value))
        elif abs(value) > MAX_INTEGER:
            raise Invalid(name, "it has at most 64 bits")
        else:
            stored[name] = value
    return {**stored, **folded(values)}


def _update(cursor: Cursor, patient_id: int, stored: Mapping[str, Parameter]) -> None:
    assigned = ", ".join(f"{column} = ?" for column in stored)
    update = f"UPDATE directory_patient SET {assigned} WHERE id = ?"  # noqa: S608
    cursor.execute(update, [*stored.values(), patient_id])


def _exists() -> PatientExists:
    return PatientExists("there is a patient of that name, date of birth and gender")


def _patient(row: Row) -> Patient:
    known = {column: row[column] for column in _COLUMNS}
    return Patient(**known | {"dob": date.fromisoformat(row["dob"])})
