"""Search for studies and series, and the metadata of a study, in the DICOM JSON Model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pydicom.data
import pytest
from attrs import field, frozen
from pydicom import dcmread

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.base.dicom_matching import date_range
from albumcore_adapters.dicom.files import DicomFile, import_files, read_files
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.study_filters import (
    SERIES_FILTERS,
    SERIES_SORTS,
    SERIES_TEXTS,
    STUDY_FILTERS,
    STUDY_SORTS,
    STUDY_TEXTS,
)
from albumcore_adapters.directory.study_search import (
    FoundStudy,
    StudyQuery,
    metadata_of,
    search_studies,
    series_of_study,
)
from albumcore_adapters.sql.database import Cursor, Database, Parameter
from support.databases import NewDatabase, Seam
from support.searching import attribute, loaded, record

BUNDLE = Path(pydicom.data.__file__).parent
Visible = Mapping[StudyUID, Collection[SeriesUID]]
ANN = UserId("ann")


# Real files


@pytest.fixture(scope="module")
def imported(new_database: NewDatabase) -> Iterator[tuple[Database, Visible]]:
    """The test files of pydicom, imported into Ann's inbox."""
    with new_database() as database:
        import_files(Catalogue(database), ANN, [BUNDLE])
        yield database, Inbox(database).contents(ANN)


def test_every_file_of_pydicom(imported: tuple[Database, Visible]) -> None:
    """Each study, series and instance that was imported is found, and readable by pydicom."""
    database, visible = imported
    expected: defaultdict[StudyUID, defaultdict[SeriesUID, set[str]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for file in read_files([BUNDLE]):
        if isinstance(file, DicomFile):
            uids = file.record
            expected[uids.study_uid][uids.series_uid].add(uids.sop_instance_uid)
    found, total = search_studies(database, visible, StudyQuery(with_description=True))
    assert total == len(found) == len(expected) > 40
    for study in found:
        series = expected[study.study_uid]
        dataset = loaded(study.attributes)
        assert dataset.StudyInstanceUID == study.study_uid
        assert dataset.NumberOfStudyRelatedSeries == len(series)
        assert dataset.NumberOfStudyRelatedInstances == sum(map(len, series.values()))
        assert dataset.InstanceAvailability == "ONLINE"
        assert study.series_uids == series.keys()
        in_it = series_of_study(database, study.study_uid, series.keys())
        for one in in_it:
            dataset = loaded(one.attributes)
            assert dataset.StudyInstanceUID == study.study_uid
            assert dataset.SeriesInstanceUID == one.series_uid
            assert dataset.NumberOfSeriesRelatedInstances == len(series[one.series_uid])
        instances = [loaded(one) for one in metadata_of(database, study.study_uid, series.keys())]
        assert {one.series_uid for one in in_it} == series.keys()
        assert {
            uid: {one.SOPInstanceUID for one in instances if one.SeriesInstanceUID == uid}
            for uid in series
        } == series


CT_FILE = BUNDLE / "test_files" / "CT_small.dcm"
CT_STUDY = StudyUID("1.3.6.1.4.1.5962.1.2.1.20040119072730.12322")
CT_SERIES = SeriesUID("1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322")


def test_study_as_it_is_shown(imported: tuple[Database, Visible]) -> None:
    """Attributes without a value are empty; StudyDescription is optional."""
    database, visible = imported
    query = StudyQuery(study_uids=[CT_STUDY])
    [found], total = search_studies(database, visible, query)
    expected = {
        "00080020": attribute("DA", "20040119"),
        "00080030": attribute("TM", "072730"),
        "00080050": {"vr": "SH"},
        "00080056": attribute("CS", "ONLINE"),
        "00080061": attribute("CS", "CT"),
        "00080090": {"vr": "PN"},
        "00080201": attribute("SH", "-0500"),
        "00100010": attribute("PN", {"Alphabetic": "CompressedSamples^CT1"}),
        "00100020": attribute("LO", "1CT1"),
        "00100030": {"vr": "DA"},
        "00100040": attribute("CS", "O"),
        "0020000D": attribute("UI", CT_STUDY),
        "00200010": attribute("SH", "1CT1"),
        "00201206": attribute("IS", 1),
        "00201208": attribute("IS", 1),
    }
    assert (found, total) == (FoundStudy(CT_STUDY, frozenset({CT_SERIES}), expected), 1)
    query = StudyQuery(study_uids=[CT_STUDY], with_description=True)
    [found], _ = search_studies(database, visible, query)
    assert found.attributes == expected | {"00081030": attribute("LO", "e+1")}


def test_series_as_it_is_shown(imported: tuple[Database, Visible]) -> None:
    """Attributes that are returned only if known, and those always returned."""
    database, visible = imported
    [found] = series_of_study(database, CT_STUDY, visible[CT_STUDY])
    assert found.attributes == {
        "00080021": attribute("DA", "19970430"),
        "00080031": attribute("TM", "112749"),
        "00080056": attribute("CS", "ONLINE"),
        "00080060": attribute("CS", "CT"),
        "00080201": attribute("SH", "-0500"),
        "0008103E": {"vr": "LO"},
        "00180015": {"vr": "CS"},
        "0020000D": attribute("UI", CT_STUDY),
        "0020000E": attribute("UI", CT_SERIES),
        "00200011": attribute("IS", 1),
        "00201209": attribute("IS", 1),
    }


def test_metadata_is_what_the_file_says(imported: tuple[Database, Visible]) -> None:
    """The metadata of all three levels are those of the file, without pixel data."""
    database, visible = imported
    [found] = metadata_of(database, CT_STUDY, visible[CT_STUDY])
    file = dcmread(CT_FILE, stop_before_pixels=True)
    dataset = loaded(found)
    for kept in dataset:
        assert file[kept.tag] == kept
    assert {"StudyDate", "Modality", "InstanceNumber", "Rows", "PatientName"} <= set(dataset.dir())


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        (StudyQuery({"PatientName": "doe^*"}), 6),
        (StudyQuery({"PatientName": "DOE^PETER"}), 4),
        (StudyQuery({"PatientName": "Doe"}), 0),
        (StudyQuery({"PatientName": "山田*"}), 2),
        (StudyQuery({"PatientName": "やまだ^たろう"}), 3),
        (StudyQuery({"PatientName": "Yamata^Taru"}, fuzzy=True), 1),
        (StudyQuery({"PatientName": "doe^*"}, modality="mr"), 3),
        (StudyQuery({"PatientName": "doe^*"}, dates=date_range("-20010101")), 3),
        (StudyQuery(dates=date_range("19970424")), 1),  # the file has 1997.04.24
    ],
)
def test_search_of_real_files(
    imported: tuple[Database, Visible], query: StudyQuery, studies: int
) -> None:
    """Names match by any component group, dates by value, and all filters must match."""
    found, total = search_studies(*imported, query)
    assert len(found) == total == studies


