"""Garbage collection of blobs: only old blobs that no event refers to are removed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from albumcore.errors import DamagedStoredEvent, UnknownStoredEvent
from albumcore_adapters import cli
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.erasure.unreferenced import unreferenced_digests
from albumcore_adapters.service import open_service
from albumcore_adapters.store import database_of
from support.s3 import reached, serving_s3
from support.tscharts import ROOT, Api, opened

PLACES = {"patients": [1], "clinics": [1], "stations": [1]}
LATER = datetime.now(UTC) + timedelta(days=1)
Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``collect-blobs``; return its status, the lines it printed, and its errors."""

    def typed(*arguments: str | Path) -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "argv", ["albumcore", "collect-blobs", *map(str, arguments)])
        status = 0
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return typed


def _upload(api: Api, *contents: str) -> None:
    for data in contents:
        assert api.upload(data=data).status_code == 200


def test_unreferenced_are_those_of_no_event(tmp_path: Path) -> None:
    """A removed image is still referenced: past states remain readable."""
    with opened(tmp_path, PLACES) as api:
        _upload(api, "AAAA", "BBBB")
        api.request("DELETE", f"{ROOT}/image/1/")
        albums, blobs = api.service.albums, api.service.blobs
        waste = sorted(blobs.put(b"waste %d" % number) for number in range(3))
        found = list(unreferenced_digests(albums, blobs, LATER))
        assert found == [(digest, LATER) for digest in waste]
        assert list(unreferenced_digests(albums, blobs, LATER - timedelta(days=2))) == []


def test_unreferenced_when_it_comes_to_be_needed(tmp_path: Path) -> None:
    """An upload of the same bytes in clear during the collection renews the age of the blob, which remains."""
    with opened(tmp_path, PLACES, seals=False) as api:
        blobs = api.service.blobs
        digest = blobs.put(bytes(3))
        root = tmp_path / "blobs"
        os.utime(root / digest[:2] / digest[2:], (0, 0))
        moment = datetime.now(UTC) - timedelta(days=7)
        [(found, _)] = unreferenced_digests(api.service.albums, blobs, moment)
        _upload(api, "AAAA")
        assert not blobs.remove(found, moment)
        assert api.service.albums.verify(api.service.image_bytes.check) == []


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        ("state = CAST('{' AS BLOB)", DamagedStoredEvent),
        ("topic = 'images.image_replaced'", UnknownStoredEvent),
    ],
)
def test_unreferenced_beside_an_event_that_cannot_be_read(
    damage: str, error: type[Exception], tmp_path: Path
) -> None:
    """A damaged event, or one of a newer release, stops the collection: what it refers to is not known."""
    with opened(tmp_path, PLACES) as api:
        _upload(api, "AAAA")
        with database_of(api.service.albums).transaction(commit=True) as cursor:
            cursor.execute(f"UPDATE stored_events SET {damage}")
        with pytest.raises(error):
            next(unreferenced_digests(api.service.albums, api.service.blobs, LATER))


def test_collect_blobs_names_what_it_removes(run: Run, tmp_path: Path) -> None:
    """A dry run prints the same digests and removes nothing; blobs younger than a week remain."""
    with opened(tmp_path, PLACES) as api:
        _upload(api, "AAAA")
        blobs = api.service.blobs
        [kept] = blobs.digests()
        old, young = blobs.put(b"old"), blobs.put(b"young")
    for digest in (kept, old):
        file = tmp_path / "blobs" / digest[:2] / digest[2:]
        week = (datetime.now(UTC) - timedelta(days=7, minutes=1)).timestamp()
        os.utime(file, (week, week))
    last = "1 blobs that nothing refers to {} removed"
    assert run("--dry-run", "--data", tmp_path) == (0, [old, last.format("would be")], "")
    assert run("--older-than", "8", "--data", tmp_path)[1] == [
        last.format("were").replace("1", "0")
    ]
    assert run("--data", tmp_path) == (0, [old, last.format("were")], "")
    service = open_service(Settings(data=tmp_path))
    try:
        assert sorted(service.blobs.digests()) == sorted([kept, young])
        assert service.albums.verify(service.image_bytes.check) == []
    finally:
        service.close()


@pytest.mark.parametrize("days", ["0", "-1", "99999999999"])
def test_collect_blobs_needs_some_days(run: Run, tmp_path: Path, days: str) -> None:
    """An age of zero days is refused: it would remove the blobs of running uploads."""
    status, out, err = run("--older-than", days, "--data", tmp_path)
    assert (status, out, "1 to 36500 days" in err) == (2, [], True)


def test_collect_blobs_on_s3(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket is collected; if it does not respond, the status is 1 with a message."""
    with opened(tmp_path, PLACES):
        pass
    with serving_s3() as s3, reached(s3.address):
        bucket = s3.bucket()
        waste = "ab" * 32
        s3.write(bucket, f"albums/ab/{waste[2:]}", b"waste")
        s3.date(bucket, f"albums/ab/{waste[2:]}", datetime(2020, 1, 1, tzinfo=UTC))
        monkeypatch.setenv("ALBUMCORE_BLOBS", f"s3://{bucket}/albums")
        assert run("--data", tmp_path)[:2] == (
            0,
            [waste, "1 blobs that nothing refers to were removed"],
        )
        assert s3.keys(bucket) == []
        monkeypatch.setenv("ALBUMCORE_BLOBS", "s3://no-such-bucket")
        status, out, err = run("--data", tmp_path)
    assert (status, out) == (1, [])
    assert err.startswith("albumcore: image bytes cannot be reached: s3://no-such-bucket: the list")
    assert err.endswith("404 NoSuchBucket\n")
