"""``Idempotency-Key``: an upload that comes again gets the answer of the first, and is recorded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from albumcore import add_image
from albumcore_adapters.base.settings import Compat, Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import open_service
from support.named import NAMED
from support.templates import place
from support.tscharts import PIXEL, ROOT, Api, opened

COVERS = ("POST /tscharts/v1/image",)

GIVEN = {"patients": [1, 2], "clinics": [1], "stations": [1]}
IMAGE = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL}
OTHER = {**IMAGE, "type": "Surgery"}
USED = {"detail": "Idempotency-Key: this key came with another request before"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A clinic, a station and two patients."""
    with opened(tmp_path, GIVEN) as found:
        yield found


@contextmanager
def elsewhere(api: Api, **settings: Any) -> Iterator[Api]:
    """The same store in another process, as far as can be told."""
    where = place(api.service.settings.data)
    service = open_service(Settings(**where, **settings), clock=api.clock)
    client = falcon.testing.TestClient(create_app(service), headers=NAMED)
    yield Api(service, client, api.clock, api.token)
    service.close()


def send(
    api: Api, key: str = "again", body: object = IMAGE, token: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Send an upload with a key; all that is answered."""
    headers = {"Authorization": f"Token {token or api.token}", "Idempotency-Key": key}
    answer = api.request("POST", f"{ROOT}/image/", body, headers=headers)
    return answer.status_code, dict(answer.headers), answer.content


def added(api: Api) -> list[int]:
    """The ids of the images that were ever added."""
    return [one["says"]["image_id"] for one in api.recorded() if "image_id" in one["says"]]


def test_an_upload_that_comes_again(api: Api) -> None:
    """The same answer to the letter, one event, and no number of an image wasted: here, and in another process."""
    first = send(api)
    assert (first[0], first[2]) == (200, b'{"id":1}')
    assert send(api) == first
    with elsewhere(api) as other:
        assert send(other) == first
    assert send(api, key='"again"') == first
    assert added(api) == [1]
    assert api.upload().json == {"id": 2}
    assert api.service.albums.verify(api.service.image_bytes.check) == []


@pytest.mark.parametrize("path", [f"{ROOT}/image/1/", f"{ROOT}/patient/1/"])
def test_where_nothing_is_left_of_it(path: str, api: Api) -> None:
    """The image was removed since, or its patient: the upload was one all the same, and is not made again."""
    first = send(api)
    assert api.request("DELETE", path).status_code == 200
    before, kept = api.position(), list(api.service.blobs.digests())
    assert send(api) == first
    assert (api.position(), list(api.service.blobs.digests())) == (before, kept)


def test_a_key_is_of_one_upload(api: Api) -> None:
    """With another body it is 409 and names the header, and nothing of it is kept."""
    send(api)
    before, kept = api.position(), list(api.service.blobs.digests())
    for body in (
        OTHER,
        {**IMAGE, "data": "AAAA"},
        {**IMAGE, "patient": 2},
        {**IMAGE, "more": 1},
        {},
    ):
        answer = api.request(
            "POST",
            f"{ROOT}/image/",
            body,
            headers={"Authorization": f"Token {api.token}", "Idempotency-Key": "again"},
        )
        assert (answer.status_code, answer.json) == (409, USED)
    assert (api.position(), list(api.service.blobs.digests())) == (before, kept)
    assert send(api, "another", OTHER)[2] == b'{"id":2}'


def test_the_same_body_in_another_order(api: Api) -> None:
    """It is what the fields say that counts."""
    first = send(api)
    assert send(api, body=dict(reversed(IMAGE.items()))) == first


def test_a_key_is_of_one_account(api: Api) -> None:
    """Nobody meets the keys of others."""
    accounts = api.service.accounts
    doctor = accounts.token(accounts.add("doctor", "correct horse"))
    assert [send(api)[2], send(api, token=doctor)[2]] == [b'{"id":1}', b'{"id":2}']
    assert send(api, token=doctor)[2] == b'{"id":2}'


@pytest.mark.parametrize("compat", ["documented", "upstream"])
def test_two_at_the_same_moment(
    compat: Compat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes while the first is decided on, in another process: one event, and the same answer to both."""
    add: Callable[..., Any] = add_image
    others: list[Any] = []
    with opened(tmp_path, GIVEN, compat=compat) as api, elsewhere(api, compat=compat) as other:

        def slowly(*args: Any) -> Any:
            monkeypatch.undo()
            others.append(send(other))
            return add(*args)

        monkeypatch.setattr("albumcore_adapters.http.tscharts.images.add_image", slowly)
        first = send(api)
        assert others == [first]
        assert len(added(api)) == 1
        assert f'{{"id":{added(api)[0]}}}'.encode() == first[2]


def test_a_refusal_is_not_remembered(api: Api) -> None:
    """The same key and body, refused at first, may succeed when things have changed."""
    missing = {**IMAGE, "station": 2}
    assert send(api, body=missing)[0] == 404
    assert api.request("POST", f"{ROOT}/station/", {"name": "Two"}).json == {"id": 2}
    assert send(api, body=missing)[2] == b'{"id":1}'


@pytest.mark.parametrize("key", ["", '"', "a b", "x" * 256])
def test_a_malformed_key(key: str, api: Api) -> None:
    """It is 400, and names the header; to whom nobody knows, it is 401 all the same; elsewhere it is ignored."""
    status, _, body = send(api, key)
    assert (status, body.startswith(b'{"detail":"Idempotency-Key: ')) == (400, True)
    assert send(api, key, token="no")[0] == 401
    headers = {"Authorization": f"Token {api.token}", "Idempotency-Key": key}
    answer = api.request("POST", f"{ROOT}/station/", {"name": "Two"}, headers=headers)
    assert answer.json == {"id": 2}
    assert added(api) == []


def test_a_body_that_nests_too_deep(api: Api) -> None:
    """It is as bad with a key as without."""
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    assert send(api, body={**IMAGE, "more": deep})[0] == 400
    assert api.recorded() == []