# What is there at all

HEAD, CHEST = StudyUID("1.1"), StudyUID("1.2")
T1, T2, PLACEHOLDER, XRAY = (SeriesUID(uid) for uid in ("1.1.1", "1.1.2", "1.1.3", "1.2.1"))


@pytest.fixture
def small(database: Database) -> Database:
    """A head study with two series and a placeholder, and a chest study with a placeholder."""
    catalogue = Catalogue(database)
    catalogue.store(
        [
            record(HEAD, T1, "1.1.1.1", series_has={"00080060": attribute("CS", "MR")}),
            record(HEAD, T1, "1.1.1.2"),
            record(HEAD, T2, "1.1.2.1"),
        ]
    )
    catalogue.add_placeholder(HEAD, PLACEHOLDER)
    catalogue.add_placeholder(CHEST, XRAY)
    return database


def test_only_what_is_visible_and_populated(small: Database) -> None:
    """Only visible, populated series of the study are found."""
    visible = {HEAD: [T1, PLACEHOLDER], CHEST: [XRAY, T2], StudyUID("9"): [SeriesUID("9.1")]}
    [found], total = search_studies(small, visible, StudyQuery())
    assert (found.study_uid, found.series_uids, total) == (HEAD, frozenset({T1}), 1)
    assert found.attributes["00201206"] == attribute("IS", 1)
    assert found.attributes["00201208"] == attribute("IS", 2)
    assert [one.series_uid for one in series_of_study(small, HEAD, visible[HEAD])] == [T1]
    assert len(metadata_of(small, HEAD, visible[HEAD])) == 2
    for study, series in ((CHEST, visible[CHEST]), ("9", ["9.1"]), (HEAD, [])):
        assert series_of_study(small, study, series) == []  # type: ignore[arg-type]
        assert metadata_of(small, study, series) == []  # type: ignore[arg-type]
    assert search_studies(small, {}, StudyQuery()) == ([], 0)


