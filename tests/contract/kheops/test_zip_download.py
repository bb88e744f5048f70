"""A study or a series as a ZIP archive, as the download button of Kheops' web client asks for it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import pydicom
import pytest

from albumcore import Grants, edit_album, import_study, issue_capability_token
from support.kheops import ALBUM, ALICE, BOB, DAVE, Answer, World, digest_of
from support.stored_files import StoredFile, pydicom_file, store_file

COVERS = ("GET /studies/{study}", "GET /studies/{study}/series/{series}")
pytestmark = pytest.mark.usefixtures("shared_decoder")
SECRET = "downloadsTheAlbum12345"
STUDY = "1.7"
FILES: Mapping[str, list[tuple[str, int | None]]] = {
    # by series: what the files are made from, and their InstanceNumber; one of them has no key
    "1.7.1": [("CT_small.dcm", 1), ("CT_small.dcm", 2), ("MR_small.dcm", None)],
    "1.7.2": [("reportsi.dcm", 1), ("rtplan.dcm", 1), ("JPEG2000.dcm", 3)],
}


def moved(name: str, series: str, uid: str, number: int | None) -> bytes:
    """One of pydicom's files as an instance of the study."""
    dataset = pydicom.dcmread(io.BytesIO(pydicom_file(name)))
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = STUDY, series, uid
    dataset.SeriesNumber, dataset.InstanceNumber = int(series[-1]), number
    dataset.PatientID, dataset.PatientName = "P7", "Okoye^Ngozi"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20260301", "120000", "S7"
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


@pytest.fixture
def stored(world: World) -> dict[str, list[StoredFile]]:
    """The study in Alice's inbox; its files by series, in the order of their numbers."""
    return {
        series: [
            store_file(
                world.service, world.user(ALICE), moved(name, series, f"{series}.{place}", number)
            )
            for place, (name, number) in enumerate(files)
        ]
        for series, files in FILES.items()
    }


def archive(answer: Answer) -> dict[str, bytes]:
    """The files in an archive, in its order."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="DICOM.ZIP"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as read:
        assert read.testzip() is None
        assert {one.compress_type for one in read.infolist()} == {zipfile.ZIP_STORED}
        return {name: read.read(name) for name in read.namelist()}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"accept": "application/zip"}, {}),
        ({"accept": "application/zip"}, {"Accept": "text/html,*/*;q=0.8"}),
        ({}, {"Accept": "application/zip"}),
        ({}, {"Accept": "application/zip, */*;q=0.1"}),
    ],
)
def test_every_file_is_in_the_archive(
    query: Mapping[str, str],
    headers: Mapping[str, str],
    stored: Mapping[str, list[StoredFile]],
    world: World,
) -> None:
    """Byte for byte, in order, numbered from 1; the directory is the last."""
    found = archive(world.request(ALICE, "GET", f"/studies/{STUDY}", None, query, headers))
    files = [one.content for of_series in stored.values() for one in of_series]
    assert list(found) == [*(f"DICOM/0/{n}" for n in range(1, len(files) + 1)), "DICOMDIR"]
    assert [*found.values()][:-1] == files
    of_series = f"/studies/{STUDY}/series/1.7.2"
    found = archive(world.request(ALICE, "GET", of_series, None, query, headers))
    assert [*found.values()][:-1] == [one.content for one in stored["1.7.2"]]


def test_the_directory_names_files_of_the_archive(
    stored: Mapping[str, list[StoredFile]], world: World
) -> None:
    """Each with the UIDs that are in the file; an instance without the keys of a record has none."""
    query = {"accept": "application/zip"}
    found = archive(world.request(ALICE, "GET", f"/studies/{STUDY}", query=query))
    records = pydicom.dcmread(io.BytesIO(found["DICOMDIR"])).DirectoryRecordSequence
    kinds = [one.DirectoryRecordType for one in records]
    expected = ["SERIES", "IMAGE", "IMAGE", "SERIES", "SR DOCUMENT", "RT PLAN", "IMAGE"]
    assert kinds == ["PATIENT", "STUDY", *expected]
    assert records[0].PatientName == "Okoye^Ngozi"
    for one in records:
        if "ReferencedFileID" in one:
            file = pydicom.dcmread(io.BytesIO(found["/".join(one.ReferencedFileID)]))
            assert one.ReferencedSOPInstanceUIDInFile == file.SOPInstanceUID
            assert one.ReferencedSOPClassUIDInFile == file.SOPClassUID
            assert one.ReferencedTransferSyntaxUIDInFile == file.file_meta.TransferSyntaxUID
            assert one.InstanceNumber == file.InstanceNumber


def test_without_being_named_it_is_not_sent(
    stored: Mapping[str, list[StoredFile]], world: World
) -> None:
    """``*/*`` are the files in parts, and so is a multipart type that is preferred."""
    del stored
    for accept in (
        "*/*",
        'multipart/related; type="application/dicom"; transfer-syntax=*, application/zip;q=0.5',
    ):
        answer = world.request(ALICE, "GET", f"/studies/{STUDY}", headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("multipart/related")


def test_a_client_that_has_it_gets_304(
    stored: Mapping[str, list[StoredFile]], world: World
) -> None:
    """As long as no instance is added."""
    del stored
    query = {"accept": "application/zip"}
    first = world.request(ALICE, "GET", f"/studies/{STUDY}", query=query)
    headers = {"If-None-Match": first.headers["etag"]}
    again = world.request(ALICE, "GET", f"/studies/{STUDY}", None, query, headers)
    assert (again.status_code, again.content) == (304, b"")


def test_it_is_for_those_who_may_download(
    stored: Mapping[str, list[StoredFile]], world: World
) -> None:
    """It has the series that the caller may download; through a link too."""
    del stored
    world.act(ALICE, import_study, STUDY, ["1.7.1"])
    query: dict[str, Any] = {"accept": "application/zip", "album": ALBUM}
    path = f"/studies/{STUDY}"
    assert len(archive(world.request(BOB, "GET", path, query=query))) == 4
    grants = Grants(read=True, download=True)
    world.act(ALICE, issue_capability_token, "t", digest_of(SECRET), "T", grants)
    assert len(archive(world.request(None, "GET", f"/link/{SECRET}{path}", query=query))) == 4
    world.act(ALICE, edit_album, flags={"download_series": False})
    assert world.request(BOB, "GET", path, query=query).status_code == 403
    assert world.request(DAVE, "GET", path, query={"accept": "application/zip"}).status_code == 404
