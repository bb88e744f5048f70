"""Images over HTTP, beyond what the tables of the documented API say."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore import ImageAdded, delete_patient
from albumcore.ids import PatientId, UserId
from albumcore.kernel import Source
from albumcore.streams import patient_stream
from albumcore_adapters.blobs import ImageBytes
from albumcore_adapters.blobs.text_encoding import decode_text
from albumcore_adapters.store import database_of
from support.tscharts import PIXEL, ROOT, Api, opened

PLACES = {"patients": [1, 2], "clinics": [1], "stations": [1]}

# Hypothesis alone hardly ever makes long contents.
long_contents = st.builds(
    lambda seed, length: Random(seed).randbytes(length), st.integers(), st.integers(1, 48 * 1024)
)
contents = st.binary(min_size=1) | long_contents


def _wrapped(text: str, width: int, newline: str) -> str:
    return newline.join(text[start : start + width] for start in range(0, len(text), width))


base64_texts = contents.map(lambda content: base64.b64encode(content).decode("ascii"))
wrapped_texts = st.builds(
    lambda text, width, newline, end: _wrapped(text, width, newline) + end,
    base64_texts,
    st.integers(1, 76),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\r\n", "="]),
)
unpadded_texts = base64_texts.map(lambda text: text.rstrip("="))


def _comes_back(api: Api, data: str) -> bool:
    image_id = api.upload(data=data).json["id"]
    return bool(api.request("GET", f"{ROOT}/image/{image_id}/").json["data"] == data)


def test_an_id_that_is_given_again_is_passed_over(api: Api) -> None:
    """After a crash the last numbers may be forgotten that uploads under way carry: the next upload takes another."""
    first = api.upload().json["id"]
    with database_of(api.service.albums).transaction(commit=True) as cursor:
        cursor.execute("UPDATE numbers SET given = given - 1")
    second = api.upload()
    assert second.status_code == 200
    assert second.json["id"] != first


@given(data=base64_texts | wrapped_texts | unpadded_texts)
def test_base64_comes_back_byte_for_byte(shared_api: Api, data: str) -> None:
    """Any base64 comes back as it was sent: with line breaks or without, padded or not."""
    assert _comes_back(shared_api, data)


@given(data=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back_upstream(shared_upstream_api: Api, data: str) -> None:
    """As upstream has it, any text is taken, and comes back."""
    assert _comes_back(shared_upstream_api, data)


@pytest.mark.parametrize(("seals", "blobs"), [(False, 1), (True, 2)], ids=["in clear", "sealed"])
def test_same_bytes_of_two_images(tmp_path: Path, seals: bool, blobs: int) -> None:
    """In clear, two uploads of the same picture are two images of one blob; deleting one leaves the other."""
    with opened(tmp_path, PLACES, seals=seals) as api:
        api.upload()
        api.upload(patient=2)
        assert len(list(api.service.blobs.digests())) == blobs
        api.request("DELETE", f"{ROOT}/image/1/")
        assert api.request("GET", f"{ROOT}/image/2/").json["data"] == PIXEL


def test_event_says_what_the_bytes_are(api: Api) -> None:
    """An event holds the digest, length and media type of the decoded bytes, not the bytes."""
    api.upload()
    [event] = api.recorded()
    stored, _ = decode_text(PIXEL)
    assert event["says"]["content"] == {
        "digest": next(api.service.blobs.digests()),
        "length": len(stored),
        "media_type": "image/png",
        "encoding": "base64",
    }


def test_patient_deleted_while_an_image_is_uploaded(api: Api) -> None:
    """Who is deleted between the look at the directory and the write gets no image, and the client 404.

    The row is still there while the image set is closed already: the moment in between.
    """
    _close(api)
    answer = api.upload()
    assert (answer.status_code, answer.text) == (404, '{"detail":"Not found."}')
    assert [one["stored"] for one in api.recorded()] == ["images.patient_deleted"]


def test_delete_that_stopped_halfway_can_be_done_again(api: Api) -> None:
    """After a crash between image set and directory the images are hidden, and deleting again ends it."""
    api.upload()
    _close(api)
    before = api.position()
    assert api.request("GET", f"{ROOT}/image/1/").status_code == 404
    assert api.request("DELETE", f"{ROOT}/patient/1/").text == "{}"
    assert api.request("GET", f"{ROOT}/patient/1/").status_code == 404
    assert api.recorded(after=before) == []


def _close(api: Api) -> None:
    source = Source(UserId("tscharts-9"))
    stream = patient_stream(PatientId(1))
    api.service.albums.handle(stream, delete_patient, source)


@pytest.mark.on_sqlite
def test_delete_that_the_directory_fails_at(api: Api) -> None:
    """A delete that fails at the directory hides no image: the patient and the images go together, or stay."""
    api.upload()
    before = api.position()
    with database_of(api.service.albums).transaction(commit=True) as cursor:
        cursor.execute(
            "CREATE TRIGGER full BEFORE DELETE ON directory_patient BEGIN"
            " SELECT RAISE(ABORT, 'disk is full'); END"
        )
    answer = api.request("DELETE", f"{ROOT}/patient/1/", raise_faults=False)
    assert answer.status_code == 409  # a constraint of a projection is a conflict
    assert api.recorded(after=before) == []
    assert api.request("GET", f"{ROOT}/image/1/").status_code == 200
    assert api.request("GET", f"{ROOT}/patient/1/").status_code == 200


def test_upload_whose_bytes_cannot_be_kept(api: Api) -> None:
    """No event speaks of bytes that did not reach the disk."""
    (api.service.settings.data / "blobs").rmdir()
    body = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL}
    answer = api.request("POST", f"{ROOT}/image/", body, raise_faults=False)
    assert answer.status_code == 500
    assert api.recorded() == []


def test_id_of_thousands_of_digits(api: Api) -> None:
    """A number longer than Python converts is the id of nothing, in a body as in a path."""
    many = "1" * 5000
    assert api.upload(patient=many).status_code == 404
    assert api.request("GET", f"{ROOT}/image/{many}/").status_code == 404
    assert api.request("GET", f"{ROOT}/image/?patient={many}").status_code == 404


def test_missing_bytes_are_a_fault(api: Api) -> None:
    """An image whose bytes are gone is damage: 500, with the id under which it is in the log."""
    api.upload()
    [digest] = api.service.blobs.digests()
    (api.service.settings.data / "blobs" / digest[:2] / digest[2:]).unlink()
    answer = api.request("GET", f"{ROOT}/image/1/", raise_faults=False)
    assert answer.status_code == 500
    assert re.fullmatch(r'\{"detail":"log id [A-Za-z0-9]{20}"\}', answer.text)


def test_ids_are_never_given_twice(api: Api) -> None:
    """A new image has a higher id than any before it, deleted ones included."""
    assert api.upload().json == {"id": 1}
    api.request("DELETE", f"{ROOT}/image/1/")
    assert api.upload().json == {"id": 2}


def test_nothing_is_held_while_bytes_are_on_their_way(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be long in coming: the database is not kept from cleaning up meanwhile."""
    api.upload()
    database = api.service.database
    held: list[bool] = []
    get = ImageBytes.get

    def slow(image_bytes: ImageBytes, added: ImageAdded) -> bytes | bytearray:
        held.append(database.in_read_snapshot())
        return bytes(get(image_bytes, added))

    monkeypatch.setattr(ImageBytes, "get", slow)
    assert api.request("GET", f"{ROOT}/image/1/").status_code == 200
    assert held == [False]
