"""Images whose bytes are sealed: clients notice nothing, and the files show nothing."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from albumcore import Albumcore, CommandKey, ImageAdded, Source, add_image
from albumcore.ids import PatientId, UserId
from albumcore.image_sets import ImageType
from albumcore.streams import patient_stream
from albumcore_adapters.blobs import ImageBytes
from albumcore_adapters.blobs.image_bytes import stored_length
from albumcore_adapters.blobs.sealed import sealed_length
from albumcore_adapters.erasure.unreferenced import unreferenced_digests
from support.residue import residue_of_directory
from support.tscharts import PIXEL, ROOT, Api, opened

PLACES = {"patients": [1], "clinics": [1], "stations": [1]}
IMAGE = random.Random(3).randbytes(150_000)
TEXTS = {
    "canonical base64": base64.b64encode(IMAGE).decode(),
    "base64 with line breaks": base64.encodebytes(IMAGE).decode(),
    "a short one": PIXEL,
}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The API with sealed images in files."""
    with opened(tmp_path / "data", PLACES, seals=True) as api:
        yield api


def added(api: Api, image_id: int) -> ImageAdded:
    """The event that added an image."""
    [event] = [
        one.event
        for _, one in api.service.albums.follow()
        if isinstance(one.event, ImageAdded) and one.event.image_id == image_id
    ]
    return event


@pytest.mark.parametrize("text", TEXTS)
def test_answers_are_those_of_a_store_in_clear(api: Api, tmp_path: Path, text: str) -> None:
    """Byte for byte, of the upload and of the image; and no file of the images tells what is in it."""
    with opened(tmp_path / "clear", PLACES, seals=False) as clear:
        for one in (api, clear):
            assert one.upload(data=TEXTS[text]).json == {"id": 1}
        path = f"{ROOT}/image/1/"
        answers = [one.request("GET", path) for one in (api, clear)]
        assert answers[0].content == answers[1].content
        assert dict(answers[0].headers) == dict(answers[1].headers)
    secrets: dict[str, str | bytes] = {"bytes": IMAGE, "pixel": base64.b64decode(PIXEL)}
    assert residue_of_directory(api.service.settings.data / "blobs", secrets) == []
    assert residue_of_directory(tmp_path / "clear" / "blobs", secrets) != []


def test_the_event_has_the_key(api: Api) -> None:
    """With the digest of the sealed bytes, and the length of the image."""
    api.upload(data=TEXTS["canonical base64"])
    event = added(api, 1)
    [digest] = api.service.blobs.digests()
    assert (event.content.digest, event.content.length) == (digest, len(IMAGE))
    assert stored_length(event) == api.service.blobs.size(digest) == sealed_length(len(IMAGE))
    assert isinstance(event.key, str)
    assert event.key not in repr(event)
    assert api.service.image_bytes.get(event) == IMAGE
    assert api.service.albums.verify(api.service.image_bytes.check) == []


def test_equal_images_are_stored_apart(api: Api) -> None:
    """So that one can be forgotten without the other."""
    api.upload()
    api.upload()
    assert len(set(api.service.blobs.digests())) == 2
    assert added(api, 1).key != added(api, 2).key


def test_an_upload_that_comes_again_before_the_first_is_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds the first one, although its sealed bytes are others; those are collected later."""
    headers = {"Authorization": f"Token {api.token}", "Idempotency-Key": "once"}
    body = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL}
    first = api.request("POST", f"{ROOT}/image/", body, headers=headers)
    find, looks = Albumcore.done_before, iter([False])

    def look(albums: Albumcore, command: CommandKey) -> object:
        """Find nothing at the first look, which comes before the bytes are stored."""
        return find(albums, command) if next(looks, True) else ()

    monkeypatch.setattr(Albumcore, "done_before", look)
    second = api.request("POST", f"{ROOT}/image/", body, headers=headers)
    assert second.json == first.json == {"id": 1}
    later = datetime.now(UTC) + timedelta(hours=1)
    orphans = [one for one, _ in unreferenced_digests(api.service.albums, api.service.blobs, later)]
    assert {added(api, 1).content.digest, *orphans} == set(api.service.blobs.digests())
    assert len(orphans) == 1
    assert api.service.blobs.remove(orphans[0], later)
    assert api.request("GET", f"{ROOT}/image/1/").json["data"] == PIXEL


def test_images_of_both_kinds_in_one_store(api: Api) -> None:
    """An image that was stored in clear is shown as before."""
    api.upload()
    in_clear, _ = ImageBytes(api.service.blobs).put(b"in clear")
    stream, nurse = patient_stream(PatientId(1)), Source(UserId("tscharts-1"))
    image_id = api.service.albums.next_image_id()
    api.service.albums.handle(stream, add_image, nurse, image_id, 1, 1, ImageType.XRAY, in_clear)
    shown = [api.request("GET", f"{ROOT}/image/{image}/").json["data"] for image in (1, 2)]
    assert shown == [PIXEL, base64.b64encode(b"in clear").decode()]
    assert [added(api, image).key is None for image in (1, 2)] == [False, True]
    assert api.service.albums.verify(api.service.image_bytes.check) == []
