"""Clinics and stations of the TSCharts API."""

from __future__ import annotations

from datetime import date

import pytest

from albumcore.errors import Invalid
from albumcore_adapters.directory.clinics import Clinic, Clinics, Station
from albumcore_adapters.sql.database import Database

START, END = date(2026, 2, 5), date(2026, 2, 7)


@pytest.fixture
def clinics(database: Database) -> Clinics:
    """An empty table of clinics and stations."""
    return Clinics(database)


def test_add_clinic(clinics: Clinics) -> None:
    """Location and days identify a clinic."""
    first = clinics.add_clinic("Ensenada", START, END)
    assert clinics.add_clinic("Ensenada", START, END) == first
    second = clinics.add_clinic("Ensenada", START, date(2026, 2, 8))
    assert clinics.clinic(first) == Clinic(first, "Ensenada", START, END)
    assert [clinic.id for clinic in clinics.clinics()] == [first, second]


def test_add_station(clinics: Clinics) -> None:
    """The name identifies a station, whatever the level; the default level is 1."""
    first = clinics.add_station("Dental")
    assert clinics.add_station("Dental", 2) == first
    second = clinics.add_station("dental", 2)
    assert clinics.station(first) == Station(first, "Dental", 1)
    assert clinics.stations() == [Station(first, "Dental", 1), Station(second, "dental", 2)]


def test_delete_clinic(clinics: Clinics) -> None:
    """The id of a deleted clinic is not reused."""
    first = clinics.add_clinic("Ensenada", START, END)
    assert clinics.delete_clinic(first)
    assert not clinics.delete_clinic(first)
    assert clinics.clinic(first) is None
    assert clinics.clinics() == []
    assert clinics.add_clinic("Ensenada", START, END) > first


def test_delete_station(clinics: Clinics) -> None:
    """The id of a deleted station is not reused."""
    first = clinics.add_station("Dental")
    assert clinics.delete_station(first)
    assert not clinics.delete_station(first)
    assert clinics.station(first) is None
    assert clinics.stations() == []
    assert clinics.add_station("Dental") > first


@pytest.mark.parametrize("level", [2**63, 10**30, -(10**30)])
def test_add_station_of_a_level_out_of_range(clinics: Clinics, level: int) -> None:
    """A level of more than 64 bits is refused, and no station is added."""
    with pytest.raises(Invalid):
        clinics.add_station("Dental", level)
    assert clinics.stations() == []


@pytest.mark.parametrize("text", ["\ud800", "a\0", "x" * 256])
def test_add_with_a_text_that_cannot_be_kept(clinics: Clinics, text: str) -> None:
    """The error names the field."""
    with pytest.raises(Invalid, match="location"):
        clinics.add_clinic(text, START, END)
    with pytest.raises(Invalid, match="name"):
        clinics.add_station(text)


def test_clinic_on_a_day(clinics: Clinics) -> None:
    """The existing clinic with the smallest id whose days include the day."""
    assert clinics.clinic_on(date(2016, 2, 5)) is None
    long = clinics.add_clinic("Ensenada", date(2016, 2, 5), date(2016, 2, 7))
    short = clinics.add_clinic("Tecate", date(2016, 2, 4), date(2016, 2, 5))
    found = {day: clinics.clinic_on(date(2016, 2, day)) for day in range(3, 9)}
    ids = {day: clinic.id for day, clinic in found.items() if clinic is not None}
    assert ids == {4: short, 5: long, 6: long, 7: long}
    clinics.delete_clinic(long)
    assert clinics.clinic_on(date(2016, 2, 5)) == clinics.clinic(short)