def test_modalities_are_those_that_are_visible(small: Database) -> None:
    """ModalitiesInStudy has each modality of the visible series once."""
    more = {SeriesUID(f"1.1.{number}"): vr for number, vr in enumerate(("CT", "CT", "SR"), start=4)}
    Catalogue(small).store(
        record(HEAD, uid, f"{uid}.1", series_has={"00080060": attribute("CS", modality)})
        for uid, modality in more.items()
    )
    [found], _ = search_studies(small, {HEAD: [T1, T2, *list(more)[:2]]}, StudyQuery())
    assert found.attributes["00080061"] == attribute("CS", "CT", "MR")
    [found], _ = search_studies(small, {HEAD: [T2]}, StudyQuery())
    assert found.attributes["00080061"] == {"vr": "CS"}
    assert search_studies(small, {HEAD: [T1, T2]}, StudyQuery(modality="SR")) == ([], 0)
    assert search_studies(small, {HEAD: [T1]}, StudyQuery(modality=""))[1] == 1


def test_attributes_of_nothing_but_uids(small: Database) -> None:
    """A study, series or instance with UIDs alone is returned."""
    [found], _ = search_studies(small, {HEAD: [T2]}, StudyQuery())
    assert loaded(found.attributes).StudyInstanceUID == HEAD
    [series] = series_of_study(small, HEAD, [T2])
    assert loaded(series.attributes).SeriesInstanceUID == T2
    assert metadata_of(small, HEAD, [T2]) == [
        {
            "00080018": attribute("UI", "1.1.2.1"),
            "0020000D": attribute("UI", HEAD),
            "0020000E": attribute("UI", T2),
        }
    ]


def test_every_filter_has_its_tag() -> None:
    """Filters and sort keys are DICOM keywords with their tags."""
    for keyword, tag in (*STUDY_FILTERS.items(), *SERIES_FILTERS.items()):
        assert pydicom.datadict.tag_for_keyword(keyword) == int(tag, 16)
    for keywords, filters in ((STUDY_TEXTS, STUDY_FILTERS), (SERIES_TEXTS, SERIES_FILTERS)):
        assert keywords.keys() < filters.keys()
    for keyword in (*STUDY_SORTS, *SERIES_SORTS):
        assert pydicom.datadict.tag_for_keyword(keyword)


# Text


