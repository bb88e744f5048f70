"""Request bodies of every length and kind."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.http.body import DROPPED, READ_OFF
from albumcore_adapters.http.tscharts.body import MOST_VALUES
from support.tscharts import PIXEL, ROOT, Api, opened

MIB = 1024 * 1024
IMAGE = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL}
ROUTES = ["image", "clinic", "station", "patient", "login"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
image_fields = st.fixed_dictionaries(
    {}, optional={name: json_values | st.just(value) for name, value in IMAGE.items()}
)


def _padded(length: int) -> bytes:
    """A valid upload of exactly this many bytes."""
    body = json.dumps(IMAGE).encode()
    return body + b" " * (length - len(body))


class Sent(io.BytesIO):
    """A body as a server hands it over; `reset` stands for a client that goes, or a chunk that is malformed."""

    reset: Exception | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Like the server: what there is, and then the end, or trouble."""
        piece = super().read(size)
        if not piece and self.reset is not None:
            raise self.reset
        return piece


CHUNKS = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
"""As a server says that a body comes in chunks, whose end it marks itself."""


def _chunked(api: Api, body: Sent) -> Any:
    """Upload a body of no announced length, from a server that marks its end itself."""
    extras = {"wsgi.input": body, **CHUNKS}
    return api.request("POST", f"{ROOT}/image/", extras=extras)


def test_large_upload_is_taken_and_comes_back(api: Api) -> None:
    """2.7 MB, more than the deployed servers take, come back byte for byte."""
    data = base64.b64encode(bytes(range(256)) * 8000).decode("ascii")
    assert len(data) > 2_700_000
    image_id = api.upload(data=data).json["id"]
    assert api.request("GET", f"{ROOT}/image/{image_id}/").json["data"] == data


def test_upload_beyond_32_mib(api: Api) -> None:
    """An upload of 33 MiB is refused with 413, and leaves nothing."""
    answer = api.upload(data="A" * (33 * MIB))
    assert answer.status_code == 413
    assert answer.json == {"detail": f"the body is larger than {32 * MIB} bytes"}
    assert api.recorded() == []
    assert list(api.service.blobs.digests()) == []


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Api]:
    """The API with room for 1 KiB."""
    given = {"patients": [1], "clinics": [1], "stations": [1]}
    with opened(tmp_path, given, max_upload="1KiB") as api:
        yield api


@pytest.mark.parametrize(("length", "status"), [(1024, 200), (1025, 413)])
def test_body_at_the_limit(narrow: Api, length: int, status: int) -> None:
    """The limit counts the bytes of the body, and the last one that fits is taken; in chunks, too."""
    body = _padded(length)
    assert narrow.request("POST", f"{ROOT}/image/", body).status_code == status
    assert _chunked(narrow, Sent(body)).status_code == status


@pytest.mark.parametrize(
    ("route", "limit"),
    [(route, 64 * 1024) for route in ("clinic", "station", "patient")] + [("login", 4 * 1024)],
)
def test_limit_of_every_other_route(api: Api, route: str, limit: int) -> None:
    """Only an image needs much room: every other body is 64 KiB at most, and 4 KiB where no token is needed.

    What is too large is refused before it is read, whatever it holds.
    """
    refused = Sent(_padded(limit + 1))
    extras = {"wsgi.input": refused, "CONTENT_LENGTH": str(limit + 1), READ_OFF: True}
    answer = api.request("POST", f"{ROOT}/{route}/", extras=extras)
    assert (answer.status_code, answer.json) == (
        413,
        {"detail": f"the body is larger than {limit} bytes"},
    )
    assert refused.tell() == 0
    assert api.request("POST", f"{ROOT}/{route}/", _padded(limit)).status_code == 400


def test_body_that_comes_too_slowly(api: Api) -> None:
    """A server that has waited long enough for a body has it refused with 408."""
    body = Sent(_padded(500))
    body.reset = TimeoutError()
    answer = _chunked(api, body)
    assert (answer.status_code, answer.json) == (
        408,
        {"detail": "the body arrived too slowly, or is incomplete"},
    )
    assert api.recorded() == []


@pytest.mark.parametrize("value", [b"{}", b"[]", b'""', b"7"])
def test_upload_of_very_many_values(api: Api, value: bytes) -> None:
    """Room for the text of an image is none for a million of small values, which take many times their bytes."""
    body = b'{"a":[' + b",".join([value] * 1_000_000) + b"]}"
    answer = api.request("POST", f"{ROOT}/image/", body)
    assert answer.status_code == 400
    assert answer.json == {"detail": f"the body holds more than {MOST_VALUES} values"}


def test_body_in_chunks_is_taken(api: Api) -> None:
    """A body in chunks, which has no Content-Length, is read to its end."""
    assert _chunked(api, Sent(_padded(3 * MIB))).json == {"id": 1}


