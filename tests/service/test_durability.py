"""Every acknowledged command is recorded exactly once, under concurrent writers and after a crash."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from attrs import define, field

from albumcore import (
    CommentPosted,
    ImageAdded,
    PatientImageSet,
    Source,
    album_stream,
    create_album,
    patient_stream,
)
from albumcore.ids import AlbumId, ImageId, PatientId
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.service import Service
from support.deep import at_length
from support.server import bearer, opened, serving

ALBUM = AlbumId("hotAlbum01")
CLIENTS = 8
ROUNDS_OF_DEATH = at_length(200, 10)
DAY = datetime(2026, 3, 14, tzinfo=UTC).date()


@define
class Hot:
    """One album and one patient that all clients write to, and the acknowledged commands."""

    headers: dict[str, str]
    image_headers: dict[str, str]
    patient: int
    clinic: int
    station: int
    comments: set[str] = field(factory=set)
    images: list[tuple[int, str]] = field(factory=list)
    lock: threading.Lock = field(factory=threading.Lock)
    numbers: Any = field(factory=lambda: count(1))

    def number(self) -> int:
        """A number that is used once."""
        with self.lock:
            number: int = next(self.numbers)
            return number

    def comment(self, client: httpx.Client) -> int:
        """Post one comment, and note it if it was acknowledged."""
        text = f"comment {self.number()}"
        answer = client.post(
            f"/albums/{ALBUM}/comments", data={"comment": text}, headers=self.headers
        )
        if answer.status_code == 204:
            with self.lock:
                self.comments.add(text)
        return answer.status_code

    def image(self, client: httpx.Client) -> int:
        """Upload one image, and note its id if it was acknowledged."""
        data = base64.b64encode(b"\xff\xd8\xff" + f"image {self.number()}".encode() * 50).decode()
        body = {"type": "Xray", "clinic": self.clinic, "station": self.station}
        answer = client.post(
            "/tscharts/v1/image/",
            json={**body, "patient": self.patient, "data": data},
            headers=self.image_headers,
        )
        if answer.status_code == 200:
            with self.lock:
                self.images.append((answer.json()["id"], data))
        return answer.status_code


def _heated(service: Service) -> Hot:
    """Make the album and the patient."""
    alice = service.people.register("alice", "alice@clinic.example", "Alice").id
    service.albums.handle(album_stream(ALBUM), create_album, Source(alice), "Hot")
    names: dict[str, Any] = dict.fromkeys(
        [
            *("middle", "suffix", "prefix", "street1", "street2", "city", "colonia", "state"),
            *("phone1", "phone2", "email"),
            *("emergencyfullname", "emergencyphone", "emergencyemail"),
        ],
        "",
    )
    patient = service.patients.add(
        Patient(
            paternal_last="Hot", maternal_last="", first="Patient", dob=DAY, gender="Male", **names
        )
    )
    account = service.accounts.add("nurse", "secret of the nurse")
    return Hot(
        bearer(service, "alice"),
        {"Authorization": f"Token {service.accounts.token(account)}"},
        patient,
        service.clinics.add_clinic("Here", DAY, DAY),
        service.clinics.add_station("Camera"),
    )


def _together(work: Callable[[int], None], workers: int) -> None:
    """Run the work in so many threads, and raise the error of any of them."""
    raised: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def _assert_recorded_once(service: Service, hot: Hot) -> None:
    """Check that each acknowledged command is in its stream once, and that versions have no gaps."""
    album = list(service.albums.history(album_stream(ALBUM)))
    assert [one.version for one in album] == list(range(1, len(album) + 1))
    posted = Counter(one.event.comment for one in album if isinstance(one.event, CommentPosted))
    assert {text: posted[text] for text in hot.comments} == dict.fromkeys(hot.comments, 1)
    assert set(posted.values()) <= {1}
    images = list(service.albums.history(patient_stream(PatientId(hot.patient))))
    assert [one.version for one in images] == list(range(1, len(images) + 1))
    added = Counter(one.event.image_id for one in images if isinstance(one.event, ImageAdded))
    assert set(added.values()) <= {1}
    assert {image_id for image_id, _ in hot.images} <= added.keys()
    kept = service.albums.load(patient_stream(PatientId(hot.patient)))
    assert isinstance(kept, PatientImageSet)
    for image_id, data in hot.images:
        assert image_id in kept.images
        _, shown = service.albums.image(ImageId(image_id))
        assert base64.b64encode(service.image_bytes.get(shown)).decode() == data
    assert service.albums.verify(service.image_bytes.check) == []


def test_four_workers_and_eight_clients_on_one_album_and_one_patient(tmp_path: Path) -> None:
    """Every command of eight concurrent clients is acknowledged, and recorded once, without gaps."""
    commands = 25
    with opened(tmp_path) as service:
        hot = _heated(service)
    statuses: Counter[int] = Counter()
    with serving(tmp_path, workers=4) as server:

        def write(_: int) -> None:
            with httpx.Client(base_url=server.address, timeout=60, verify=default_tls()) as client:
                seen = [act(client) for _ in range(commands) for act in (hot.comment, hot.image)]
            with hot.lock:
                statuses.update(seen)

        _together(write, CLIENTS)
        assert server.stop() == 0
    assert statuses == {204: CLIENTS * commands, 200: CLIENTS * commands}
    assert len({image_id for image_id, _ in hot.images}) == CLIENTS * commands
    with opened(tmp_path) as service:
        _assert_recorded_once(service, hot)


def test_one_key_from_eight_clients_at_once(tmp_path: Path) -> None:
    """Concurrent requests with one idempotency key are recorded once, and all get the same response."""
    rounds = at_length(50, 5)
    with opened(tmp_path) as service:
        hot = _heated(service)
    image = {"type": "Xray", "clinic": hot.clinic, "station": hot.station, "data": "AAAA"}
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = [
        ("/albums", hot.headers, {"data": {"name": "Once"}}),
        (f"/albums/{ALBUM}/comments", hot.headers, {"data": {"comment": "Once"}}),
        ("/tscharts/v1/image/", hot.image_headers, {"json": {**image, "patient": hot.patient}}),
    ]
    answers: dict[tuple[str, int], Counter[tuple[int, str]]] = {}
    together = threading.Barrier(CLIENTS)
    with serving(tmp_path, workers=4) as server:

        def write(_: int) -> None:
            with httpx.Client(base_url=server.address, timeout=60, verify=default_tls()) as client:
                for number in range(rounds):
                    together.wait(60)
                    for path, by, sent in requests:
                        headers = {**by, "Idempotency-Key": f'"{number}"'}
                        answer = client.post(path, headers=headers, **sent)
                        with hot.lock:
                            seen = answers.setdefault((path, number), Counter())
                            seen[answer.status_code, answer.text] += 1

        _together(write, CLIENTS)
        assert server.stop() == 0
    assert [list(seen.values()) for seen in answers.values()] == [[CLIENTS]] * 3 * rounds
    assert {status for seen in answers.values() for status, _ in seen} == {200, 201, 204}
    with opened(tmp_path) as service:
        kinds = Counter(type(one.event).__name__ for _, one in service.albums.follow())
        assert kinds == {
            "PersonRegistered": 1,
            "AlbumCreated": rounds + 1,
            "CommentPosted": rounds,
            "ImageAdded": rounds,
        }
        assert service.albums.verify(service.image_bytes.check) == []


def test_killed_in_the_middle_of_writes_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """The server is killed over and over during writes; every acknowledged write is there afterwards."""
    before_death = 10
    with opened(tmp_path) as service:
        hot = _heated(service)
    for _ in range(ROUNDS_OF_DEATH):
        enough = threading.Semaphore(0)
        with serving(tmp_path) as server:

            def write(_: int, address: str = server.address, enough: Any = enough) -> None:
                try:
                    with httpx.Client(base_url=address, timeout=60, verify=default_tls()) as client:
                        while True:
                            assert hot.comment(client) == 204
                            enough.release()
                            assert hot.image(client) == 200
                            enough.release()
                except httpx.TransportError:
                    return  # it is dead

            def kill(server: Any = server, enough: Any = enough) -> None:
                try:
                    for _ in range(before_death):
                        assert enough.acquire(timeout=60)
                finally:
                    server.kill()

            _together(lambda number: kill() if number == 0 else write(number), 5)
        with opened(tmp_path) as service:
            _assert_recorded_once(service, hot)
    assert len(hot.comments) + len(hot.images) >= ROUNDS_OF_DEATH * before_death
