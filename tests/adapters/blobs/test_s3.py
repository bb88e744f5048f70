"""Blobs on S3, beyond the port: requests, credentials and errors."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from falcon import testing

from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import (
    BlobMissing,
    Blobs,
    BlobsUnavailable,
    Digest,
    DirectoryBlobs,
    ImageBytes,
    open_blobs,
    s3,
)
from albumcore_adapters.http.app import create_app
from support.receiver import HANG_UP, Answer, receiving
from support.s3 import S3, blobs_at, reached, serving_s3
from support.tscharts import PIXEL, ROOT, opened

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
KEY = f"ba/{ABC[2:]}"
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "keep-images-on-s3.md"

LONG = 9_000_000
"""Bytes of a draft that is uploaded in parts."""


def drafted(blobs: Blobs, length: int) -> Digest:
    """Write a draft of zeros, and commit it."""
    draft = blobs.draft()
    draft.write(bytes(length))
    return draft.commit()


ASKED: dict[str, Callable[[Blobs], object]] = {
    "put": lambda blobs: blobs.put(b"abc"),
    "draft": lambda blobs: drafted(blobs, 3),
    "long draft": lambda blobs: drafted(blobs, LONG),
    "get": lambda blobs: blobs.get(ABC),
    "range": lambda blobs: blobs.read_range(ABC, 0, 1),
    "size": lambda blobs: blobs.size(ABC),
    "digests": lambda blobs: list(blobs.digests()),
    "check": lambda blobs: blobs.check(ABC, 3),
    "remove": lambda blobs: blobs.remove(ABC, datetime.now(UTC) + timedelta(days=1)),
}

REFUSAL = (
    "<Error><Code>ExpiredToken</Code><Message>old</Message>"
    "<CanonicalRequest>x-amz-security-token:verysecret</CanonicalRequest></Error>"
)
TROUBLE = {
    "server error": Answer(500),
    "hangs up": HANG_UP,
    "says nothing": Answer(delay=60),
    "refuses": Answer(403, REFUSAL.encode()),
    "is another server": Answer(404, b"<html>no such page</html>"),
    "ends early": Answer(
        headers={
            "Content-Length": "3",
            "ETag": '"x"',
            "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
        },
        body=b"a",
    ),
}


@pytest.fixture(scope="module")
def moto() -> Iterator[S3]:
    """The S3 server of all tests of this file."""
    with serving_s3() as server:
        yield server


# What is sent


def test_put_tells_s3_what_must_arrive() -> None:
    """A put is one request whose signed headers contain the SHA-256 of the body."""
    content = os.urandom(6_000_000)  # more than a part of an upload in parts
    with receiving() as receiver:
        receiver.answer(Answer(headers={"ETag": '"x"'}))
        digest = blobs_at(receiver.address, "images", "albums", seconds=60).put(content)
        [request] = receiver.requests
    assert (request.method, request.path) == ("PUT", f"/images/albums/{digest[:2]}/{digest[2:]}")
    assert request.body == content
    arrived = hashlib.sha256(request.body)
    assert base64.b64decode(request.headers["x-amz-checksum-sha256"]) == arrived.digest()
    signed = re.search("SignedHeaders=([^,]+)", request.headers["authorization"])
    assert signed is not None
    assert "x-amz-checksum-sha256" in signed[1].split(";")


def test_put_asks_again_before_it_gives_up() -> None:
    """A request is repeated after a transient error, which is not raised."""
    with receiving() as receiver:
        receiver.answer(Answer(503), HANG_UP, Answer(headers={"ETag": '"x"'}))
        assert blobs_at(receiver.address, seconds=60).put(b"abc") == ABC
        assert len(receiver.requests) == 3


def test_digests_go_through_all_pages(moto: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digests of all pages of the listing are returned in order, without the keys of other prefixes."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    bucket = moto.bucket()
    blobs = blobs_at(moto.address, bucket, "albums", seconds=60)
    kept = [blobs.put(bytes([number])) for number in range(8)]
    moto.write(bucket, f"albums2/{KEY}", b"abc")
    moto.write(bucket, KEY, b"abc")
    assert list(blobs.digests()) == sorted(kept)


# Who may


def _policy(bucket: str) -> str:
    """The policy that the documentation shows."""
    found = re.search(
        r"^```json\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return json.dumps(json.loads(found[1])).replace("clinic-images", bucket)


def test_key_with_the_documented_policy(moto: S3) -> None:
    """The documented policy permits what the service does, and no more."""
    bucket = moto.bucket()
    with moto.strict(_policy(bucket)) as key:
        blobs = blobs_at(moto.address, bucket, "albums", key, seconds=60)
        assert blobs.put(b"abc") == ABC
        assert (blobs.get(ABC), blobs.size(ABC), blobs.check(ABC, 3)) == (b"abc", 3, None)
        assert list(blobs.digests()) == [ABC]
        assert drafted(blobs, 3) == drafted(blobs, 3)
        assert drafted(blobs, LONG) == drafted(blobs, LONG)
        assert blobs.check("0" * 64, 3) == "missing"
        with pytest.raises(BlobMissing):
            blobs.size("0" * 64)
        with pytest.raises(BlobsUnavailable, match="AccessDenied"):
            ASKED["remove"](blobs)
        elsewhere = blobs_at(moto.address, bucket, "others", key, seconds=60)
        with pytest.raises(BlobsUnavailable, match="403 AccessDenied"):
            elsewhere.put(b"abc")


WRONG = {
    "AWS_SECRET_ACCESS_KEY": "SignatureDoesNotMatch",
    "AWS_ACCESS_KEY_ID": "InvalidAccessKeyId",
}


@pytest.mark.parametrize(
    ("asked", "part", "code"),
    [
        *((asked, part, code) for part, code in WRONG.items() for asked in ("put", "get")),
        # The answer to a HEAD has no body, and so no reason.
        ("size", "AWS_SECRET_ACCESS_KEY", None),
        ("digests", "AWS_SECRET_ACCESS_KEY", "SignatureDoesNotMatch"),
    ],
)
def test_key_that_is_wrong(moto: S3, asked: str, part: str, code: str | None) -> None:
    """Refused credentials raise an error that names the request, and never mean a missing blob."""
    bucket = moto.bucket()
    moto.write(bucket, KEY, b"abc")
    with moto.strict(_policy(bucket)) as key:
        wrong = key | {part: "AKIAWRONGWRONGWRONG1"}
        blobs = blobs_at(moto.address, bucket, credentials=wrong, seconds=60)
        with pytest.raises(BlobsUnavailable, match=rf"^s3://{bucket}: .* 403") as refused:
            ASKED[asked](blobs)
    assert refused.value.code == code
    assert "AKIAWRONG" not in str(refused.value)


# When S3 does not answer


@pytest.mark.parametrize(
    ("asked", "trouble"),
    [
        *(("get", trouble) for trouble in TROUBLE),
        ("put", "says nothing"),
        *((asked, "refuses") for asked in ("put", "draft", "long draft")),
        ("check", "ends early"),
        *((asked, "is another server") for asked in ASKED if asked != "get"),
        *((asked, "hangs up") for asked in ("put", "digests", "remove", "draft", "long draft")),
    ],
)
def test_trouble_with_s3(asked: str, trouble: str) -> None:
    """Every method raises the same error for every fault, within the time limit and without secrets."""
    with receiving() as receiver:
        receiver.answer(TROUBLE[trouble])
        started = time.monotonic()
        with pytest.raises(BlobsUnavailable) as told:
            ASKED[asked](blobs_at(receiver.address))
        assert time.monotonic() - started < 10
    assert "verysecret" not in "".join(traceback.format_exception(told.value))
    assert str(told.value).count("\n") == 0


@pytest.mark.parametrize("asked", ASKED)
def test_bucket_that_is_not_there(moto: S3, asked: str) -> None:
    """A missing bucket is also answered 404, but does not mean a missing blob."""
    with pytest.raises(BlobsUnavailable, match="404 NoSuchBucket"):
        ASKED[asked](blobs_at(moto.address, "no-such-bucket", seconds=60))


def test_check_of_an_archived_blob(moto: S3) -> None:
    """An archived blob is a finding of the check, which continues with the next blob."""
    bucket = moto.bucket()
    blobs = blobs_at(moto.address, bucket, seconds=60)
    blobs.put(b"abc")
    moto.archive(bucket, KEY)
    assert blobs.check(ABC, 3) == "cannot be read: InvalidObjectState"


def test_s3_asked_before_a_fork(moto: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use after a fork raises: the child would wait for threads that only its parent has."""
    monkeypatch.setattr(s3, "_process", os.getppid())
    with pytest.raises(RuntimeError, match="forked"):
        blobs_at(moto.address).get(ABC)


