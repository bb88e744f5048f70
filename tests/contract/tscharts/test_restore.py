"""Restoring removed images and deleted patients, within ``ALBUMCORE_RESTORE_WITHIN``."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from eventsourcing.persistence import EventStore

from albumcore import Content, ImageType, Source, StoreUnavailable, add_image, patient_stream
from albumcore.ids import ImageId, PatientId, UserId
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.erasure.unreferenced import unreferenced_digests
from albumcore_adapters.store import database_of
from support.tscharts import PATIENT, PIXEL, ROOT, Api, opened

COVERS = ("POST /tscharts/v1/image/{key}/restore", "POST /tscharts/v1/patient/{key}/restore")

GIVEN = {
    "patients": [1, 2],
    "clinics": [1],
    "stations": [1],
    "images": [{"id": 1, "patient": 1, "clinic": 1}, {"id": 2, "patient": 1}],
}
DAYS = timedelta(days=30)
TOO_LATE = {"detail": "it was removed too long ago to be restored"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A patient with two images, and another without."""
    with opened(tmp_path, GIVEN) as found:
        yield found


def restore(api: Api, what: str, key: object = 1) -> tuple[int, object]:
    """Restore an image or a patient; the status, and the body."""
    answer = api.request("POST", f"{ROOT}/{what}/{key}/restore/")
    return answer.status_code, answer.json


def images(api: Api) -> list[int]:
    """The ids of the first patient's images that are found."""
    answer = api.request("GET", f"{ROOT}/image/?patient=1")
    return sorted(answer.json) if answer.status_code == 200 else []


def test_a_removed_image_is_restored(api: Api) -> None:
    """It is shown and found as before, and its event names the removal; again is 200 and records nothing."""
    before = api.request("GET", f"{ROOT}/image/1/").json
    assert before["data"] == PIXEL
    api.request("DELETE", f"{ROOT}/image/1/")
    assert (api.request("GET", f"{ROOT}/image/1/").status_code, images(api)) == (404, [2])
    at = api.position()
    for _ in range(2):
        assert restore(api, "image") == (200, {})
        [recorded] = api.recorded(at)
        assert (recorded["stored"], recorded["says"]) == ("images.image_restored", {"image_id": 1})
    [(_, event)] = api.service.albums.follow(at)
    assert event.act.undoes == event.version - 1
    assert (api.request("GET", f"{ROOT}/image/1/").json, images(api)) == (before, [1, 2])
    assert api.service.albums.verify() == []


def test_an_image_that_never_was_is_not_found(api: Api) -> None:
    """Neither is one of a deleted patient: the patient is restored first."""
    for key in (3, "x", 0, 2**40):
        assert restore(api, "image", key)[0] == 404
    api.request("DELETE", f"{ROOT}/image/1/")
    api.request("DELETE", f"{ROOT}/patient/1/")
    at = api.position()
    assert restore(api, "image")[0] == 404
    assert api.position() == at
    assert restore(api, "patient") == (200, {})
    assert images(api) == [2]
    assert restore(api, "image") == (200, {})
    assert images(api) == [1, 2]


def test_an_image_is_restored_for_thirty_days(api: Api) -> None:
    """To the microsecond; then it is gone, though its bytes are still there."""
    api.request("DELETE", f"{ROOT}/image/1/")
    api.request("DELETE", f"{ROOT}/image/2/")
    api.clock.now += DAYS
    assert restore(api, "image") == (200, {})
    api.clock.now += timedelta(microseconds=1)
    assert restore(api, "image", 2) == (410, TOO_LATE)
    later = api.clock.now + timedelta(days=1)
    assert list(unreferenced_digests(api.service.albums, api.service.blobs, later)) == []


