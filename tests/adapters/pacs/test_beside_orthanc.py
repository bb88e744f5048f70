"""Beside a real archive: what is stored, fetched and shown, and what is not."""

from __future__ import annotations

import json
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pydicom
import pytest
from attrs import evolve

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory.instance_blobs import instance_blobs
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.instances.pacs_archive import IN_MEMORY, PacsArchive
from albumcore_adapters.service import open_service
from support.command_line import Run
from support.dicom_files import FORM, RELATED, dicom_file, form, message
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, STUDY, Answer, World
from support.orthanc import Orthanc

FAILED, STORED = "00081198", "00081199"
NOT_AUTHORIZED, DUPLICATE = 0x0124, 0x0111


def ct(number: int = 1, **attributes: Any) -> bytes:
    """An instance of the CT series."""
    return dicom_file(STUDY, CT, f"{CT}.{number}", InstanceNumber=number, **attributes)


def send(world: World, by: str, *files: bytes, **query: str) -> Answer:
    """Send instances in one message."""
    return world.request(
        by, "POST", "/studies", query=query, headers={"Content-Type": RELATED}, body=message(files)
    )


def retrieve(world: World, by: str, path: str, accept: str = "*/*") -> Answer:
    """A GET of something below the study."""
    return world.request(by, "GET", f"/studies/{STUDY}{path}", headers={"Accept": accept})


def parts_of(answer: Answer) -> list[bytes]:
    """The contents of the parts of a response."""
    boundary = answer.headers["content-type"].rpartition("boundary=")[2].encode()
    found = answer.content.split(b"--" + boundary)[1:-1]
    return [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in found]


def reasons(answer: Answer) -> list[int]:
    """The failure reasons in an answer."""
    return [one["00081197"]["Value"][0] for one in answer.json[FAILED]["Value"]]


def test_what_is_stored_is_in_the_archive_and_comes_back_the_same(
    world: World, orthanc: Orthanc
) -> None:
    """Byte for byte, whole and as frames, metadata, a picture and a ZIP archive; nothing of it is stored here."""
    files = [ct(number) for number in (1, 2, 3)]
    assert send(world, ALICE, *files, album=ALBUM).status_code == 200
    assert orthanc.files() == {f"{CT}.{number}": ct(number) for number in (1, 2, 3)}
    assert [*instance_blobs(world.service.database)] == []
    assert [*world.service.blobs.digests()] == []
    assert parts_of(retrieve(world, ALICE, "")) == files
    instance = f"/series/{CT}/instances/{CT}.2"
    assert parts_of(retrieve(world, BOB, instance)) == [files[1]]
    [frame] = parts_of(retrieve(world, BOB, f"{instance}/frames/1"))
    assert frame == b"\0\1" * 32
    [metadata] = retrieve(world, BOB, f"{instance}/metadata").json
    assert metadata["00080018"]["Value"] == [f"{CT}.2"]
    rendered = retrieve(world, BOB, f"{instance}/rendered", "image/png")
    assert (rendered.status_code, rendered.content[:4]) == (200, b"\x89PNG")
    assert retrieve(world, BOB, f"/series/{CT}/thumbnail").status_code == 200
    archive = ZipFile(BytesIO(retrieve(world, BOB, "", "application/zip").content))
    assert [archive.read(name) for name in archive.namelist()[:3]] == files


def test_a_form_and_a_data_set_are_stored_as_well(world: World, orthanc: Orthanc) -> None:
    """The archive takes neither: each instance is sent to it as one."""
    answer = world.request(
        ALICE, "POST", "/studies", headers={"Content-Type": FORM}, body=form([ct(1), b"no image"])
    )
    assert answer.status_code == 202
    data_set = {
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
        "00080018": {"vr": "UI", "Value": ["1.2.3.9.1"]},
        "0020000D": {"vr": "UI", "Value": [STUDY]},
        "0020000E": {"vr": "UI", "Value": ["1.2.3.9"]},
    }
    part = (["Content-Type: application/dicom+json"], json.dumps([data_set]).encode())
    related = RELATED.replace("application/dicom", "application/dicom+json")
    answer = world.request(
        ALICE, "POST", "/studies", headers={"Content-Type": related}, body=message([part])
    )
    assert answer.status_code == 200, answer.text
    assert set(orthanc.files()) == {f"{CT}.1", "1.2.3.9.1"}


