"""Stores of any size, made once and kept, and a copy of one for each run to write in."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from attrs import fields, frozen

import albumcore.albums
import albumcore.codec
import albumcore.feed
import albumcore.image_sets
import albumcore.index
import albumcore_adapters.directory
import albumcore_adapters.sql.migrations
import albumcore_adapters.sql.schema_v1
import albumcore_adapters.store.rows
from albumcore import Albumcore, add_image, album_stream, utc_now
from albumcore.ids import ImageId, PatientId, UserId
from albumcore.image_sets import Content, ImageType
from albumcore.index import changes
from albumcore.kernel import Act, RecordedEvent, Stream, record
from albumcore.streams import patient_stream
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.store import open_sqlite
from albumcore_adapters.store.rows import index_fingerprint
from benchmarks import history
from benchmarks.history import (
    ALBUM,
    CLINICS,
    IMAGES_OF_A_PATIENT,
    NURSE,
    STATIONS,
    STUDIES,
    VIEWERS,
    WHISPERERS,
    Tally,
    album_history,
    image_history,
    series,
    study,
)

BATCH = 5000
SINCE_SNAPSHOT = 499
"""Events after the newest snapshot: the most there can be where one is kept at every 500th."""
PHOTOS = 500
PHOTO_BYTES = 100_000
_ACCOUNT = "bench"
_LONG = 30 * 24 * 3600  # seconds a token lives
Say = Callable[[str], None]

_DECIDES_FORM = (
    albumcore.albums,
    albumcore.codec,
    albumcore.feed,
    albumcore.image_sets,
    albumcore.index,
    albumcore_adapters.sql.schema_v1,
    albumcore_adapters.sql.migrations,
    albumcore_adapters.store.rows,
    albumcore_adapters.directory,
    history,
)


def form_of_stores() -> str:
    """A name for what a store made by this code looks like; another one where that may have changed."""
    digest = hashlib.sha256(index_fingerprint().encode())
    files = [Path(str(module.__file__)) for module in _DECIDES_FORM] + [Path(__file__)]
    for file in files:
        for part in sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]:
            digest.update(part.read_bytes())
    return digest.hexdigest()[:16]


@frozen
class Store:
    """A data directory with one album and as many images as the album has events.

    Attributes:
        path: The data directory.
        size: How many events and images.
        known: What is known of it from when it was made.
    """

    path: Path
    size: int
    known: dict[str, Any]

    @contextmanager
    def opened(self, **settings: Any) -> Iterator[Service]:
        """It, open in this process."""
        service = open_service(Settings(data=self.path, **settings))
        try:
            yield service
        finally:
            service.close()

    def total(self, member: UserId) -> int:
        """How many entries of the feed a member saw when it was made."""
        return int(self.known["totals"][member])

    @property
    def patients(self) -> int:
        """How many patients there are, numbered from 1."""
        return self.size // IMAGES_OF_A_PATIENT

    @property
    def photos(self) -> list[int]:
        """The ids of the images whose bytes are there."""
        return list(self.known["photos"])


def bearer(service: Service, member: UserId) -> str:
    """What a member sends as ``Authorization``."""
    email, name = _person(member)
    token = issue_token(service.secret, member, email, name, _LONG, utc_now())
    return f"Bearer {token}"


def nurse(service: Service) -> str:
    """What an image client sends as ``Authorization``."""
    account = service.accounts.named(_ACCOUNT)
    assert account is not None
    return f"Token {service.accounts.token(account)}"


def photo(number: int) -> bytes:
    """The bytes of one of the images: random ones, which nothing can press together."""
    return random.Random(number).randbytes(PHOTO_BYTES)


def photo_base64(number: int) -> str:
    """The same, as clients send them."""
    return base64.b64encode(photo(number)).decode()


def _person(member: UserId) -> tuple[str, str]:
    number = int(member.rpartition("-")[2], 16) % 1000
    return f"member.{number}@clinic.example", f"Member Number {number}"


@frozen
class Shelf:
    """The stores that are kept.

    Attributes:
        path: The directory they are kept in; git ignores it.
        form: What they look like; see `form_of_stores`.
        say: Told what is being done.
    """

    path: Path
    form: str
    say: Say

    def copy(self, size: int, to: Path) -> Store:
        """A copy of the store of a size, which is made first where there is none."""
        kept = self.path / self.form / str(size)
        if not (kept / "known.json").exists():
            self._make(size, kept)
        self.say(f"copying the store of {size:,}")
        shutil.copytree(kept, to, ignore=shutil.ignore_patterns("blobs", DATABASE_FILE))
        # Blobs are never written to again, so both may be the same files.
        shutil.copytree(kept / "blobs", to / "blobs", copy_function=os.link)
        shutil.copyfile(kept / DATABASE_FILE, to / DATABASE_FILE)
        descriptor = os.open(to / DATABASE_FILE, os.O_RDONLY)
        os.fsync(descriptor)  # what is measured next must not wait for it
        os.close(descriptor)
        return Store(to, size, orjson.loads((kept / "known.json").read_bytes()))

    def forget_others(self) -> None:
        """Remove what older code made."""
        for old in self.path.glob("*"):
            if old.name != self.form:
                shutil.rmtree(old)

    def _make(self, size: int, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        path.chmod(0o700)
        began = time.perf_counter()
        tally = _write_album(path / DATABASE_FILE, size, self.say)
        _write_images(path / DATABASE_FILE, size, self.say)
        photos = _settle(path, size, self.say)
        seen = {member: tally.seen_by(member) for member in (*VIEWERS, *WHISPERERS)}
        seconds = round(time.perf_counter() - began, 1)
        known = {"totals": seen, "photos": photos, "made_in_seconds": seconds}
        (path / "known.json").write_bytes(orjson.dumps(known))


def fill_album(
    albums: Albumcore, stream: Stream[Any], size: int, say: Say = lambda _: None
) -> Tally:
    """Write the history of an album, in large transactions, with no snapshot where the store keeps none."""
    tally = Tally()
    made = enumerate(_tallied(album_history(size), tally))
    recorded = (record(stream.name, before, act, [event])[0] for before, (act, event) in made)
    cut = max(0, size - SINCE_SNAPSHOT)
    written = 0
    while batch := list(islice(recorded, min(BATCH, cut - written if written < cut else BATCH))):
        # The last of them as a command, which keeps a snapshot where it is time for one.
        last = batch.pop() if written < cut else None
        _put(albums, batch)
        if last is not None:
            _decide(albums, stream, last)
        written += len(batch) + (last is not None)
        say(f"making the store of {size:,}: {written:,} events")
    return tally


def _tallied(history: Iterator[tuple[Act, Any]], tally: Tally) -> Iterator[tuple[Act, Any]]:
    for act, event in history:
        tally.note(act, event)
        yield act, event


def _put(albums: Albumcore, recorded: list[RecordedEvent[Any]]) -> None:
    albums.events.put(recorded, changes=[change for one in recorded for change in changes(one)])


def _decide(albums: Albumcore, stream: Stream[Any], recorded: RecordedEvent[Any]) -> None:
    # The decision checks nothing, so it must not be made on a cached state from before what was put beside it.
    albums.load(stream)
    albums.handle(stream, lambda state, act: (recorded.event,), recorded.act.source)


def _write_album(database: Path, size: int, say: Say) -> Tally:
    # The store's clock stands still at the start, so a command happens when the event before it did.
    albums = open_sqlite(
        database, clock=lambda: history.END - size * history.STEP, snapshot_every=1
    )
    try:
        return fill_album(albums, album_stream(ALBUM), size, say)
    finally:
        albums.close()


def _write_images(database: Path, size: int, say: Say) -> None:
    albums = open_sqlite(database)
    recorded = (
        RecordedEvent(f"images-{patient}", version, act, added)
        for patient, version, act, added in image_history(size)
    )
    written = 0
    while batch := list(islice(recorded, BATCH)):
        _put(albums, batch)
        written += len(batch)
        say(f"making the store of {size:,}: {written:,} images")
    albums.close()


def introduce(service: Service) -> None:
    """Bring in the people and the studies that an album's history names."""
    for member in (*VIEWERS, *WHISPERERS):
        service.people.register(member, *_person(member))
    service.catalogue.store(
        [
            InstanceRecord(
                study(number),
                series(number, part),
                f"{series(number, part)}.1",
                {"00081030": {"vr": "LO", "Value": [f"Knee, visit {number}"]}},
                {
                    "00080060": {"vr": "CS", "Value": ["MR"]},
                    "0008103E": {"vr": "LO", "Value": [f"t2 sagittal {part}"]},
                },
                {},
            )
            for number in range(10 + STUDIES)
            for part in range(history.SERIES_OF_A_STUDY)
        ]
    )


