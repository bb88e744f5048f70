"""Images whose stored bytes are damaged, or that the disk has no room for."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from albumcore_adapters.http.errors import status_of
from albumcore_adapters.store import StoreDamaged, StoreFull, StoreReplaced
from support.logs import written
from support.tscharts import PIXEL, ROOT, Api, opened

PLACES = {"patients": [1], "clinics": [1], "stations": [1]}


@pytest.fixture(params=[False, True], ids=["in clear", "sealed"])
def seals(request: pytest.FixtureRequest) -> bool:
    """Whether images are sealed."""
    return bool(request.param)


@pytest.fixture
def api(tmp_path: Path, seals: bool) -> Iterator[Api]:
    """The API with its images in files."""
    with opened(tmp_path, PLACES, seals=seals, blobs=f"file://{tmp_path}/images") as api:
        yield api


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda file: os.truncate(file, 5),
    "emptied": lambda file: os.truncate(file, 0),
    "altered": _flip,
    "replaced": lambda file: _replace(file),
}


def _replace(file: Path) -> None:
    """Put another file of the same length in its place."""
    other = file.with_name("other")
    other.write_bytes(b"x" * file.stat().st_size)
    os.replace(other, file)


@pytest.mark.parametrize("was_shown", [False, True], ids=["first read", "shown before"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_never_shown(
    api: Api,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damage: str,
    was_shown: bool,
    seals: bool,
) -> None:
    """500, although it was shown before and nothing was recorded since; the log names the blob."""
    image = api.upload().json["id"]
    [digest] = api.service.blobs.digests()
    path = f"{ROOT}/image/{image}/"
    if was_shown:
        assert api.request("GET", path).json["data"] == PIXEL
    DAMAGES[damage](tmp_path / "images" / digest[:2] / digest[2:])
    caplog.clear()
    answer = api.request("GET", path, raise_faults=False)
    assert answer.status_code == 500
    assert answer.json["detail"].startswith("the stored bytes of this image are damaged; log id ")
    log = written(caplog)
    assert f"blob {digest}" in log
    assert answer.json["detail"].rpartition(" ")[2] in log
    assert api.request("HEAD", path, raise_faults=False).status_code == 500
    again = api.upload().json["id"]
    assert api.request("GET", f"{ROOT}/image/{again}/").json["data"] == PIXEL
    if not seals:  # its bytes were written again
        assert api.request("GET", path).json["data"] == PIXEL


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_for_an_image(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    """503 that says so, and nothing is recorded; once there is room, the same request succeeds."""
    before = api.position()

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        body = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL}
        answer = api.request("POST", f"{ROOT}/image/", body, raise_faults=False)
    assert answer.status_code == 503
    assert answer.json["detail"].startswith("the storage of this service is full")
    assert os.strerror(code) in written(caplog)
    assert api.position() == before
    assert api.upload().status_code == 200


def test_statuses_of_faults_of_the_store() -> None:
    """A full disk and a replaced file may pass, by hand if need be; damage does not."""
    assert [status_of(kind()) for kind in (StoreFull, StoreReplaced, StoreDamaged)] == [
        503,
        503,
        None,
    ]
