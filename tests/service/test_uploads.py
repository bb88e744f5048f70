"""Uploads of instances over real HTTP: by a client of others, of any length, cut off, and with a server that dies.

What is stored is retrieved, erased and collected with SQLite and a directory, and with PostgreSQL and S3.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from albumcore import SeriesImported, Source, album_stream, create_album, utc_now
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore_adapters.base.data_directory import ERASURES_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.erasure.collecting import collect
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.erasure.subjects import erase_study
from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.verification import verify
from support.deep import at_length
from support.dicom_files import BOUNDARY, RELATED, dicom_file, message
from support.places import SYSTEMS, place_for
from support.s3 import reached, serving_s3
from support.server import Server, bearer, opened, serving

ALBUM = AlbumId("Uploads001")
MIB = 1024 * 1024
DEATHS = at_length(40, 3)


def one(study: str, number: int, length: int = 64, **attributes: Any) -> bytes:
    """An instance of the first series of a study."""
    series = SeriesUID(f"{study}.1")
    pixels = random.Random(number).randbytes(length)
    return dicom_file(StudyUID(study), series, f"{series}.{number}", pixels=pixels, **attributes)


def connection(server: Server) -> http.client.HTTPConnection:
    """A connection to a server."""
    address = urlsplit(server.address)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)


def digests(service: Service) -> dict[str, str]:
    """The SHA-256 of every stored instance as it is recorded, each read and compared."""
    stored, archive = StoredInstances(service.database), service.instance_store.archive
    found = {}
    known = service.catalogue.series(service.catalogue.all_series())
    for uid, series in known.items():
        for instance in stored.of_series(series.study_uid, uid):
            source = archive.open(instance)
            digest = hashlib.sha256(source.read(0, source.length)).hexdigest()
            assert digest == instance.digest
            found[instance.sop_instance_uid] = digest
    return found


def test_a_client_of_others_stores_instances(tmp_path: Path) -> None:
    """dicomweb-client sends long messages in chunks, and reads the answer only if it is of the very media type."""
    with opened(tmp_path) as service:
        headers = bearer(service, "alice")
    files = [one("1.2.7", number, 512 * 1024, Rows=512, Columns=512) for number in range(4)]
    with serving(tmp_path, workers=1) as server:
        client = DICOMwebClient(server.address, headers=headers)
        answer = client.store_instances([pydicom.dcmread(BytesIO(content)) for content in files])
        assert len(answer.ReferencedSOPSequence) == 4
        again = client.store_instances([pydicom.dcmread(BytesIO(one("1.2.7", 9)))], "1.2.7")
        assert str(again.RetrieveURL).endswith("/studies/1.2.7")
        assert server.stop() == 0
    with opened(tmp_path) as service:
        assert len(digests(service)) == 5


def peak_memory(server: Server) -> int:
    """The most memory that the worker has used, in bytes."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    [worker] = children.read_text(encoding="ascii").split()
    lines = Path(f"/proc/{worker}/status").read_text(encoding="ascii").splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peak) * 1024


