"""The DICOM catalogue: instances, the merged attributes of studies and series, and placeholders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.directory.catalogue import Catalogue, CatalogueSeries
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.instances import (
    InstanceOfOtherSeries,
    InstanceRecord,
    Misplaced,
    SeriesOfOtherStudy,
)
from albumcore_adapters.sql.database import Database
from support.databases import NewDatabase

HEAD, CHEST = StudyUID("1.1"), StudyUID("1.2")
T1, T2, XRAY = SeriesUID("1.1.1"), SeriesUID("1.1.2"), SeriesUID("1.2.1")
ANN = UserId("ann")


def attribute(vr: str, *values: Any) -> dict[str, Any]:
    """An attribute in the DICOM JSON Model."""
    return {"vr": vr, "Value": list(values)}


def instance(
    uid: str,
    series_uid: SeriesUID = T1,
    study_uid: StudyUID = HEAD,
    study: str | None = None,
    series: str | None = None,
) -> InstanceRecord:
    """An MR instance, with a study and a series description if given."""
    return InstanceRecord(
        study_uid,
        series_uid,
        uid,
        {} if study is None else {"00081030": attribute("LO", study)},
        {"00080060": attribute("CS", "MR")}
        | ({} if series is None else {"0008103E": attribute("LO", series)}),
        {"00080016": attribute("UI", "1.2.840.10008.5.1.4.1.1.4"), "00200013": attribute("IS", 7)},
    )


def tables(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the catalogue."""
    found = {}
    with database.transaction(commit=False) as cursor:
        for table in ("study", "series", "instance", "inbox"):
            cursor.execute(f"SELECT * FROM directory_{table}")
            found[table] = sorted(tuple(dict(row).values()) for row in cursor.fetchall())
    return found


def only_row(database: Database, select: str) -> dict[str, Any]:
    """The one row of the result."""
    with database.transaction(commit=False) as cursor:
        cursor.execute(select)
        [row] = cursor.fetchall()
    return dict(row)


@pytest.fixture
def catalogue(database: Database) -> Catalogue:
    """A catalogue with a head study of two series and three instances."""
    catalogue = Catalogue(database)
    catalogue.store(
        [
            instance("1.1.1.1", T1, study="Head", series="T1"),
            instance("1.1.1.2", T1, study="Head", series="T1"),
            instance("1.1.2.1", T2, study="Head"),
        ]
    )
    return catalogue


def test_store(catalogue: Catalogue) -> None:
    """Storing instances adds and populates their study and series."""
    assert catalogue.study_exists(HEAD)
    assert catalogue.series_exists(T1)
    assert catalogue.series_of(HEAD) == {T1, T2}
    assert catalogue.series([T1, T2, XRAY]) == {
        T1: CatalogueSeries(HEAD, "MR", populated=True, instances=2),
        T2: CatalogueSeries(HEAD, "MR", populated=True, instances=1),
    }
    assert not catalogue.study_exists(CHEST)
    assert not catalogue.series_exists(XRAY)
    assert catalogue.series_of(CHEST) == set()


@pytest.mark.parametrize("uid", ["1.1\0", "\ud800"])
def test_uid_that_no_database_can_hold(catalogue: Catalogue, uid: str) -> None:
    """A UID that no database can store is unknown, and not an error."""
    study, series = StudyUID(uid), SeriesUID(uid)
    assert not catalogue.study_exists(study)
    assert not catalogue.series_exists(series)
    assert catalogue.series_of(study) == set()
    assert catalogue.series([T1, series]).keys() == {T1}
    assert catalogue.study_descriptions([study, HEAD]) == {HEAD: "Head"}


def test_store_nothing(catalogue: Catalogue) -> None:
    """An empty batch is valid."""
    before = tables(catalogue.database)
    catalogue.store([], owner=ANN)
    assert tables(catalogue.database) == before


def test_descriptions(catalogue: Catalogue) -> None:
    """Unknown UIDs, and studies and series without a description, are left out."""
    catalogue.add_placeholder(CHEST, XRAY)
    assert catalogue.study_descriptions([HEAD, CHEST, StudyUID("9")]) == {HEAD: "Head"}
    assert catalogue.series_descriptions([T1, T2, XRAY]) == {T1: "T1"}
    assert catalogue.series_descriptions([]) == {}


def test_store_a_later_description(catalogue: Catalogue) -> None:
    """The attributes of later instances replace earlier ones; missing attributes change nothing."""
    catalogue.store([instance("1.1.1.3", study="Skull"), instance("1.1.1.4")])
    assert catalogue.study_descriptions([HEAD]) == {HEAD: "Skull"}
    assert catalogue.series_descriptions([T1]) == {T1: "T1"}


