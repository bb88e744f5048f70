"""Forgetting beside a running service: no worker shows it again, and no file of the store has it in any form."""

from __future__ import annotations

import base64
import io
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pydicom.data
import pytest
from attrs import define, field, frozen

from albumcore import Source, album_stream, create_report_provider
from albumcore.ids import AlbumId, ReportProviderId, SeriesUID, StudyUID
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.service import Service, open_service
from support.forked import albumcore
from support.instances import store_instance
from support.postgres import empty_database
from support.residue import Residue, residue_of_directory, residue_of_heap, residue_of_tables
from support.sealed_place import seal
from support.server import Server, bearer, serving, user_of
from support.tscharts import PATIENT

WORKERS = 4
ASKED = 4 * WORKERS
"""Requests on connections of their own, so that each worker gets some."""

BOB = "4f9c0e7d-bob-fothergill"
IMAGE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(7).randbytes(70_000)
INSTANCE = random.Random(8).randbytes(70_000)
SECRETS: dict[str, str | bytes] = {
    "sub": BOB,
    "e-mail": f"{BOB}@clinic.example",
    "name of a person": BOB.title(),
    "comment": 'Between us: the "Baker\'s cyst" of Mr. Szymański/2026 🦴',
    "comment to all": "Discussed with Ms. Oyelaran on Thursday",
    "comment on a study": "The left knee of Szymański needs a second look",
    "album": "Knees of Szymański",
    "description": "Referred by Dr. Oyelaran-Whitfield",
    "later name": "Hips of Szymański",
    "title": "Tablet of Whitfield",
    "own title": "Telephone of Fothergill",
    "provider": "Whitfield's second reader",
    "address of a provider": "https://whitfield.example/configuration",
    "webhook": "Bell of Whitfield",
    "address of a webhook": "https://bell-of-whitfield.example/told",
    "secret of a webhook": "correct-horse-battery-staple",
    "image": IMAGE,
    "last name of a patient": "Quetzalcoatl-Lopez",
    "street of a patient": "1234 Obsidian Butterfly Avenue",
    "curp": "LORA120401MBCPZN00",
    "DICOM patient": "Szymanski^Wolfgang^Amadeus",
    "PatientID": "MRN-4711-0815",
    "instance": INSTANCE,
}