# Opening


def test_open_blobs_where_the_settings_say(tmp_path: Path) -> None:
    """The settings choose the data directory, another directory, or S3."""
    settings = Settings(data=tmp_path / "data")
    assert open_blobs(settings) == DirectoryBlobs(tmp_path / "data" / "blobs")
    there = evolve(settings, blobs=f"file://{tmp_path}/a%20b")
    assert open_blobs(there) == DirectoryBlobs(tmp_path / "a b")
    with reached("http://127.0.0.1:1"):
        for place in ("s3://images", "s3://images/of/albums"):
            opened_there = open_blobs(evolve(settings, blobs=place))
            assert isinstance(opened_there, s3.S3Blobs)
            assert opened_there.place == place


def test_open_blobs_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is refused with a message that says what to install."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "albumcore_adapters.blobs.s3")
    with pytest.raises(SettingsError, match=r"^ALBUMCORE_BLOBS: .*'albumcore\[s3\]'"):
        open_blobs(Settings(data=tmp_path, blobs="s3://images"))


@pytest.mark.parametrize(
    ("variable", "text", "named"),
    [
        ("AWS_ENDPOINT_URL", "minio.example", "AWS_ENDPOINT_URL"),
        ("AWS_ENDPOINT_URL", "", "AWS_ENDPOINT_URL"),
        ("AWS_ENDPOINT_URL_S3", "https://me:secret@minio.example", "AWS_ENDPOINT_URL_S3"),
        ("AWS_ENDPOINT", "http://minio.example:none", "AWS_ENDPOINT"),
        ("AWS_REGION", "eu central", "AWS_REGION"),
        ("AWS_S3_EXPRESS", "perhaps", "ALBUMCORE_BLOBS"),
    ],
)
def test_open_blobs_with_a_bad_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, named: str
) -> None:
    """An invalid variable is refused by its name at the start, and its value is not quoted."""
    with reached("http://127.0.0.1:1"):
        monkeypatch.setenv(variable, text)
        with pytest.raises(SettingsError, match=f"^{named}: expected") as refused:
            open_blobs(Settings(data=tmp_path, blobs="s3://images"))
    assert "secret" not in str(refused.value)