def test_refused_body_is_read_to_its_end(api: Api) -> None:
    """What a refusal has no use for is read all the same, so that the client comes to read the answer."""
    refused = Sent(_padded(40 * MIB))
    assert _chunked(api, refused).status_code == 413
    assert refused.tell() == 40 * MIB

    of_a_stranger = Sent(_padded(3 * MIB))
    extras = {"wsgi.input": of_a_stranger, **CHUNKS}
    answer = api.request("POST", f"{ROOT}/image/", headers={}, extras=extras)
    assert answer.status_code == 401
    assert of_a_stranger.tell() == 3 * MIB


@pytest.mark.parametrize("path", ["/albums", "/nothing/there"])
def test_refused_body_of_the_other_api_is_read_to_its_end(api: Api, path: str) -> None:
    """The Kheops routes read it too, unless the server says that it does."""
    for extra, read in (({}, 3 * MIB), ({READ_OFF: True}, 0)):
        body = Sent(_padded(3 * MIB))
        extras = {"wsgi.input": body, **CHUNKS, **extra}
        assert api.request("POST", path, headers={}, extras=extras).status_code in (401, 404)
        assert body.tell() == read


def test_body_on_get_is_read_to_its_end(api: Api) -> None:
    """A body that a client sends with a GET is dropped, for the same reason."""
    body = Sent(b"{}")
    extras = {"wsgi.input": body, **CHUNKS}
    assert api.request("GET", f"{ROOT}/patient/", extras=extras).json == [1, 2]
    assert body.tell() == 2


def test_endless_body_is_given_up(api: Api) -> None:
    """Somewhere it is enough, even for politeness."""

    class Endless(Sent):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            self.taken += size
            return bytes(size)

    body = Endless()
    assert _chunked(api, body).status_code == 413
    assert body.taken == 32 * MIB + 1 + DROPPED


@pytest.mark.parametrize("announced", [len(_padded(500)) + 1, 5 * MIB])
def test_body_shorter_than_announced(api: Api, announced: int) -> None:
    """A body that ends before its announced length is refused, even if it is complete JSON, and leaves nothing."""
    extras = {"CONTENT_LENGTH": str(announced)}
    answer = api.request("POST", f"{ROOT}/image/", _padded(500), extras=extras)
    assert (answer.status_code, answer.json) == (400, {"detail": "the body ended early"})
    assert api.recorded() == []


@pytest.mark.parametrize("reset", [OSError("gone"), ValueError("bad chunk")])
def test_body_that_cannot_be_read(api: Api, reset: Exception) -> None:
    """A client that goes, or a malformed chunk, is no fault of the server's, and leaves nothing."""
    body = Sent(_padded(500))
    body.reset = reset
    answer = _chunked(api, body)
    assert (answer.status_code, answer.json) == (
        400,
        {"detail": "the body could not be read completely"},
    )
    assert api.recorded() == []


@pytest.mark.parametrize("route", ROUTES)
@given(body=json_values)
def test_any_json_is_answered(shared_api: Api, route: str, body: object) -> None:
    """No JSON value is more than a route can answer: `Api.request` fails on a 5xx."""
    shared_api.request("POST", f"{ROOT}/{route}/", body)


@given(
    body=st.binary()
    | st.builds(lambda a, b: a + b, st.just(json.dumps(IMAGE).encode()), st.binary(min_size=1))
)
def test_any_bytes_are_answered(shared_api: Api, body: bytes) -> None:
    """No bytes are, either."""
    shared_api.request("POST", f"{ROOT}/image/", body)


@given(changes=image_fields)
def test_upload_is_recorded_or_leaves_nothing(
    shared_upstream_api: Api, changes: dict[str, object]
) -> None:
    """Whatever the fields hold, an upload is answered 200 and recorded once, or refused and not recorded."""
    before = shared_upstream_api.position()
    answer = shared_upstream_api.request("POST", f"{ROOT}/image/", {**IMAGE, **changes})
    recorded = shared_upstream_api.recorded(after=before)
    assert len(recorded) == (answer.status_code == 200)
    assert answer.status_code in (200, 400, 404)


@given(
    query=st.dictionaries(
        st.sampled_from(["patient", "clinic", "station", "type", "sort", "newest"]),
        st.text() | st.sampled_from(["1", "true", "Xray"]),
    )
)
def test_any_query_is_answered(shared_api: Api, query: dict[str, str]) -> None:
    """No query is more than the search can answer."""
    answer = shared_api.client.simulate_get(
        f"{ROOT}/image/", params=query, headers={"Authorization": f"Token {shared_api.token}"}
    )
    assert answer.status_code in (200, 400, 404)
