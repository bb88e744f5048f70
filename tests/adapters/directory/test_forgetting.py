"""Forgetting: the directory has no row left about a person or a study, and stays consistent."""

from __future__ import annotations

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.consistency import problems_of
from albumcore_adapters.directory.forgetting import (
    forget_person,
    forget_study,
    studies_of_patient,
)
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.people import People
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store.rows import table_statements

STUDY, SERIES = StudyUID("1.2"), SeriesUID("1.2.3")
OTHER = StudyUID("1.5")


def value(text: str) -> dict[str, object]:
    """A value in the DICOM JSON Model."""
    return {"vr": "LO", "Value": [text]}


def store(database: Database, study: StudyUID, series: SeriesUID, owner: UserId) -> None:
    """Import an image of a patient."""
    about = {"00100020": value("MRN-4711"), "00081030": value("Knee of Ndiaye")}
    record = InstanceRecord(
        study, series, f"{series}.1", about, {"00080060": value("CT")}, {"00080008": value("X")}
    )
    Catalogue(database).store([record], owner=owner)


def make_index(database: Database) -> None:
    """Make the index tables, which a query of the directory may join."""
    with database.transaction(commit=True) as cursor:
        for statement in table_statements():
            cursor.execute(statement)


def test_a_study_is_forgotten(database: Database) -> None:
    """Its series stays as a placeholder; another study of the patient stays as it is."""
    make_index(database)
    user = People(database).register("alice").id
    store(database, STUDY, SERIES, user)
    store(database, OTHER, SeriesUID("1.5.1"), user)
    with database.transaction(commit=True) as cursor:
        assert studies_of_patient(cursor, "MRN-4711") == [STUDY, OTHER]
        assert forget_study(cursor, STUDY) == 3
        assert forget_study(cursor, STUDY) == 0
        assert studies_of_patient(cursor, "MRN-4711") == [OTHER]
    catalogue = Catalogue(database)
    assert catalogue.study_descriptions([STUDY, OTHER]) == {OTHER: "Knee of Ndiaye"}
    assert not catalogue.series([SERIES])[SERIES].populated
    assert problems_of(database) == []


def test_a_person_is_forgotten(database: Database) -> None:
    """With their inbox and their claims; what they claimed for an album stays claimed, by an unknown user."""
    people = People(database)
    alice, bob = (people.register(name, f"{name}@x.example").id for name in ("alice", "bob"))
    store(database, STUDY, SERIES, alice)
    claims = [
        (f"inbox:{alice}", alice),
        ("album:A", alice),
        ("album:B", alice),
        ("album:B", ""),
        ("album:C", bob),
    ]
    make_index(database)
    with database.transaction(commit=True) as cursor:
        cursor.executemany(
            "INSERT INTO directory_claim VALUES (?, ?, ?, ?, 1)",
            [(place, STUDY, SERIES, user) for place, user in claims],
        )
        assert forget_person(cursor, alice) > 0
        assert forget_person(cursor, alice) == 0
        cursor.execute("SELECT place, claimed_by FROM directory_claim ORDER BY place")
        left = [(row["place"], row["claimed_by"]) for row in cursor.fetchall()]
    assert left == [("album:A", ""), ("album:B", ""), ("album:C", bob)]
    assert [one.sub for one in people.everyone().values()] == ["bob"]
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT * FROM directory_inbox")
        assert cursor.fetchall() == []