# Over HTTP


PLACES: dict[str, Any] = {"patients": [1], "clinics": [1], "stations": [1]}
IMAGES: dict[str, Any] = {"images": [{"id": 1, "patient": 1, "clinic": 1, "station": 1}]}


def test_image_on_s3(moto: S3, tmp_path: Path) -> None:
    """An image is uploaded, returned and verified on S3, and no byte of it is in the data directory."""
    bucket = moto.bucket()
    with reached(moto.address), opened(tmp_path, PLACES, blobs=f"s3://{bucket}/albums") as api:
        assert api.upload().json == {"id": 1}
        assert api.request("GET", f"{ROOT}/image/1/").json["data"] == PIXEL
        [digest] = api.service.blobs.digests()
        assert moto.keys(bucket) == [f"albums/{digest[:2]}/{digest[2:]}"]
        verify = api.service.albums.verify
        assert verify(api.service.image_bytes.check) == []
        moto.write(bucket, moto.keys(bucket)[0], b"other bytes")
        assert [
            line.partition(": wrong ")[0] for line in verify(api.service.image_bytes.check)
        ] == ["images-1 version 1: image 1"]


@pytest.mark.parametrize("trouble", ["server error", "hangs up", "says nothing"])
def test_image_while_s3_is_in_trouble(tmp_path: Path, trouble: str) -> None:
    """Uploads are answered 503 and record nothing; routes without image bytes work."""
    with opened(tmp_path, PLACES | IMAGES) as api, receiving() as receiver:
        before = api.position()
        receiver.answer(TROUBLE[trouble])
        away = evolve(api.service, image_bytes=ImageBytes(blobs_at(receiver.address)))
        cut_off = evolve(api, client=testing.TestClient(create_app(away)))
        body = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL}
        answers = [
            cut_off.request("GET", f"{ROOT}/image/1/", raise_faults=False),
            cut_off.request("POST", f"{ROOT}/image/", body, raise_faults=False),
        ]
        assert [one.status_code for one in answers] == [503, 503]
        for one in answers:
            assert re.fullmatch(r'\{"detail":"log id [A-Za-z0-9]{20}"\}', one.text)
        assert cut_off.request("GET", f"{ROOT}/image/?patient=1").json == [1]
        assert api.position() == before