def _settle(path: Path, size: int, say: Say) -> list[int]:
    """Bring in people, studies, patients, places, and images that have bytes; the ids of those."""
    service = open_service(Settings(data=path))
    try:
        say(f"making the store of {size:,}: people and studies")
        introduce(service)
        for number in range(CLINICS):
            service.clinics.add_clinic(f"Clinic {number}", date(2024, 1, 1), date(2026, 12, 31))
        for number in range(STATIONS):
            service.clinics.add_station(f"Station {number}")
        service.accounts.add(_ACCOUNT, "the password of the bench")
        say(f"making the store of {size:,}: patients")
        for number in range(size // IMAGES_OF_A_PATIENT):
            service.patients.add(a_patient(number))
        say(f"making the store of {size:,}: photos")
        return [_add_photo(service, number, size) for number in range(PHOTOS)]
    finally:
        service.close()


def a_patient(number: int) -> Patient:
    """A patient, another for each number."""
    texts = dict.fromkeys((one.name for one in fields(Patient)), "")
    named = texts | {"first": "Pat", "paternal_last": f"Number{number}", "gender": "Female"}
    return Patient(**named | {"dob": date(1990, 1, 1), "oldid": number})  # type: ignore[arg-type]


def _add_photo(service: Service, number: int, size: int) -> int:
    content = photo(number)
    digest = service.blobs.put(content)
    image_id: ImageId = service.albums.next_image_id()
    service.albums.handle(
        patient_stream(PatientId(number % (size // IMAGES_OF_A_PATIENT) + 1)),
        add_image,
        NURSE,
        image_id,
        1,
        1,
        ImageType.XRAY,
        Content(digest, len(content), "application/octet-stream"),
    )
    return int(image_id)
