"""Patients of the TSCharts API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import asdict, evolve

from albumcore.errors import Invalid
from albumcore_adapters.directory.patient_search import (
    Condition,
    contains,
    equals,
    is_whole,
)
from albumcore_adapters.directory.patients import Patient, PatientExists, Patients
from albumcore_adapters.sql.database import Database
from support.databases import ON_SQLITE

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
    """An empty table of patients."""
    return Patients(database)


def test_add(patients: Patients) -> None:
    """Every field is returned as it was added; ``curp`` is optional."""
    ana = patients.add(ANA)
    eva = patients.add(evolve(ANA, first="Eva", curp="GOME110228", oldid=7))
    assert patients.exists(ana)
    assert patients.patient(ana) == ANA
    assert patients.patient(eva) == evolve(ANA, first="Eva", curp="GOME110228", oldid=7)
    assert patients.search() == [ana, eva]
    assert not patients.exists(eva + 1)
    assert patients.patient(eva + 1) is None


def test_add_of_the_same_person(patients: Patients) -> None:
    """Paternal last name, first name, date of birth and gender are unique together."""
    ana = patients.add(ANA)
    with pytest.raises(PatientExists) as refused:
        patients.add(evolve(ANA, maternal_last="", email="", curp="X"))
    assert refused.value.code == "patient_exists"
    assert "Ana" not in refused.value.detail
    assert patients.search() == [ana]
    assert patients.patient(ana) == ANA


@pytest.mark.parametrize(
    "change",
    [{"paternal_last": "Nuñez"}, {"first": "ana"}, {"dob": date(2011, 3, 1)}, {"gender": "Male"}],
)
def test_add_of_another_person(patients: Patients, change: dict[str, Any]) -> None:
    """A difference in one of the four is another patient."""
    assert patients.add(ANA) != patients.add(evolve(ANA, **change))


def test_delete(patients: Patients) -> None:
    """A deleted patient may be added again; the former id is not reused."""
    first = patients.add(ANA)
    assert patients.delete(first)
    assert not patients.delete(first)
    assert not patients.exists(first)
    assert patients.search() == []
    assert patients.add(ANA) > first


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colonia", "\ud800"),
        ("first", "Ana\0"),
        ("paternal_last", "x" * 256),
        ("oldid", 2**63),
        ("oldid", -(2**63)),
    ],
)
def test_a_value_that_cannot_be_kept(patients: Patients, field: str, value: object) -> None:
    """The error names the field, when adding and when changing; nothing is stored."""
    change: dict[str, Any] = {"city": "Tecate", field: value}
    with pytest.raises(Invalid) as refused:
        patients.add(evolve(ANA, **change))
    assert refused.value.field == field
    assert patients.search() == []
    ana = patients.add(ANA)
    with pytest.raises(Invalid) as refused:
        patients.change(ana, change)
    assert refused.value.field == field
    assert patients.patient(ana) == ANA


def test_change(patients: Patients) -> None:
    """The given fields are changed and searchable; other fields and other patients are unchanged."""
    ana, eva = patients.add(ANA), patients.add(evolve(ANA, first="Eva"))
    changes: dict[str, Any] = {"first": "Zoé", "dob": date(2011, 3, 1), "oldid": 7}
    assert patients.change(ana, changes)
    assert patients.patient(ana) == evolve(ANA, **changes)
    assert patients.patient(eva) == evolve(ANA, first="Eva")
    assert patients.search([contains("first")("ZOÉ")]) == [ana]
    assert patients.search([contains("first")("Ana")]) == []
    assert patients.add(ANA) not in (ana, eva)


def test_change_that_changes_nothing(patients: Patients) -> None:
    """A change to the same values does not conflict with the patient itself."""
    ana = patients.add(ANA)
    assert patients.change(ana, {})
    assert patients.change(ana, asdict(ANA))
    assert patients.patient(ana) == ANA


def test_change_to_another_person(patients: Patients) -> None:
    """A change to the unique key of another patient is refused, and nothing is changed."""
    ana, eva = patients.add(ANA), patients.add(evolve(ANA, first="Eva"))
    with pytest.raises(PatientExists):
        patients.change(eva, {"city": "Tecate", "first": "Ana"})
    assert patients.patient(eva) == evolve(ANA, first="Eva")
    assert patients.change(ana, {"gender": "Male"})
    assert patients.change(eva, {"first": "Ana"})


@pytest.mark.parametrize("patient_id", [0, -1, 9, 2**63, 10**30])
def test_change_of_an_unknown_patient(patients: Patients, patient_id: int) -> None:
    """An unknown patient cannot be changed."""
    assert not patients.change(patient_id, {"first": "Eva"})


def test_texts_of_any_length_are_searched(patients: Patients) -> None:
    """Texts longer than an index entry, and texts that differ only at their end, are found as whole texts."""
    long = "".join(chr(0x20000 + number * 149 % 40000) for number in range(9000))
    first = patients.add(evolve(ANA, maternal_last=long + "A", curp=long, middle=long))
    second = patients.add(evolve(ANA, first="Eva", maternal_last=long + "B"))
    assert patients.search([is_whole("maternal_last")(long + "b")]) == [second]
    assert patients.search([contains("maternal_last")(long[-9:])]) == [first, second]
    assert patients.search([contains("middle", "curp")(long[:9])]) == [first]


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        *(
            (is_whole(name)("x"), name)
            for name in ("paternal_last", "maternal_last", "first", "curp")
        ),
        (equals("dob")(date(2011, 2, 28)), "dob"),
        (equals("oldid")(7), "oldid"),
        (equals("gender")("Male"), "gender"),
    ],
)
@ON_SQLITE
def test_values_are_found_by_an_index(database: Database, condition: Condition, index: str) -> None:
    """The query plan uses the index."""
    sql, params = condition
    explained = f"EXPLAIN QUERY PLAN SELECT id FROM directory_patient WHERE {sql} ORDER BY id"
    with database.transaction(commit=False) as cursor:
        cursor.execute(explained, params)
        plan = [row["detail"] for row in cursor.fetchall()]
    assert any(f"directory_patient_by_{index}" in line for line in plan)


def test_add_with_the_longest_names(patients: Patients) -> None:
    """Names of 255 characters of four bytes are stored and are part of the unique key."""
    name = "".join(chr(0x20000 + number * 149 % 40000) for number in range(255))
    long = evolve(ANA, paternal_last=name, first=name[::-1], colonia=40 * name)
    assert patients.patient(patients.add(long)) == long
    with pytest.raises(PatientExists):
        patients.add(long)
