"""Patients of the TSCharts API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import evolve

from adapters.directory import Database, Patient, PatientExists, Patients
from albumcore.errors import Invalid

ANA = Patient(
    paternal_last="Núñez",
    maternal_last="Gómez",
    first="Ana",
    middle="María",
    suffix="",
    prefix="Srta.",
    dob=date(2011, 2, 28),
    gender="Female",
    street1="Calle 1",
    street2="",
    city="Ensenada",
    colonia="Centro",
    state="Baja California",
    phone1="1",
    phone2="2",
    email="ana@example.org",
    emergencyfullname="Eva Gómez",
    emergencyphone="3",
    emergencyemail="eva@example.org",
)


@pytest.fixture
def patients(database: Database) -> Patients:
    """No patients yet."""
    return Patients(database)


def test_add(patients: Patients) -> None:
    """Every field comes back as it was given; the register's key may be missing."""
    ana = patients.add(ANA)
    eva = patients.add(evolve(ANA, first="Eva", curp="GOME110228"))
    assert patients.exists(ana)
    assert patients.patient(ana) == ANA
    assert patients.patient(eva) == evolve(ANA, first="Eva", curp="GOME110228")
    assert patients.ids() == [ana, eva]
    assert not patients.exists(eva + 1)
    assert patients.patient(eva + 1) is None


def test_add_of_the_same_person(patients: Patients) -> None:
    """Same last and first name, birth and gender: refused, though all the rest differs."""
    ana = patients.add(ANA)
    with pytest.raises(PatientExists) as refused:
        patients.add(evolve(ANA, maternal_last="", email="", curp="X"))
    assert refused.value.code == "patient_exists"
    assert "Ana" not in refused.value.detail
    assert patients.ids() == [ana]
    assert patients.patient(ana) == ANA


@pytest.mark.parametrize(
    "change",
    [{"paternal_last": "Nuñez"}, {"first": "ana"}, {"dob": date(2011, 3, 1)}, {"gender": "Male"}],
)
def test_add_of_another_person(patients: Patients, change: dict[str, Any]) -> None:
    """One of the four differs: another patient."""
    assert patients.add(ANA) != patients.add(evolve(ANA, **change))


def test_delete(patients: Patients) -> None:
    """A deleted patient is gone, may be added anew, and the id never means another person."""
    first = patients.add(ANA)
    assert patients.delete(first)
    assert not patients.delete(first)
    assert not patients.exists(first)
    assert patients.ids() == []
    assert patients.add(ANA) > first


@pytest.mark.parametrize(
    ("field", "text"),
    [("colonia", "\ud800"), ("first", "Ana\0"), ("paternal_last", "x" * 256)],
)
def test_add_with_a_text_that_cannot_be_kept(patients: Patients, field: str, text: str) -> None:
    """It is refused by the name of its field."""
    change: dict[str, Any] = {field: text}
    with pytest.raises(Invalid) as refused:
        patients.add(evolve(ANA, **change))
    assert refused.value.field == field
    assert patients.ids() == []


def test_add_with_the_longest_names(patients: Patients) -> None:
    """Names of 255 characters are kept, be the characters as large as they come, and tell patients apart."""
    name = "".join(chr(0x20000 + number * 149 % 40000) for number in range(255))
    long = evolve(ANA, paternal_last=name, first=name[::-1], colonia=40 * name)
    assert patients.patient(patients.add(long)) == long
    with pytest.raises(PatientExists):
        patients.add(long)
