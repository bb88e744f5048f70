"""Patients of the TSCharts API. All personal data of a patient is here; events refer to a patient by id alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

import orjson
from attrs import asdict, fields, frozen

from albumcore.codec import stored_time
from albumcore.errors import Conflict, Invalid
from albumcore.ids import PatientId
from albumcore_adapters.directory.patient_search import TEXT_COLUMNS, Condition, folded
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
    """There is a patient with the same paternal last name, first name, date of birth and gender."""

    code = "patient_exists"


@frozen(kw_only=True)
class Patient:
    """A patient, with the field names of the TSCharts API.

    Attributes:
        dob: Date of birth.
        curp: Key in the Mexican population register (CURP); some clients do not send it.
        oldid: Number in the former records of the clinic, or -1.
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
_STORED = [*_COLUMNS, *(f"folded_{name}" for name in TEXT_COLUMNS)]
_INSERT = (
    f"INSERT INTO directory_patient ({', '.join(_STORED)})"  # noqa: S608
    f" VALUES ({', '.join('?' for _ in _STORED)}) ON CONFLICT DO NOTHING"
)
_INSERT_WITH_ID = (
    f"INSERT INTO directory_patient (id, {', '.join(_STORED)})"  # noqa: S608
    f" VALUES (?, {', '.join('?' for _ in _STORED)}) ON CONFLICT DO NOTHING"
)
_SET_ASIDE = "INSERT INTO directory_deleted_patient (id, deleted_at, fields) VALUES (?, ?, ?)"
_DELETE_ASIDE = "DELETE FROM directory_deleted_patient WHERE id = ?"
_COUNT_ASIDE = "SELECT count(*) AS number FROM directory_deleted_patient WHERE deleted_at < ?"
_PURGE = "DELETE FROM directory_deleted_patient WHERE deleted_at < ?"
_BY_ID = "SELECT * FROM directory_patient WHERE id = ?"
_ID_OF = f"SELECT id FROM directory_patient WHERE {' AND '.join(f'{name} = ?' for name in _KEY)}"  # noqa: S608


@frozen
class Patients:
    """The patients. Events refer to them by id, so the id of a deleted one is never reused."""

    database: Database

    def add(self, patient: Patient) -> PatientId:
        """Add a patient and return the new id.

        Raises:
            Invalid: a field is not valid Unicode, a field of the unique key has more than 255 characters, or ``oldid``
                has more than 64 bits; the error names the field.
            PatientExists: there is a patient with the same names, date of birth and gender.
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
        """Change fields of a patient; False if there is none with this id. On an error, nothing is changed.

        Raises:
            Invalid: as for `add`.
            PatientExists: another patient has the names, date of birth and gender that this one would have.
        """
        stored = _stored(changes)
        if not 0 < patient_id <= MAX_INTEGER:
            return False
        with self.database.transaction(commit=True) as cursor:
            if (row := _locked(cursor, "directory_patient", patient_id)) is None:
                return False
            cursor.execute(_ID_OF, [stored.get(name, row[name]) for name in _KEY])
            if any(other["id"] != patient_id for other in cursor.fetchall()):
                raise _exists()
            if stored:
                _update(cursor, patient_id, stored)
            return True

    def patient(self, patient_id: int) -> Patient | None:
        """Return the patient with this id, or None."""
        row = row_by_id(self.database, _BY_ID, patient_id)
        return None if row is None else _patient(row)

    def exists(self, patient_id: int) -> bool:
        """Whether there is a patient with this id."""
        select = "SELECT id FROM directory_patient WHERE id = ?"
        return row_by_id(self.database, select, patient_id) is not None

    def search(self, conditions: Iterable[Condition] = ()) -> list[PatientId]:
        """Return the ids of the patients that meet all conditions (`patient_search`), in ascending order."""
        asked = list(conditions)
        where = " AND ".join(["1 = 1", *(condition for condition, _ in asked)])
        select = f"SELECT id FROM directory_patient WHERE {where} ORDER BY id"  # noqa: S608
        rows = rows_of(self.database, select, *(param for _, params in asked for param in params))
        return [PatientId(row["id"]) for row in rows]

    def delete(self, patient_id: int) -> bool:
        """Delete a patient for good; False if there is none with this id."""
        return delete_by_id(self.database, "DELETE FROM directory_patient WHERE id = ?", patient_id)

    def set_aside(self, patient_id: int, at: datetime) -> bool:
        """Delete a patient who may be restored; False if there is none with this id. `purge` deletes for good."""
        if not 0 < patient_id <= MAX_INTEGER:
            return False
        with self.database.transaction(commit=True) as cursor:
            if (row := _locked(cursor, "directory_patient", patient_id)) is None:
                return False
            fields = orjson.dumps({name: row[name] for name in _STORED}).decode()
            cursor.execute(_SET_ASIDE, (patient_id, stored_time(at), fields))
            cursor.execute("DELETE FROM directory_patient WHERE id = ?", (patient_id,))
            return True

    def restore(self, patient_id: int, since: datetime) -> bool:
        """Restore a patient who was set aside at or after a time; False if there is none.

        Raises:
            PatientExists: there is a patient with the same names, date of birth and gender.
        """
        if not 0 < patient_id <= MAX_INTEGER:
            return False
        with self.database.transaction(commit=True) as cursor:
            row = _locked(cursor, "directory_deleted_patient", patient_id)
            if row is None or row["deleted_at"] < stored_time(since):
                return False
            cursor.execute(_DELETE_ASIDE, (patient_id,))
            fields = orjson.loads(row["fields"])
            cursor.execute(_INSERT_WITH_ID, [patient_id, *(fields[name] for name in _STORED)])
            if not has_changed(cursor):
                raise _exists()
            return True

    def purge(self, before: datetime) -> int:
        """Delete the patients for good who were set aside before a time, and return their number."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(_COUNT_ASIDE, (stored_time(before),))
            [row] = cursor.fetchall()
        if row["number"]:
            with self.database.transaction(commit=True) as cursor:
                cursor.execute(_PURGE, (stored_time(before),))
        return int(row["number"])


def _locked(cursor: Cursor, table: str, patient_id: int) -> Row | None:
    """Return the row of a patient, under the write lock: the transaction begins with a write that changes nothing."""
    cursor.execute(f"UPDATE {table} SET id = id WHERE id = ?", (patient_id,))  # noqa: S608
    cursor.execute(f"SELECT * FROM {table} WHERE id = ?", (patient_id,))  # noqa: S608
    return cursor.fetchone()


def _stored(values: Mapping[str, Any]) -> dict[str, Parameter]:
    """Return the columns for some fields of a patient."""
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
