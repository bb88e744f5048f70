"""Uploads of instances over real HTTP: by a client of others, of any length, cut off, and with a server that dies."""

from __future__ import annotations

import hashlib
import http.client
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from albumcore import Source, album_stream, create_album
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.verification import verify
from support.deep import at_length
from support.dicom_files import BOUNDARY, RELATED, dicom_file, message
from support.server import Server, bearer, opened, serving
from support.templates import place

ALBUM = AlbumId("Uploads001")
MIB = 1024 * 1024
DEATHS = at_length(40, 4)


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


def test_kills_in_the_middle_of_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged is stored, what is stored is whole, and the album has each series once."""
    where = place(tmp_path)
    if "database" in where:
        monkeypatch.setenv("ALBUMCORE_DATABASE", where["database"])
    settings = Settings(**where)
    service = open_service(settings)
    headers = {**bearer(service, "alice"), "Content-Type": RELATED}
    alice = service.people.register("alice", "alice@clinic.example", "Alice").id
    service.albums.handle(album_stream(ALBUM), create_album, Source(alice), "Uploads")
    service.close()
    acknowledged: dict[str, str] = {}
    numbers, moments = count(1), random.Random(7)
    for _ in range(DEATHS):
        with serving(tmp_path, workers=2) as server:
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
    service = open_service(settings)
    stored = digests(service)
    assert acknowledged.items() <= stored.items()
    studies = service.albums.load(album_stream(ALBUM)).studies
    assert {sop.rpartition(".")[0] for sop in stored} == {
        uid for series in studies.values() for uid in series
    }
    service.close()
    assert verify(settings).problems == []
