"""An existing archive that hangs holds up requests for images, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import httpx
import pytest

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.instances.pacs_archive import MOST_WAITING
from albumcore_adapters.server.serve import THREADS
from albumcore_adapters.service import STORING_THREADS
from support.dicom_files import RELATED, dicom_file, message
from support.receiver import Answer, Receiver, receiving
from support.server import Server, bearer, opened, serving

STUDY, CT = StudyUID("1.2.3"), SeriesUID("1.2.3.4")
INSTANCE = f"studies/{STUDY}/series/{CT}/instances/{CT}.1"
WAITING = MOST_WAITING + STORING_THREADS
"""Requests that may wait at the most: those that send, and those that were refused while an instance is being sent."""

REQUESTS = WAITING + 2 * THREADS
"""More than may wait, by as many as would hold up all the other threads twice."""

HANGS = Answer(delay=600)
SOON = 10.0
"""Seconds in which everything else is answered: a third of the time that the archive has for an answer."""


@pytest.fixture
def origin() -> Iterator[Receiver]:
    """An archive that has one instance, and stores whatever it is sent."""
    with receiving() as receiver:
        receiver.answer(Answer.json([]))
        file = dicom_file(STUDY, CT, f"{CT}.1")
        stored = Answer(body=message([file]), headers={"Content-Type": RELATED})
        receiver.answer(stored, path=f"/{INSTANCE}")
        yield receiver


@pytest.fixture
def server(origin: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One worker beside it."""
    monkeypatch.setenv("ALBUMCORE_PACS_URL", origin.address)
    with serving(tmp_path, workers=1) as running:
        yield running


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client that has stored the instance."""
    with opened(tmp_path) as service:
        service.people.register("alice", "alice@clinic.example", "Alice")
        headers = bearer(service, "alice")
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=server.address, headers=headers, timeout=60, limits=limits) as made:
        assert upload(made, 1) == 200
        yield made


def upload(client: httpx.Client, number: int) -> int:
    """Store an instance, so short that it is handled by the same threads as other requests; return the status."""
    content = message([dicom_file(STUDY, CT, f"{CT}.{number}")])
    answer = client.post("/studies", content=content, headers={"Content-Type": RELATED})
    return refused(answer)


def retrieve(client: httpx.Client, number: int) -> int:
    """Retrieve the instance, and return the status."""
    return refused(client.get(f"/{INSTANCE}"))


def refused(answer: httpx.Response) -> int:
    """The status of an answer; a refusal says when to try again."""
    assert answer.headers.get("Retry-After") == ("5" if answer.status_code == 503 else None)
    return answer.status_code


@pytest.mark.parametrize(
    ("ask", "path"), [(retrieve, f"/{INSTANCE}"), (upload, "/studies")], ids=["read", "sent to"]
)
def test_albums_are_answered_while_the_archive_hangs(
    server: Server,
    client: httpx.Client,
    origin: Receiver,
    ask: Callable[[httpx.Client, int], int],
    path: str,
) -> None:
    """So many requests wait for it as may, and all others for images are refused with 503."""
    origin.answer(HANGS, path=path)
    with ThreadPoolExecutor(REQUESTS) as pool:
        waiting = {pool.submit(ask, client, number) for number in range(2, REQUESTS + 2)}
        try:
            while len(waiting) > WAITING:
                done, waiting = wait(waiting, SOON, FIRST_COMPLETED)
                assert {one.result() for one in done} == {503}
            assert client.get("/albums", timeout=SOON).status_code == 200
            assert ask(client, 1000) == 503
            assert waiting
        finally:
            server.kill()
