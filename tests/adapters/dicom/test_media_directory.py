"""Media directories, as pydicom reads them and as it makes them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom
import pydicom.data
import pytest
from attrs import evolve
from pydicom.errors import InvalidDicomError
from pydicom.fileset import DIRECTORY_RECORDERS

from albumcore_adapters.dicom.data_sets import quiet_pydicom
from albumcore_adapters.dicom.directory_records import record_type
from albumcore_adapters.dicom.media_directory import DirectoryFile, media_directory
from support.searching import attribute

CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"
STUDY = {
    "00080020": attribute("DA", "20200102"),
    "00080030": attribute("TM", "1200"),
    "00080050": {"vr": "SH"},
    "00100010": attribute("PN", {"Alphabetic": "Müller^Ä", "Phonetic": "x"}),
    "00100020": attribute("LO", "P1"),
    "0020000D": attribute("UI", "1.2"),
    "00200010": attribute("SH", "S1"),
}


def series(number: int | None, *files: DirectoryFile) -> tuple[Any, tuple[DirectoryFile, ...]]:
    """A series with files; without a number it lacks a key."""
    has = {"00200011": attribute("IS", number)} if number is not None else {}
    has |= {"00080060": attribute("CS", "CT"), "0020000E": attribute("UI", f"1.2.{number}")}
    return has, files


def file(number: int, sop_class: str = CT, **has: Any) -> DirectoryFile:
    """A file of an instance with a number."""
    known = {"00200013": attribute("IS", number), **has}
    path = ("DICOM", "0", str(number))
    return DirectoryFile(path, sop_class, f"1.2.3.{number}", "1.2.840.10008.1.2.1", known)


def read(directory: bytes) -> pydicom.Dataset:
    """The data set of a directory."""
    return pydicom.dcmread(io.BytesIO(directory))


def tree(directory: bytes) -> Any:
    """The records by level, found by their offsets: type, and those below."""
    dataset = read(directory)
    by_place = {one.seq_item_tell: one for one in dataset.DirectoryRecordSequence}

    def level(place: int) -> list[Any]:
        found = []
        while place:
            one = by_place.pop(place)
            below = level(one.OffsetOfReferencedLowerLevelDirectoryEntity)
            found.append((one.DirectoryRecordType, below or one.get("ReferencedFileID", [])[-1:]))
            place = one.OffsetOfTheNextDirectoryRecord
        return found

    found = level(dataset.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity)
    assert not by_place
    return found


def test_records_lead_to_each_other() -> None:
    """By their offsets, from the patient down to the files."""
    directory = media_directory(
        "NAME", STUDY, [series(1, file(1), file(2)), series(2, file(3, SR, **_report()))]
    )
    files = [("IMAGE", ["1"]), ("IMAGE", ["2"])]
    of_study = [("SERIES", files), ("SERIES", [("SR DOCUMENT", ["3"])])]
    assert tree(directory) == [("PATIENT", [("STUDY", of_study)])]
    patient, study, *_ = read(directory).DirectoryRecordSequence
    assert patient.PatientName == "Müller^Ä==x"
    assert study.AccessionNumber == ""
    assert read(directory).FileSetID == "NAME"


def _report(**other: Any) -> Mapping[str, Any]:
    return {
        "0040A491": attribute("CS", "COMPLETE"),
        "0040A493": attribute("CS", "UNVERIFIED"),
        "00080023": attribute("DA", "20200102"),
        "00080033": attribute("TM", "1200"),
        "0040A043": attribute("SQ", {"00080100": attribute("SH", "1")}, None),
        **other,
    }


@pytest.mark.parametrize(
    ("study", "of_series"),
    [
        (STUDY, []),
        (STUDY, [series(None, file(1))]),
        ({**STUDY, "00200010": {"vr": "SH"}}, [series(1, file(1))]),
        ({**STUDY, "00100020": {"vr": "LO"}}, [series(1, file(1))]),
        (STUDY, [series(1, file(1, SR), evolve(file(2), attributes={}))]),
    ],
)
def test_without_its_keys_nothing_has_a_record(study: Any, of_series: Any) -> None:
    """Neither a file, nor what would be empty then; the directory is whole all the same."""
    directory = media_directory("NAME", study, of_series)
    assert tree(directory) == []


@pytest.mark.parametrize(
    ("vr", "values"), [("OB", ["x"]), ("SH", ["x" * 70_000]), ("US", [-1]), ("US", ["x"])]
)
def test_what_cannot_be_written_is_left_out(vr: str, values: list[Any]) -> None:
    """A directory can be read, whatever attributes the images have."""
    [record, *_] = read(
        media_directory("N", {**STUDY, "00100010": attribute(vr, *values)}, [series(1, file(1))])
    ).DirectoryRecordSequence
    assert "PatientName" not in record
    assert record.PatientID == "P1"


@pytest.mark.parametrize(
    ("sop_class", "name"),
    [
        (CT, "IMAGE"),
        (SR, "SR DOCUMENT"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KEY OBJECT DOC"),
        ("1.2.840.10008.5.1.4.1.1.66", "RAW DATA"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "IMAGE"),
        ("9", "IMAGE"),
    ],
)
def test_types_of_records(sop_class: str, name: str) -> None:
    """By the SOP class, or by what is above it."""
    assert record_type(sop_class).name == name


def is_instance(path: Path) -> bool:
    """Whether a file has file meta information, and a SOP class."""
    with quiet_pydicom():
        try:
            return "SOPClassUID" in pydicom.dcmread(path, stop_before_pixels=True)
        except InvalidDicomError:
            return False


FILES = sorted(filter(is_instance, Path(pydicom.data.__file__).parent.glob("test_files/*.dcm")))


@pytest.mark.parametrize("path", FILES, ids=lambda one: one.name)
def test_records_are_those_that_pydicom_makes(path: Path) -> None:
    """Of every file that it makes records of; the other ones lack keys, and are left out here too."""
    with quiet_pydicom():
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        known = dataset.to_json_dict(suppress_invalid_tags=True)
        uids = (str(dataset.SOPClassUID), str(dataset.SOPInstanceUID))
        kinds = ("PATIENT", "STUDY", "SERIES", record_type(uids[0]).name)
        try:
            expected = [DIRECTORY_RECORDERS[kind](dataset) for kind in kinds]
        except ValueError:
            expected = []
        one = DirectoryFile(("A",), *uids, "1.2.840.10008.1.2", known)
        made = read(media_directory("N", known, [(known, [one])])).DirectoryRecordSequence
        assert len(made) == len(expected)
        for mine, kind, theirs in zip(made, kinds, expected, strict=False):
            assert mine.DirectoryRecordType == kind
            for element in theirs:
                assert str(mine[element.tag].value or "") == str(element.value or "")
