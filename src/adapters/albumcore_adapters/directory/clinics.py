"""Clinics and stations of the TSCharts API."""

from __future__ import annotations

from datetime import date

from attrs import frozen

from albumcore.errors import Invalid
from albumcore_adapters.sql.database import (
    MAX_INTEGER,
    Cursor,
    Database,
    Row,
    delete_by_id,
    key_text,
    row_by_id,
)


@frozen
class Clinic:
    """A clinic: a location from a first to a last day, both included."""

    id: int
    location: str
    start: date
    end: date


@frozen
class Station:
    """A station of a clinic, such as the dentist's chair."""

    id: int
    name: str
    level: int


@frozen
class Clinics:
    """The clinics and stations. Events refer to them by id, so the id of a deleted one is never reused."""

    database: Database

    def add_clinic(self, location: str, start: date, end: date) -> int:
        """Return the id of the clinic at this location from ``start`` to ``end``; it is added if it does not exist.

        Raises:
            Invalid: the location is not valid Unicode, or longer than 255 characters.
        """
        clinic = (key_text("location", location), start.isoformat(), end.isoformat())
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_clinic (location, starts, ends) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                clinic,
            )
            cursor.execute(
                "SELECT id FROM directory_clinic WHERE location = ? AND starts = ? AND ends = ?",
                clinic,
            )
            return _only_id(cursor)

    def clinic(self, clinic_id: int) -> Clinic | None:
        """Return the clinic with this id, or None."""
        row = row_by_id(self.database, "SELECT * FROM directory_clinic WHERE id = ?", clinic_id)
        return None if row is None else _clinic(row)

    def clinics(self) -> list[Clinic]:
        """Return all clinics in the order of ids."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute("SELECT * FROM directory_clinic ORDER BY id")
            return [_clinic(row) for row in cursor.fetchall()]

    def clinic_on(self, day: date) -> Clinic | None:
        """Return the clinic with the smallest id that takes place on a day, or None."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(
                "SELECT * FROM directory_clinic WHERE starts <= ? AND ends >= ? ORDER BY id LIMIT 1",
                (day.isoformat(), day.isoformat()),
            )
            row = cursor.fetchone()
        return None if row is None else _clinic(row)

    def delete_clinic(self, clinic_id: int) -> bool:
        """Delete a clinic; False if there is none with this id."""
        return delete_by_id(self.database, "DELETE FROM directory_clinic WHERE id = ?", clinic_id)

    def add_station(self, name: str, level: int = 1) -> int:
        """Return the id of the station with this name; it is added if it does not exist.

        The level of an existing station is unchanged.

        Raises:
            Invalid: the name is not valid Unicode or longer than 255 characters, or the level has more than 64 bits.
        """
        if not -MAX_INTEGER <= level <= MAX_INTEGER:
            raise Invalid("level", "a level has at most 64 bits")
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_station (name, level) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (key_text("name", name), level),
            )
            cursor.execute("SELECT id FROM directory_station WHERE name = ?", (name,))
            return _only_id(cursor)

    def station(self, station_id: int) -> Station | None:
        """Return the station with this id, or None."""
        row = row_by_id(self.database, "SELECT * FROM directory_station WHERE id = ?", station_id)
        return None if row is None else _station(row)

    def stations(self) -> list[Station]:
        """Return all stations in the order of ids."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute("SELECT * FROM directory_station ORDER BY id")
            return [_station(row) for row in cursor.fetchall()]

    def delete_station(self, station_id: int) -> bool:
        """Delete a station; False if there is none with this id."""
        return delete_by_id(self.database, "DELETE FROM directory_station WHERE id = ?", station_id)


def _only_id(cursor: Cursor) -> int:
    [row] = cursor.fetchall()
    row_id: int = row["id"]
    return row_id


def _clinic(row: Row) -> Clinic:
    start, end = date.fromisoformat(row["starts"]), date.fromisoformat(row["ends"])
    return Clinic(row["id"], row["location"], start, end)


def _station(row: Row) -> Station:
    return Station(row["id"], row["name"], row["level"])