def test_no_more_is_read_than_the_events_since_the_removal(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the many images before it; and where it is too long ago, not what is older than the thirty days."""
    albums, stream, nurse = (
        api.service.albums,
        patient_stream(PatientId(1)),
        Source(UserId("nurse")),
    )
    new, content = count(100), Content("ab" * 32, 1, "image/png")

    def add(number: int) -> None:
        for _ in range(number):
            image = ImageId(next(new))
            albums.handle(stream, add_image, nurse, image, None, None, ImageType.XRAY, content)

    read: list[int] = []

    def listened(events: EventStore[str], *args: Any, **options: Any) -> Any:
        found = tuple(get(events, *args, **options))
        read.append(len(found))
        return found

    add(200)
    api.request("DELETE", f"{ROOT}/image/1/")
    add(70)
    get = EventStore.get
    monkeypatch.setattr(EventStore, "get", listened)
    assert restore(api, "image") == (200, {})
    assert sum(read) == 100
    api.request("DELETE", f"{ROOT}/image/2/")
    api.clock.now += DAYS + timedelta(seconds=1)
    add(60)
    read.clear()
    assert restore(api, "image", 2) == (410, TOO_LATE)
    assert sum(read) == 100


def test_an_image_without_bytes_is_gone(api: Api) -> None:
    """Its removal stays."""
    api.request("DELETE", f"{ROOT}/image/1/")
    later = api.clock.now + timedelta(days=40000)
    for digest in [*api.service.blobs.digests(later)]:
        assert api.service.blobs.remove(digest, later)
    at = api.position()
    assert restore(api, "image") == (410, {"detail": "its data are not there any more"})
    assert api.position() == at


def test_a_deleted_patient_is_restored(api: Api) -> None:
    """With all fields, under the same id, and with the images; again is 200 and records nothing."""
    before = api.request("GET", f"{ROOT}/patient/1/").json
    api.request("DELETE", f"{ROOT}/patient/1/")
    assert (api.request("GET", f"{ROOT}/patient/1/").status_code, images(api)) == (404, [])
    at = api.position()
    for _ in range(2):
        assert restore(api, "patient") == (200, {})
        assert [one["stored"] for one in api.recorded(at)] == ["images.patient_restored"]
    assert api.request("GET", f"{ROOT}/patient/1/").json == before
    assert images(api) == [1, 2]
    assert api.request("GET", f"{ROOT}/patient/?clinic=1").json == [1]
    assert api.service.albums.verify() == []
    for key in (3, "x", -1, 2**70):
        assert restore(api, "patient", key)[0] == 404


def test_of_several_restores_at_once_each_succeeds(api: Api) -> None:
    """One brings the patient back, the others find them there."""
    for _ in range(5):
        api.request("DELETE", f"{ROOT}/patient/1/")
        at, gate = api.position(), Barrier(4)

        def restored(which: int, gate: Barrier = gate) -> tuple[int, object]:
            gate.wait()
            return restore(api, "patient")

        with ThreadPoolExecutor(4) as pool:
            assert [*pool.map(restored, range(4))] == [(200, {})] * 4
        assert [one["stored"] for one in api.recorded(at)] == ["images.patient_restored"]
    assert images(api) == [1, 2]


def test_a_deletion_is_whole_or_not_at_all(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The patient and the images go in one transaction: no restore comes between them."""

    def fail(patients: Patients, patient: int, at: datetime) -> bool:
        raise StoreUnavailable("the disk is full")

    at = api.position()
    with monkeypatch.context() as patch:
        patch.setattr(Patients, "set_aside", fail)
        answer = api.request("DELETE", f"{ROOT}/patient/1/", raise_faults=False)
        assert answer.status_code == 503
    assert (api.position(), images(api)) == (at, [1, 2])
    assert api.request("DELETE", f"{ROOT}/patient/1/").status_code == 200
    assert images(api) == []


def test_a_deletion_that_was_cut_off_is_taken_back_whole(api: Api) -> None:
    """The images are hidden first, and the patient is there still; or the patient is back, and the images are not."""
    api.request("DELETE", f"{ROOT}/patient/1/")
    assert api.service.patients.restore(1, api.clock.now)
    assert images(api) == []
    assert restore(api, "patient") == (200, {})
    assert images(api) == [1, 2]


def test_a_patient_whose_name_another_has_now_is_a_conflict(api: Api) -> None:
    """Nothing is restored."""
    api.request("DELETE", f"{ROOT}/patient/1/")
    assert api.request("POST", f"{ROOT}/patient/", PATIENT | {"first": "Ana 1"}).json == {"id": 3}
    at = api.position()
    assert restore(api, "patient")[0] == 409
    assert (api.position(), images(api)) == (at, [])
    api.request("DELETE", f"{ROOT}/patient/3/")
    assert restore(api, "patient") == (200, {})


def test_the_data_of_a_deleted_patient_are_deleted_for_good(api: Api) -> None:
    """After that time, with the next patient who is deleted."""
    api.request("DELETE", f"{ROOT}/patient/1/")
    api.clock.now += DAYS + timedelta(microseconds=1)
    assert restore(api, "patient") == (410, TOO_LATE)
    api.request("DELETE", f"{ROOT}/patient/2/")
    with database_of(api.service.albums).transaction(commit=False) as cursor:
        cursor.execute("SELECT id, fields FROM directory_deleted_patient")
        [row] = cursor.fetchall()
    assert (row["id"], "Ana 2" in row["fields"]) == (2, True)


def test_nothing_is_restored_where_the_setting_says_never(tmp_path: Path) -> None:
    """With 0 days."""
    with opened(tmp_path, GIVEN, restore_within=0) as api:
        api.request("DELETE", f"{ROOT}/image/1/")
        api.clock.now += timedelta(seconds=1)
        assert restore(api, "image")[0] == 410