def test_store_an_instance_again(catalogue: Catalogue) -> None:
    """An instance stored twice is counted once and has the newer attributes."""
    newer = {"00200013": attribute("IS", 8)}
    catalogue.store([evolve(instance("1.1.2.1", T2), instance=newer)])
    assert catalogue.series([T2])[T2].instances == 1
    select = "SELECT number, attributes FROM directory_instance WHERE sop_instance_uid = '1.1.2.1'"
    assert only_row(catalogue.database, select) == {
        "number": 8,
        "attributes": '{"00200013":{"vr":"IS","Value":[8]}}',
    }


@pytest.mark.parametrize(
    ("misplaced", "error"),
    [
        ([instance("1.9", T1, CHEST)], SeriesOfOtherStudy),
        ([instance("1.8", XRAY, HEAD), instance("1.9", XRAY, CHEST)], SeriesOfOtherStudy),
        ([instance("1.1.1.1", XRAY, CHEST, "Chest")], InstanceOfOtherSeries),
        ([instance("1.9", T1), instance("1.9", T2)], InstanceOfOtherSeries),
    ],
    ids=["series", "series within the batch", "instance", "instance within the batch"],
)
def test_store_in_a_second_place(
    catalogue: Catalogue, misplaced: list[InstanceRecord], error: type[Misplaced]
) -> None:
    """A batch with a series of another study, or an instance of another series, is refused as a whole."""
    before = tables(catalogue.database)
    with pytest.raises(error):
        catalogue.store([instance("1.7", study="New"), *misplaced], owner=ANN)
    assert tables(catalogue.database) == before


def test_misplaced_names_what_is_misplaced(catalogue: Catalogue) -> None:
    """The errors have the UID."""
    with pytest.raises(SeriesOfOtherStudy) as series:
        catalogue.add_placeholder(CHEST, T1)  # which is populated in another
    with pytest.raises(InstanceOfOtherSeries) as sop_instance:
        catalogue.store([instance("1.1.1.1", T2)])
    assert series.value.series_uid == T1
    assert sop_instance.value.sop_instance_uid == "1.1.1.1"


def test_a_claim_gives_way(catalogue: Catalogue) -> None:
    """A placeholder moves to the study of a later claim, and for good to that of its images."""
    catalogue.add_placeholder(CHEST, XRAY)
    catalogue.add_placeholder(HEAD, XRAY)
    assert XRAY not in catalogue.series_of(CHEST)
    catalogue.store([instance("1.9.1", XRAY, CHEST)])
    assert XRAY in catalogue.series_of(CHEST)
    with pytest.raises(SeriesOfOtherStudy):
        catalogue.add_placeholder(HEAD, XRAY)


def test_claim(catalogue: Catalogue) -> None:
    """A series is a placeholder until its first instance is stored."""
    catalogue.add_placeholder(CHEST, XRAY)
    assert catalogue.study_exists(CHEST)
    assert catalogue.series([XRAY]) == {
        XRAY: CatalogueSeries(CHEST, None, populated=False, instances=0)
    }
    catalogue.store([instance("1.2.1.1", XRAY, CHEST)])
    assert catalogue.series([XRAY])[XRAY].populated


def test_claim_of_a_known_series(catalogue: Catalogue) -> None:
    """Adding a placeholder for a known series changes nothing."""
    before = tables(catalogue.database)
    catalogue.add_placeholder(HEAD, T1)
    assert tables(catalogue.database) == before