@define
class Place:
    """A sealed store, a server of it, and the database that it is in.

    Attributes:
        folder: The data directory.
        url: The PostgreSQL database, if it is in one.
        album: The album that everything is about.
        image: The number of the image.
        study: The StudyInstanceUID of the imported study.
    """

    folder: Path
    url: str | None
    album: str = ""
    image: int = 0
    study: str = ""
    headers: dict[str, dict[str, str]] = field(factory=dict)

    def run(self, *command: str) -> str:
        """Run a command in a process of its own."""
        done = subprocess.run(
            albumcore(*command, "--data", self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def opened(self) -> Service:
        """The service of the store, in this process."""
        return open_service(Settings.from_environment(os.environ, data=self.folder))

    def residue(self) -> list[Residue]:
        """What is left in the files, and in the tables and the files of the database."""
        found = residue_of_directory(self.folder, SECRETS)
        if self.url is not None:
            found += residue_of_tables(self.url, SECRETS) + residue_of_heap(self.url, SECRETS)
        return found


@pytest.fixture(params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """A sealed store on each database, with people who have tokens."""
    folder = tmp_path / "data"
    folder.mkdir()
    if request.param == "sqlite":
        seal(folder)
        yield Place(folder, None)
        return
    with empty_database() as url:
        monkeypatch.setenv("ALBUMCORE_DATABASE", url)
        seal(folder, url)
        yield Place(folder, url)


@frozen
class Client:
    """Requests of one person to a server, each on a connection of its own."""

    server: Server
    headers: dict[str, str]

    def send(self, method: str, path: str, **options: Any) -> Any:
        """Send a request that must succeed, and return its JSON, if it has any."""
        headers = self.headers | options.pop("headers", {})
        url = f"{self.server.address}{path}"
        answer = httpx.request(
            method, url, headers=headers, timeout=60, verify=default_tls(), **options
        )
        assert answer.status_code < 300, (path, answer.text)
        return answer.json() if answer.content else None


def import_a_study(place: Place, folder: Path) -> None:
    """Import a DICOM file with the name and id of a patient, for Alice, and store another instance of its series."""
    source = Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm"
    dataset = pydicom.dcmread(source)
    dataset.PatientName, dataset.PatientID = SECRETS["DICOM patient"], SECRETS["PatientID"]
    place.study = str(dataset.StudyInstanceUID)
    dataset.save_as(folder / "scan.dcm")
    place.run("import-dicom", "--owner", "alice", str(folder / "scan.dcm"))
    with closing(place.opened()) as service:
        store_instance(
            service.database,
            service.blobs,
            f"{dataset.SeriesInstanceUID}.2",
            INSTANCE,
            study_uid=StudyUID(place.study),
            series_uid=SeriesUID(str(dataset.SeriesInstanceUID)),
            dicom_patient_id=str(SECRETS["PatientID"]),
            patient_name=str(SECRETS["DICOM patient"]),
        )


def fill(place: Place, server: Server) -> None:
    """Send everything that says something about somebody, some of it twice with an idempotency key."""
    alice, bob = (Client(server, place.headers[name]) for name in ("alice", BOB))
    for one in (alice, bob):
        one.send("GET", "/albums")
    album = alice.send(
        "POST", "/albums", data={"name": SECRETS["album"], "description": SECRETS["description"]}
    )["album_id"]
    place.album = album
    alice.send("PUT", f"/albums/{album}/users/{BOB}@clinic.example")
    again = {"Idempotency-Key": "1"}
    for _ in range(2):
        bob.send(
            "POST",
            f"/albums/{album}/comments",
            data={"comment": SECRETS["comment"], "to_user": "alice"},
            headers=again,
        )
    bob.send("POST", f"/albums/{album}/comments", data={"comment": SECRETS["comment to all"]})
    alice.send("PUT", f"/studies/{place.study}/albums/{album}?inbox=true")
    bob.send(
        "POST",
        f"/studies/{place.study}/comments",
        data={"comment": SECRETS["comment on a study"]},
    )
    alice.send("PATCH", f"/albums/{album}", data={"name": SECRETS["later name"]})
    scopes = {"scope_type": "album", "album": album, "read_permission": "true"}
    alice.send("POST", "/capabilities", data={"title": SECRETS["title"], **scopes})
    bob.send("POST", "/capabilities", data={"title": SECRETS["own title"], "scope_type": "user"})
    alice.send(
        "POST",
        f"/albums/{album}/webhooks",
        data={
            "name": SECRETS["webhook"],
            "url": SECRETS["address of a webhook"],
            "secret": SECRETS["secret of a webhook"],
            "event": "new_series",
        },
    )
    with closing(place.opened()) as service:
        service.albums.handle(
            album_stream(AlbumId(album)),
            create_report_provider,
            Source(user_of(service, "alice")),
            ReportProviderId("reader"),
            str(SECRETS["provider"]),
            str(SECRETS["address of a provider"]),
        )


def upload(place: Place, server: Server) -> None:
    """Add a patient of the TSCharts API, and an image, twice with an idempotency key."""
    subprocess.run(
        albumcore("tscharts-user", "nurse", "--password-stdin", "--data", place.folder),
        input="correct horse",
        text=True,
        check=True,
    )
    root = f"{server.address}/tscharts/v1"
    login = httpx.post(
        f"{root}/login/", json={"username": "nurse", "password": "correct horse"}, timeout=60
    )
    nurse = Client(server, {"Authorization": f"Token {login.json()['token']}"})
    patient = PATIENT | {
        "paternal_last": SECRETS["last name of a patient"],
        "street1": SECRETS["street of a patient"],
    }
    number = nurse.send("POST", "/tscharts/v1/patient/", json=patient)["id"]
    body = {"type": "Xray", "patient": number, "data": base64.b64encode(IMAGE).decode()}
    for _ in range(2):
        sent = nurse.send(
            "POST", "/tscharts/v1/image/", json=body, headers={"Idempotency-Key": "2"}
        )
    place.image, place.headers["nurse"] = sent["id"], nurse.headers


def seen(place: Place, server: Server) -> str:
    """What the workers answer, taken together: the album, its events, studies and tokens."""
    alice = Client(server, place.headers["alice"])
    told = io.StringIO()
    paths = (
        "/albums",
        f"/albums/{place.album}/events",
        f"/albums/{place.album}/users",
        f"/albums/{place.album}/webhooks",
        f"/albums/{place.album}/reportproviders",
        f"/capabilities?album={place.album}",
        f"/studies/{place.study}/comments",
        f"/studies?album={place.album}&includefield=all",
    )
    for _ in range(ASKED):
        for path in paths:
            told.write(str(alice.send("GET", path)))
    return told.getvalue()


def test_nothing_is_left_after_erase_and_gc(place: Place, tmp_path: Path) -> None:
    """Four workers have shown all of it before, to many readers."""
    with closing(place.opened()) as service:
        service.people.register("alice", "alice@clinic.example", "Alice")
        place.headers = {name: bearer(service, name) for name in ("alice", BOB)}
    import_a_study(place, tmp_path)
    with serving(place.folder, workers=WORKERS) as server:
        fill(place, server)
        upload(place, server)
        texts = [text for text in SECRETS.values() if isinstance(text, str)]
        shown = seen(place, server)
        assert {"comment to all", "later name", "title", "webhook", "DICOM patient"} <= {
            name for name, text in SECRETS.items() if isinstance(text, str) and text in shown
        }
        assert {found.secret for found in place.residue()} >= {
            "sub",
            "later name",
            "curp",
            "instance",
        }
        place.run("erase", "person", BOB)
        place.run("erase", "album", place.album)
        place.run("erase", "dicom-patient", str(SECRETS["PatientID"]))
        place.run("erase", "image", str(place.image))
        place.run("erase", "patient", "1")
        afterwards = seen(place, server)
        assert [text for text in texts if text in afterwards] == []
        assert "[erased]" in afterwards
        gone = httpx.get(
            f"{server.address}/tscharts/v1/image/{place.image}/", headers=place.headers["nurse"]
        )
        assert (gone.status_code, gone.text) == (404, "")
        place.run("gc")
        assert place.residue() == []
    place.run("verify")
    place.run("rebuild")
    place.run("gc")
    assert place.residue() == []