def test_a_large_instance_is_fetched_once_for_many_requests(world: World, orthanc: Orthanc) -> None:
    """It is in a sealed draft meanwhile, and read in ranges."""
    pixels = bytes(range(256)) * (IN_MEMORY // 256 + 512)
    large = ct(pixels=pixels, Rows=len(pixels) // 512, Columns=256)
    assert send(world, ALICE, large).status_code == 200
    instance = f"/series/{CT}/instances/{CT}.1"
    assert parts_of(retrieve(world, ALICE, instance)) == [large]
    orthanc.clear()
    assert parts_of(retrieve(world, ALICE, f"{instance}/frames/1")) == [pixels]


def test_the_same_instance_again_is_stored_already(world: World, orthanc: Orthanc) -> None:
    """Also where only the archive knows it, as after an upload that broke off."""
    assert send(world, ALICE, ct()).status_code == 200
    assert send(world, ALICE, ct(), album=ALBUM).status_code == 200
    orthanc.put(ct(2))
    assert send(world, ALICE, ct(2)).status_code == 200
    other = ct(2, pixels=b"\7\7" * 32)
    assert reasons(send(world, ALICE, other)) == [DUPLICATE]


def test_other_bytes_in_the_archive_are_noticed(world: World, orthanc: Orthanc) -> None:
    """Where the archive alone knows the UID, the instance that is sent is refused, and the other one is not shown."""
    assert send(world, ALICE, ct(1)).status_code == 200
    orthanc.put(ct(2, PatientName="Other^Patient"))
    assert reasons(send(world, ALICE, ct(2))) == [DUPLICATE]
    assert parts_of(retrieve(world, ALICE, "")) == [ct(1)]


def test_images_that_only_the_archive_has_are_nobodys(world: World, orthanc: Orthanc) -> None:
    """Neither a claim nor an upload of another instance of the series shows them, or adds to them."""
    orthanc.put(ct(1), ct(2))
    answer = send(world, DAVE, ct(3), skipVerify="true")
    assert (answer.status_code, reasons(answer)) == (409, [NOT_AUTHORIZED])
    assert set(orthanc.files()) == {f"{CT}.1", f"{CT}.2"}
    assert world.request(DAVE, "PUT", f"/studies/{STUDY}/series/{CT}").status_code == 201
    assert fetch_series(world, DAVE).status_code == 200
    assert retrieve(world, DAVE, "").status_code == 404
    assert StoredInstances(world.service.database).of_series(STUDY, CT) == []


def fetch_series(world: World, by: str, *series: str) -> Answer:
    """Ask for series of the study to be read again."""
    form = {"SeriesInstanceUID": list(series or [CT])}
    return world.request(by, "POST", f"/studies/{STUDY}/series/fetch", form)


@pytest.mark.parametrize("whole_study", [False, True])
def test_fetch_adds_what_the_archive_has_of_a_series_that_the_caller_sees(
    world: World, orthanc: Orthanc, whole_study: bool
) -> None:
    """And nothing of the study's other series."""
    assert send(world, ALICE, ct(1)).status_code == 200
    orthanc.put(ct(2), dicom_file(STUDY, MR, f"{MR}.1"))
    assert parts_of(retrieve(world, ALICE, "")) == [ct(1)]
    form = None if whole_study else {"SeriesInstanceUID": CT}
    path = f"/studies/{STUDY}/{'fetch' if whole_study else 'series/fetch'}"
    assert world.request(ALICE, "POST", path, form).status_code == 200
    assert parts_of(retrieve(world, ALICE, "")) == [ct(1), ct(2)]
    [study] = world.get(ALICE, "/studies", inbox="true")
    assert study["00201208"]["Value"] == [2]
    assert fetch_series(world, DAVE).status_code == 404


def test_fetch_renews_a_file_that_changed(world: World, orthanc: Orthanc) -> None:
    """Until then it is 502: what is known was read from other bytes."""
    assert send(world, ALICE, ct(1)).status_code == 200
    orthanc.clear()
    changed = ct(1, PatientName="Corrected^Name")
    orthanc.put(changed)
    answer = retrieve(world, ALICE, f"/series/{CT}/instances/{CT}.1")
    assert (answer.status_code, answer.json["message"]) == (502, "Bad Gateway")
    assert fetch_series(world, ALICE).status_code == 200
    assert parts_of(retrieve(world, ALICE, "")) == [changed]


def test_what_the_archive_lost_is_not_found(world: World, orthanc: Orthanc) -> None:
    """The header is known still."""
    assert send(world, ALICE, ct(1)).status_code == 200
    orthanc.clear()
    instance = f"/series/{CT}/instances/{CT}.1"
    assert retrieve(world, ALICE, instance).status_code == 404
    assert retrieve(world, ALICE, f"{instance}/metadata").status_code == 200


def test_real_files_come_back_the_same(world: World, orthanc: Orthanc) -> None:
    """Compressed ones too."""
    names = ["CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "examples_ybr_color.dcm"]
    for name in names:
        path = pydicom.data.get_testdata_file(name)
        assert isinstance(path, str)
        with open(path, "rb") as file:
            content = file.read()
        assert send(world, ALICE, content).status_code == 200
        header = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
        answer = world.request(
            ALICE,
            "GET",
            f"/studies/{StudyUID(header.StudyInstanceUID)}/series/{SeriesUID(header.SeriesInstanceUID)}",
        )
        assert parts_of(answer) == [content]


def test_wrong_credentials_are_a_fault_of_the_service(world: World, orthanc: Orthanc) -> None:
    """The client gets 502, and nothing of what the archive said."""
    assert send(world, ALICE, ct(1)).status_code == 200
    archive = world.service.series_fetcher.archive
    assert archive is not None
    archive.pacs._headers["Authorization"] = "Basic d3Jvbmc6d3Jvbmc="
    answer = retrieve(world, ALICE, f"/series/{CT}/instances/{CT}.1")
    assert (answer.status_code, answer.json["detail"]) == (502, "the archive answered 401")
    assert send(world, ALICE, ct(2)).status_code == 502


def test_a_claim_of_an_uploaded_series_needs_the_upload(world: World, orthanc: Orthanc) -> None:
    """Whoever adds a series to an album by its UID alone shows nobody the images that the archive has of it."""
    assert send(world, ALICE, ct(1), album=ALBUM).status_code == 200
    path = f"/studies/{STUDY}/series/{MR}/albums/{ALBUM}"
    assert world.request(ALICE, "PUT", path).status_code == 201
    orthanc.put(dicom_file(STUDY, MR, f"{MR}.1"))
    assert fetch_series(world, BOB, CT, MR).status_code == 200
    assert parts_of(retrieve(world, BOB, "")) == [ct(1)]


# Commands


def place_of(world: World, credentials: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory, with the settings of the archive in the environment."""
    settings = world.service.settings
    monkeypatch.setenv("ALBUMCORE_PACS_URL", str(settings.pacs_url))
    monkeypatch.setenv("ALBUMCORE_PACS_AUTH_FILE", str(credentials))
    if settings.database is not None:
        monkeypatch.setenv("ALBUMCORE_DATABASE", settings.database)
    return settings.data


def test_an_administrator_puts_a_study_of_the_archive_into_an_inbox(
    world: World,
    orthanc: Orthanc,
    credentials: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    """All of its series, or some; their images are then shown, and may be added to."""
    orthanc.put(ct(1), ct(2), dicom_file(STUDY, MR, f"{MR}.1"))
    command = ("fetch", "--data", place_of(world, credentials, monkeypatch), "--owner", DAVE)
    status, out, err = run(*command, STUDY, CT)
    assert (status, out, err) == (
        0,
        "2 instances in 1 series were added or renewed; 0 were known; 0 passed over\n",
        "",
    )
    assert parts_of(retrieve(world, DAVE, "")) == [ct(1), ct(2)]
    assert retrieve(world, ALICE, "").status_code == 404
    status, out, err = run(*command, STUDY, "--json")
    assert json.loads(out) == {"series": 2, "instances": 1, "known": 2, "passed_over": []}
    assert len(parts_of(retrieve(world, DAVE, ""))) == 3
    assert send(world, DAVE, ct(3)).status_code == 200
    assert set(orthanc.files()) == {f"{CT}.1", f"{CT}.2", f"{CT}.3", f"{MR}.1"}
    # Known to the catalogue, it is put into the inbox of another person as well.
    assert run(*command[:-1], ALICE, STUDY, CT)[0] == 0
    assert len(parts_of(retrieve(world, ALICE, ""))) == 3


def test_a_fetch_that_fails(
    world: World,
    orthanc: Orthanc,
    credentials: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    """The status says whether the archive failed, or there is none; what is no instance is named."""
    command = ("fetch", "--data", place_of(world, credentials, monkeypatch), "--owner", DAVE)
    assert run(*command, "1.2.3.4.5")[1].startswith("0 instances in 0 series")
    orthanc.put(ct(1))
    with monkeypatch.context() as patched:
        patched.setattr(PacsArchive, "fetch", lambda *_: None)
        out = run(*command, STUDY)[1]
    assert out.startswith(f"passed over: {CT}.1: the archive does not have it any more\n")
    monkeypatch.setenv("ALBUMCORE_PACS_URL", f"{orthanc.root}/nothing")
    monkeypatch.setenv("ALBUMCORE_PACS_AUTH_FILE", "")
    assert run(*command, STUDY)[::2] == (1, "albumcore: the archive answered 401\n")
    monkeypatch.setenv("ALBUMCORE_PACS_URL", "")
    assert run(*command, STUDY)[::2] == (2, "albumcore: ALBUMCORE_PACS_URL names no archive\n")


def test_what_is_in_the_archive_is_neither_verified_nor_backed_up_nor_erased_there(
    world: World,
    orthanc: Orthanc,
    credentials: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
    tmp_path: Path,
) -> None:
    """Each command says so. What was erased is forgotten here, and comes back by nothing that a user does."""
    data = place_of(world, credentials, monkeypatch)
    assert send(world, ALICE, ct(1), ct(2)).status_code == 200
    elsewhere = "the bytes of 2 instances are in the archive at ALBUMCORE_PACS_URL, not here"
    assert run("verify", "--data", data)[1].startswith(f"{elsewhere}: they were not read\n")
    assert (
        f"{elsewhere}: they are not in the backup\n"
        in run("backup", tmp_path / "backup", "--data", data)[1]
    )
    status, out, _ = run("erase", "study", STUDY, "--data", data)
    assert status == 0
    assert (
        f"2 instances of study {STUDY} are in the archive at ALBUMCORE_PACS_URL: they were not erased there\n"
        in out
    )
    assert len(orthanc.files()) == 2
    assert retrieve(world, ALICE, "").status_code == 404
    assert StoredInstances(world.service.database).of_series(STUDY, CT) == []
    assert reasons(send(world, ALICE, ct(1))) == [NOT_AUTHORIZED]
    assert world.request(ALICE, "POST", f"/studies/{STUDY}/fetch").status_code == 200
    assert retrieve(world, ALICE, "").status_code == 404
    status, out, _ = run("verify", "--data", data)
    assert (status, "ALBUMCORE_PACS_URL" in out) == (0, False), out


def test_a_patient_is_erased_by_the_id_that_one_instance_alone_has(
    world: World,
    orthanc: Orthanc,
    credentials: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    """The study has another PatientID: that of the first instance."""
    data = place_of(world, credentials, monkeypatch)
    files = ct(1, PatientID="MRN-1"), ct(2, PatientID="MRN-2")
    assert send(world, ALICE, *files, skipVerify="true").status_code == 200
    nothing = "there is nothing to erase of dicom-patient MRN-3\n"
    assert run("erase", "dicom-patient", "MRN-3", "--data", data)[:2] == (0, nothing)
    status, out, _ = run("erase", "dicom-patient", "MRN-2", "--data", data)
    assert (status, f"2 instances of study {STUDY} are in the archive" in out) == (0, True), out
    assert StoredInstances(world.service.database).of_series(STUDY, CT) == []
    assert "nothing to erase" in run("erase", "dicom-patient", "MRN-2", "--data", data)[1]


def test_a_copy_is_used_beside_the_archive(
    world: World,
    orthanc: Orthanc,
    credentials: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
    tmp_path: Path,
) -> None:
    """It has what is known of the instances; their bytes are where they were."""
    data = place_of(world, credentials, monkeypatch)
    assert send(world, ALICE, ct(1)).status_code == 200
    source, target = world.service.settings.database or f"sqlite://{data}", tmp_path / "target"
    status, out, err = run("copy", "--from", source, "--to", f"sqlite://{target}")
    assert status == 0, out + err
    with closing(
        open_service(evolve(world.service.settings, data=target, database=None))
    ) as copied:
        reader = copied.instance_reader
        file = reader.open(reader.one(STUDY, CT, f"{CT}.1"))
        assert file.read(0, file.length) == ct(1)


def test_the_files_that_are_asked_for_most_recently_stay(world: World, orthanc: Orthanc) -> None:
    """No more than a few long ones are stored at a time."""
    pixels = bytes(range(256)) * (IN_MEMORY // 256 + 512)
    size = {"Rows": len(pixels) // 512, "Columns": 256}
    files = [ct(number, pixels=pixels, **size) for number in range(1, 7)]
    assert send(world, ALICE, *files).status_code == 200
    assert parts_of(retrieve(world, ALICE, "")) == files
    orthanc.clear()
    statuses = [
        retrieve(world, ALICE, f"/series/{CT}/instances/{CT}.{number}").status_code
        for number in range(1, 7)
    ]
    assert statuses == [404, 404, 200, 200, 200, 200]