@pytest.fixture(scope="module")
def described(new_database: NewDatabase) -> Iterator[Database]:
    """Studies by the last number of their UID: 1 has one value of each attribute, 2 several, 3 none."""
    several = {
        "00080050": attribute("SH", None, "A9", "A8"),
        "00080090": attribute("PN", None, {"Alphabetic": "Ray^X"}, {"Ideographic": "王^小東"}),
    }
    one = {
        "00080020": attribute("DA", "garbage"),
        "00080050": attribute("SH", "A1"),
        "00080090": attribute("PN", {"Alphabetic": "Grey^M"}),
        "00081030": attribute("LO", "Head a.b"),
        "00100010": attribute("PN", {"Alphabetic": "Müller^Anna", "Phonetic": "みゅら"}),
        "00100020": attribute("LO", "P 1"),
        "00200010": attribute("SH", "S1"),
    }
    with new_database() as database:
        Catalogue(database).store(
            record(f"1.{number}", f"1.{number}.1", f"1.{number}.1.1", attributes)
            for number, attributes in enumerate((one, several, {}), start=1)
        )
        yield database


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (StudyQuery({"AccessionNumber": "a1"}), "1"),
        (StudyQuery({"AccessionNumber": " a1 "}), "1"),
        (StudyQuery({"AccessionNumber": "A8"}), "2"),
        (StudyQuery({"AccessionNumber": "A*"}), "12"),
        (StudyQuery({"AccessionNumber": "A?"}), ""),
        (StudyQuery({"AccessionNumber": "*"}), "123"),
        (StudyQuery({"AccessionNumber": ""}), "123"),
        (StudyQuery({"AccessionNumber": "  "}), "123"),
        (StudyQuery({"AccessionNumber": ""}, fuzzy=True), "123"),
        (StudyQuery({"AccessionNumber": "a5"}, fuzzy=True), ""),
        (StudyQuery({"PatientID": "P 2"}, fuzzy=True), ""),
        (StudyQuery({"StudyID": "s2"}, fuzzy=True), ""),
        (StudyQuery({"StudyDescription": "hat a.b"}, fuzzy=True), ""),
        (StudyQuery({"ReferringPhysicianName": "grey*"}), "1"),
        (StudyQuery({"ReferringPhysicianName": "王^小東"}), "2"),
        (StudyQuery({"ReferringPhysicianName": "*"}), "123"),
        (StudyQuery({"ReferringPhysicianName": "*?*"}), ""),
        (StudyQuery({"ReferringPhysicianName": "none"}), ""),
        (StudyQuery({"ReferringPhysicianName": "gray^m"}), ""),
        (StudyQuery({"ReferringPhysicianName": "gray^m"}, fuzzy=True), "1"),
        (StudyQuery({"StudyDescription": "head a.b"}), "1"),
        (StudyQuery({"StudyDescription": "head"}), ""),
        (StudyQuery({"StudyDescription": "head a*b"}), "1"),
        (StudyQuery({"StudyDescription": "head aab"}), ""),
        (StudyQuery({"PatientName": "MÜLLER*"}), "1"),
        (StudyQuery({"PatientName": "みゅら"}), "1"),
        (StudyQuery({"PatientID": "p 1"}), "1"),
        (StudyQuery({"StudyID": "s1"}), "1"),
        (StudyQuery({"StudyID": "s1", "PatientID": "x"}), ""),
        (StudyQuery(modality=""), "123"),
        (StudyQuery(modality="CT"), ""),
        (StudyQuery(study_uids=[StudyUID("1.1"), StudyUID("1.3"), StudyUID("9")]), "13"),
        (StudyQuery(study_uids=[]), ""),
        (StudyQuery(dates=(date.min, date.max)), ""),
    ],
    ids=str,
)
def test_filter(described: Database, query: StudyQuery, expected: str) -> None:
    """A text matches one whole value; missing values and invalid dates do not match."""
    visible = {StudyUID(f"1.{n}"): [SeriesUID(f"1.{n}.1")] for n in "123"}
    found, total = search_studies(described, visible, query)
    assert sorted(study.study_uid.removeprefix("1.") for study in found) == list(expected)
    assert total == len(expected)


# Cost


@frozen
class Counting(Seam):
    """A database that counts statements."""

    statements: list[str] = field(factory=list)

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[Cursor]:
        """Open a transaction."""
        with self.database.transaction(commit=commit) as cursor:
            yield CountingCursor(cursor, self.statements)


@frozen
class CountingCursor:
    """A cursor that counts statements."""

    cursor: Cursor
    statements: list[str]

    def execute(self, sql: str, params: Sequence[Parameter] = ()) -> None:
        """Run one statement."""
        self.statements.append(sql)
        self.cursor.execute(sql, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


def test_many_cost_no_more_statements_than_one(database: Database) -> None:
    """The number of statements does not grow with studies, series or instances."""
    series = [SeriesUID(f"1.1.{number}") for number in range(60)]
    visible = {StudyUID(f"1.{number}"): [SeriesUID(f"1.{number}.1")] for number in range(2, 60)}
    Catalogue(database).store(record(HEAD, uid, f"{uid}.{n}") for uid in series for n in range(3))
    Catalogue(database).store(record(uid, one, f"{one}.1") for uid, [one] in visible.items())

    def statements(request: Callable[[Database], list[Any] | tuple[list[Any], int]]) -> int:
        counting = Counting(database)
        assert request(counting)
        return len(counting.statements)

    def costs(uids: list[SeriesUID], visible: Visible) -> list[int]:
        return [
            statements(lambda seam: search_studies(seam, visible, StudyQuery())),
            statements(lambda seam: series_of_study(seam, HEAD, uids)),
            statements(lambda seam: metadata_of(seam, HEAD, uids)),
        ]

    assert costs(series, visible) == costs(series[:1], {HEAD: series[:1]}) == [2, 1, 3]