def test_store_fills_the_columns(database: Database) -> None:
    """The columns for search and order are filled from the attributes."""
    names = [
        {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"},
        {"Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"},
        {"Phonetic": "やまだ"},
    ]
    study = {
        "00081030": attribute("LO", "Head", "Neck"),
        "00080020": attribute("DA", "20260102"),
        "00080030": attribute("TM", "101112.5"),
        "00080201": attribute("SH", "-0500"),
        "00080050": attribute("SH", "A1"),
        "00080090": attribute("PN", names[0]),
        "00100010": attribute("PN", names[1]),
        "00100020": attribute("LO", "P1"),
        "00100030": attribute("DA", "19700101"),
        "00100040": attribute("CS", "O"),
        "00200010": attribute("SH", "S1"),
    }
    series = {
        "00080060": attribute("CS", "MR"),
        "0008103E": attribute("LO", None, "T1"),
        "00200011": attribute("IS", 3),
        "00180015": attribute("PN", names[2]),
    }
    sop_instance = {"00080016": attribute("US", 5), "00200013": attribute("IS", 2**63)}
    Catalogue(database).store([InstanceRecord(HEAD, T1, "1.1.1.1", study, series, sop_instance)])
    row = only_row(database, "SELECT * FROM directory_study")
    row.pop("attributes")
    assert row == {
        "study_uid": HEAD,
        "description": "Head\\Neck",
        "date": "20260102",
        "time": "101112.5",
        "timezone_offset": "-0500",
        "accession_number": "A1",
        "referring_physician_name": "Wang^XiaoDong",
        "patient_name": "山田^太郎",
        "patient_id": "P1",
        "patient_birth_date": "19700101",
        "patient_sex": "O",
        "study_id": "S1",
    }
    row = only_row(
        database, "SELECT modality, description, number, body_part FROM directory_series"
    )
    assert row == {"modality": "MR", "description": "T1", "number": 3, "body_part": "やまだ"}
    row = only_row(database, "SELECT sop_class_uid, number FROM directory_instance")
    assert row == {"sop_class_uid": None, "number": None}


def test_facts_of_many_series(catalogue: Catalogue) -> None:
    """The number of requested series is not limited by the database."""
    uids = [SeriesUID(f"1.3.{number}") for number in range(1200)]
    catalogue.store(instance(f"{uid}.1", uid, CHEST, series=uid) for uid in uids)
    assert catalogue.series(uids).keys() == set(uids) == catalogue.series_of(CHEST)
    assert catalogue.series_descriptions(uids) == {uid: uid for uid in uids}


def test_numbers(catalogue: Catalogue) -> None:
    """The counts include placeholders; studies and series without instances are unpopulated."""
    for study, series in ((HEAD, "1.1.3"), (HEAD, "1.1.4"), (CHEST, XRAY)):
        catalogue.add_placeholder(study, SeriesUID(series))
    assert catalogue.counts() == {
        "studies": 2,
        "unpopulated_studies": 1,
        "series": 5,
        "unpopulated_series": 3,
        "instances": 3,
    }
    catalogue.store([instance("1.2.1.1", XRAY, CHEST)])
    assert catalogue.counts()["unpopulated_studies"] == 0
    assert catalogue.all_series() == {T1, T2, XRAY, "1.1.3", "1.1.4"}


def test_numbers_of_nothing(database: Database) -> None:
    """The counts of an empty catalogue are zero."""
    assert set(Catalogue(database).counts().values()) == {0}
    assert Catalogue(database).series_in_study_histogram() == []
    assert Catalogue(database).all_series() == set()


def test_histogram(catalogue: Catalogue) -> None:
    """The histogram counts studies by their number of series, placeholders included."""
    for series in ("1.2.1", "1.3.1", "1.4.1", "1.4.2"):
        catalogue.add_placeholder(StudyUID(series[:3]), SeriesUID(series))
    assert catalogue.series_in_study_histogram() == [(1, 2), (2, 2)]


def test_store_for_an_owner(catalogue: Catalogue) -> None:
    """Only the series of the batch are put into the owner's inbox."""
    catalogue.store([instance("1.1.2.2", T2), instance("1.2.1.1", XRAY, CHEST)], owner=ANN)
    assert Inbox(catalogue.database).contents(ANN) == {HEAD: {T2}, CHEST: {XRAY}}


TEXTS = st.sampled_from([None, "A", "B"])


@st.composite
def instances(draw: st.DrawFn) -> InstanceRecord:
    """An instance of one of a few series, with one of a few descriptions."""
    study, series, number = (draw(st.integers(1, 2)) for _ in range(3))
    study_uid, series_uid = StudyUID(f"1.{study}"), SeriesUID(f"1.{study}.{series}")
    return instance(f"{series_uid}.{number}", series_uid, study_uid, draw(TEXTS), draw(TEXTS))


@given(records=st.lists(instances(), max_size=8), cut=st.integers(0, 8))
def test_store_in_any_batches_and_again(
    new_database: NewDatabase,
    records: list[InstanceRecord],
    cut: int,
) -> None:
    """The result does not depend on the size of batches, nor on repetition."""

    def stored(batches: Iterable[list[InstanceRecord]]) -> dict[str, list[tuple[Any, ...]]]:
        with new_database() as database:
            for batch in batches:
                Catalogue(database).store(batch, owner=ANN)
            return tables(database)

    at_once = stored([records])
    assert stored([records[:cut], records[cut:]]) == at_once
    assert stored([[record] for record in records]) == at_once
    assert stored([records, records]) == at_once
