"""Backups of a running service while it is written to, and restoring them under it."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import orjson
import pytest
from attrs import define, field

from albumcore import CommentPosted, PatientImageSet, patient_stream, shown_text
from albumcore.ids import PatientId
from albumcore.streams import named_stream
from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.server import demo
from support.backups import bytes_of
from support.deep import at_length
from support.forked import albumcore
from support.server import Server, bearer, opened, serving

WRITERS = 3


@define
class Writing:
    """Clients that post comments and upload images, and the acknowledged writes so far."""

    address: str
    album: str
    headers: dict[str, str]
    image: dict[str, object]
    token: str
    acknowledged: dict[str, bytes | None] = field(factory=dict)
    """The text of each comment, and the id of each image with its bytes."""
    has_ended: threading.Event = field(factory=threading.Event)
    _numbers: Iterator[int] = field(factory=lambda: count(1))

    def wait_for(self, number: int) -> None:
        """Wait until so many more writes are acknowledged."""
        wanted, until = len(self.acknowledged) + number, time.monotonic() + 60
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < until
            time.sleep(0.005)

    def run(self) -> None:
        """Write until the block ends."""
        with httpx.Client(base_url=self.address, timeout=60, verify=default_tls()) as client:
            while not self.has_ended.is_set():
                number = next(self._numbers)
                text, content = f"comment {number}", b"\xff\xd8\xff" + b"%d" % number * 100
                answer = client.post(
                    f"/albums/{self.album}/comments", data={"comment": text}, headers=self.headers
                )
                assert answer.status_code == 204, answer.text
                self.acknowledged[text] = None
                answer = client.post(
                    "/tscharts/v1/image/",
                    json={**self.image, "data": base64.b64encode(content).decode()},
                    headers={"Authorization": f"Token {self.token}"},
                )
                assert answer.status_code == 200, answer.text
                self.acknowledged[str(answer.json()["id"])] = content


@contextmanager
def written_to(data: Path, server: Server) -> Iterator[Writing]:
    """Write to a service with the demo until the end of the block; raise the error of any writer."""
    with opened(data) as service:
        made = demo.fill(service)
        account = service.accounts.add(f"writer-{os.urandom(4).hex()}", "a long password")
        writing = Writing(
            server.address,
            made.album_id,
            bearer(service, demo.ADA),
            {
                "type": "Xray",
                "patient": made.patient,
                "clinic": made.clinic,
                "station": made.station,
            },
            service.accounts.token(account),
        )
    raised: list[BaseException] = []

    def write() -> None:
        try:
            writing.run()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield writing
    finally:
        writing.has_ended.set()
        for thread in threads:
            thread.join()
    assert raised == []


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an albumcore command in a process of its own."""
    return subprocess.run(
        albumcore(*arguments),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the demo."""
    with opened(tmp_path / "data") as service:
        demo.fill(service)
    return tmp_path / "data"


def held(data: Path, writing: Writing) -> dict[str, bytes | None]:
    """The writes of the clients that a data directory contains."""
    with opened(data) as service:
        found: dict[str, bytes | None] = {
            shown_text(one.event.comment): None
            for one in service.albums.history(named_stream(f"album-{writing.album}"))
            if isinstance(one.event, CommentPosted)
        }
        patient = PatientId(int(str(writing.image["patient"])))
        images = service.albums.load(patient_stream(patient))
        assert isinstance(images, PatientImageSet)
        for image_id in images.images:
            _, added = service.albums.image(image_id)
            found[str(image_id)] = bytes(service.image_bytes.get(added))
        assert service.albums.verify(service.image_bytes.check) == []
    return found


def test_a_backup_while_the_service_is_written_to(data: Path, tmp_path: Path) -> None:
    """Writes acknowledged before the backup are in it, and it completes while the clients continue."""
    with serving(data) as server, written_to(data, server) as writing:
        for number in range(at_length(20, 2)):
            writing.wait_for(10)
            before = dict(writing.acknowledged)
            backup, new = tmp_path / f"backup-{number}", tmp_path / f"new-{number}"
            done = command("backup", backup, "--data", data, "--json")
            assert done.returncode == 0, done.stderr  # progress is told there, too
            after = len(writing.acknowledged)
            assert command("restore", backup, "--none-since", "--data", new).returncode == 0
            found = held(new, writing)
            assert {name: found.get(name, b"lost") for name in before} == before
            with opened(new) as service:
                history = service.albums.follow(limit=100_000)
            told = orjson.loads(done.stdout)
            assert (len(history), history[-1][0]) == (told["events"], told["position"])
            assert after > len(before)


def test_a_restore_under_the_service(data: Path, tmp_path: Path) -> None:
    """It is refused while the service runs, without losing writes; after it has stopped, it succeeds."""
    backup = tmp_path / "backup"
    assert command("backup", backup, "--data", data).returncode == 0
    with serving(data) as server:
        with written_to(data, server) as writing:
            refused = command("restore", backup, "--none-since", "--data", data)
            assert refused.returncode == 2
            assert refused.stderr.endswith("has the store open: stop it first\n")
            writing.wait_for(1)
        server.kill()
    assert (data / "albumcore.sqlite-wal").exists()
    found = held(data, writing)
    assert {name: found.get(name, b"lost") for name in writing.acknowledged} == writing.acknowledged
    assert command("restore", backup, "--none-since", "--data", data).returncode == 0
    assert not set(held(data, writing)) & set(writing.acknowledged)
    with serving(data) as server, written_to(data, server) as again:
        again.wait_for(1)
    assert {"albumcore.sqlite", "secret"} <= set(bytes_of(data))