@pytest.mark.on_sqlite
def test_a_message_of_any_length_takes_constant_memory(tmp_path: Path) -> None:
    """One large instance and many small ones, in chunks: no more memory than a first short message."""
    with opened(tmp_path) as service:
        headers = {**bearer(service, "alice"), "Content-Type": RELATED}
    start = one("1.2.8", 1, 64, NumberOfFrames=1)
    head, length = start[: -64 - 4], 160 * MIB

    def pieces() -> Iterator[bytes]:
        delimiter = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        yield delimiter + head + length.to_bytes(4, "little")
        for _ in range(length // MIB):
            yield bytes(MIB)
        for number in range(2, 500):
            yield b"\r\n" + delimiter + one("1.2.8", number, 4096)
        yield f"\r\n--{BOUNDARY}--".encode()

    with serving(tmp_path, workers=1) as server:
        client = connection(server)
        client.request("POST", "/studies", message([one("1.2.7", 1)]), headers)
        assert client.getresponse().read()
        before = peak_memory(server)
        client.request("POST", "/studies", pieces(), headers, encode_chunked=True)
        answer = client.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        assert peak_memory(server) - before < 64 * MIB
        client.close()
        assert server.stop() == 0
    with opened(tmp_path) as service:
        assert len(digests(service)) == 500


def test_a_client_that_leaves_stores_nothing_of_the_instance(tmp_path: Path) -> None:
    """The instances before it are stored or not, each as a whole, and no draft is left."""
    with opened(tmp_path) as service:
        token = bearer(service, "alice")["Authorization"]
    body = message([one("1.2.7", number, 200_000) for number in range(8)])
    with serving(tmp_path, workers=1) as server:
        address = urlsplit(server.address)
        for cut in (300, 150_000, 900_000, len(body) - 10):
            with socket.create_connection((address.hostname, address.port), timeout=60) as client:
                head = (
                    f"POST /studies HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
                    f"Content-Type: {RELATED}\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                client.sendall(head.encode() + body[:cut])
                client.shutdown(socket.SHUT_WR)
                assert client.recv(20).startswith(b"HTTP/1.1 400")
        assert server.stop() == 0
    with opened(tmp_path) as service:
        assert digests(service).keys() <= {f"1.2.7.1.{number}" for number in range(8)}
        assert list((tmp_path / "blobs").glob(".*")) == []


def upload(
    server: Server,
    headers: dict[str, str],
    numbers: Iterator[int],
    acknowledged: dict[str, str],
    has_stored: threading.Event,
) -> None:
    """Upload one study after the other to the album until the server is gone; note what is acknowledged."""
    while True:
        study = f"1.2.{next(numbers)}"
        files = {f"{study}.1.{number}": one(study, number, 20_000) for number in range(10)}
        try:
            with closing(connection(server)) as client:
                body = message(files.values())
                client.request("POST", f"/studies?album={ALBUM}", body, headers)
                answer = client.getresponse()
                if answer.status != 200 or not answer.read():
                    continue
        except (OSError, http.client.HTTPException):
            return
        acknowledged |= {sop: hashlib.sha256(content).hexdigest() for sop, content in files.items()}
        has_stored.set()


@pytest.fixture(params=SYSTEMS)
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """A store with the album, in SQLite and a directory or in PostgreSQL and S3, which the environment names."""
    with ExitStack() as stack:
        where = place_for(request.param, tmp_path / "data", stack)
        if where.database is not None:
            s3 = stack.enter_context(serving_s3())
            stack.enter_context(reached(s3.address))
            monkeypatch.setenv("ALBUMCORE_DATABASE", where.database)
            monkeypatch.setenv("ALBUMCORE_BLOBS", f"s3://{s3.bucket()}/images")
        found = Settings.from_environment(os.environ, data=where.data)
        with closing(open_service(found)) as service:
            alice = service.people.register("alice", "alice@clinic.example", "Alice").id
            service.albums.handle(album_stream(ALBUM), create_album, Source(alice), "Uploads")
        yield found


def headers_of(settings: Settings) -> dict[str, str]:
    """The headers of an upload of Alice."""
    with closing(open_service(settings)) as service:
        return {**bearer(service, "alice"), "Content-Type": RELATED}


def collected(settings: Settings) -> None:
    """Remove what nothing refers to, of any age, and find nothing wrong with what remains."""
    with closing(open_service(settings)) as service:
        before = utc_now() + timedelta(days=1)
        assert not collect(service.albums, service.database, service.blobs, before, 30).held_up
    assert verify(settings).problems == []


def test_kills_in_the_middle_of_uploads(settings: Settings) -> None:
    """What was acknowledged is stored, what is stored is whole, and each series has one event; the rest is garbage."""
    headers = headers_of(settings)
    acknowledged: dict[str, str] = {}
    numbers, moments = count(1), random.Random(7)
    for _ in range(DEATHS):
        with serving(settings.data, workers=2) as server:
            has_stored = threading.Event()
            arguments = (server, headers, numbers, acknowledged, has_stored)
            uploads = [threading.Thread(target=upload, args=arguments) for _ in range(3)]
            for thread in uploads:
                thread.start()
            assert has_stored.wait(60)
            threading.Event().wait(moments.uniform(0, 0.5))
            server.kill()
            for thread in uploads:
                thread.join()
    collected(settings)
    with closing(open_service(settings)) as service:
        stored = digests(service)
        assert acknowledged.items() <= stored.items()
        events = [one.event for one in service.albums.history(album_stream(ALBUM))]
        imported = [one.series_uid for one in events if isinstance(one, SeriesImported)]
        assert sorted(imported) == sorted({sop.rpartition(".")[0] for sop in stored})
        assert len(list(service.blobs.digests())) == len(stored)
    assert list(settings.data.glob("blobs/.draft*")) == []


def test_instances_are_stored_seen_taken_along_and_erased(settings: Settings) -> None:
    """Byte for byte as files and in an archive; as metadata, frames and pictures. Then nothing is left of them."""
    pixels = 2 * 300 * 200
    files = [one("1.2.7", number, pixels, Rows=300, Columns=200) for number in range(3)]
    headers = headers_of(settings)
    with serving(settings.data) as server:

        def seen(path: str, accept: str = "*/*") -> bytes:
            sent = {"Authorization": headers["Authorization"], "Accept": accept}
            answer = httpx.get(
                f"{server.address}{path}", headers=sent, timeout=60, verify=default_tls()
            )
            assert answer.status_code == 200, answer.text
            return answer.content

        answer = httpx.post(
            f"{server.address}/studies?album={ALBUM}",
            content=message(files),
            headers=headers,
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        series, instance = "/studies/1.2.7/series/1.2.7.1", "/instances/1.2.7.1.1"
        related = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        assert all(file in seen("/studies/1.2.7", related) for file in files)
        assert all(file in seen(series, related) for file in files)
        assert files[1] in seen(f"{series}{instance}", related)
        assert files[1][-pixels:] in seen(f"{series}{instance}/frames/1")
        assert files[1][-pixels:] in seen(f"{series}{instance}/bulkdata/7FE00010")
        assert seen(f"{series}/metadata").count(b"/bulkdata/") == len(files)
        assert seen("/instances", "application/dicom+json").count(b"00080018") == len(files)
        for picture in (f"{series}/thumbnail", f"{series}{instance}/frames/1/rendered"):
            assert seen(picture, "image/jpeg").startswith(b"\xff\xd8\xff")
        with zipfile.ZipFile(BytesIO(seen("/studies/1.2.7", "application/zip"))) as archive:
            *entries, directory = archive.namelist()
            assert sorted(map(archive.read, entries)) == sorted(files)
            assert directory == "DICOMDIR"
        assert server.stop() == 0
    collected(settings)
    with closing(open_service(settings)) as service:
        assert len(digests(service)) == len(list(service.blobs.digests())) == len(files)
        list_of_erasures = settings.data / ERASURES_FILE
        eraser = Eraser(service.albums, service.database, utc_now, {}, list_of_erasures)
        erase_study(eraser, StudyUID("1.2.7"))
    collected(settings)
    with closing(open_service(settings)) as service:
        assert list(service.blobs.digests()) == []
