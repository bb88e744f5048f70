"""Patients at the pages: the search, the gallery, one picture, and all that is done to them."""

from __future__ import annotations

import base64
import io
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import falcon
import pytest
from PIL import Image

from albumcore import ImageAdded
from albumcore.ids import ImageId
from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.blobs import BlobDamaged, BlobMissing, BlobsUnavailable, ImageBytes
from albumcore_adapters.decoding import (
    CannotDecode,
    Decoder,
    DecoderFailed,
    DecoderUnavailable,
)
from albumcore_adapters.dicom.signs import drawn
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.erasure.subjects import erase_image
from albumcore_adapters.http.ui import gallery
from support.browser import Browser, signed_in_account
from support.tscharts import PATIENT as PATIENT_FIELDS
from support.tscharts import ROOT, Api, opened

GIVEN = {
    "patients": [1, 2],
    "patient_fields": {"2": {"first": "Ximena", "paternal_last": "Ñúñez", "dob": "02/05/2019"}},
    "clinics": [1, 2],
    "clinic_fields": {"2": {"location": "San Quintín", "start": "01/10/2016", "end": "01/12/2016"}},
    "stations": [1],
    "images": [
        {"id": 1, "patient": 1, "clinic": 2, "type": "Headshot", "at": 0},
        {"id": 2, "patient": 1, "clinic": 1, "station": 1, "type": "Xray", "at": 10},
        {"id": 3, "patient": 1, "type": "Surgery", "at": 1500},
        {"id": 4, "patient": 2, "type": "Headshot", "at": 5},
    ],
}
PATIENT = "/ui/patients/1"
JPEG = b"\xff\xd8\xff\xe0 a photograph"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The API with two patients who have images."""
    with opened(tmp_path, GIVEN) as api:
        yield api


@pytest.fixture
def browser(api: Api) -> Browser:
    """A browser in which the account is signed in."""
    return signed_in_account(api)


def shown(browser: Browser) -> list[int]:
    """The ids of the pictures on the page, in their order."""
    return [int(one) for one in re.findall(r'<figure id="picture-(\d+)"', browser.page)]


def test_patients_are_found_by_parts_of_names_and_by_birthday(browser: Browser) -> None:
    """Every word is in one of the names, in any case."""
    for query, names in (
        ("name=lopez", ["Lopez Ruiz, Ana 1"]),
        ("name=ANA+rui", ["Lopez Ruiz, Ana 1"]),
        ("name=%C3%B1%C3%BA", ["Ñúñez Ruiz, Ximena"]),
        ("name=ruiz", ["Lopez Ruiz, Ana 1", "Ñúñez Ruiz, Ximena"]),
        ("born=2019-02-05", ["Ñúñez Ruiz, Ximena"]),
        ("name=lopez&born=2019-02-05", []),
        ("name=%25", []),
        ("name=+&born=", []),
        ("", []),
    ):
        assert browser.get(f"/ui/patients?{query}").status_code == 200
        assert re.findall(r'<h3><a href="/ui/patients/\d+">([^<]*)</a>', browser.page) == names
    browser.get("/ui/patients?name=lopez")
    assert "1 patient matches" in browser.words
    assert "3 images" in browser.words
    assert "/ui/patients/1/pictures/1/thumbnail" in browser.page
    assert "Born 1 April 2012 · female · patient 1" in browser.words


def test_a_birthday_that_is_no_date_is_refused_at_its_field(browser: Browser) -> None:
    """Nothing is searched for."""
    for day in ("04/01/2012", "2012-02-30", "x"):
        assert browser.get(f"/ui/patients?name=lopez&born={day}").status_code == 400
        assert 'aria-invalid="true"' in browser.page
        assert "Lopez Ruiz" not in browser.words


def test_the_gallery_shows_the_newest_first_in_groups(browser: Browser) -> None:
    """By the clinic, else by the day."""
    browser.get(PATIENT)
    assert shown(browser) == [3, 2, 1]
    groups = re.findall(r'<h2 class="day">([^<]*)</h2>', browser.page)
    assert groups == ["20 April 2017", "Ensenada 1, 18 April 2017", "San Quintín, 10 January 2016"]
    assert "Lopez Ruiz, Ana 1" in browser.words


def test_a_tile_says_the_day_unless_its_heading_does(browser: Browser) -> None:
    """A picture may be added long after the clinic at which it was taken; the day is that of the reader."""
    browser.get(PATIENT)
    captions = re.findall(r'<br><span class="muted">([^<]*)</span></figcaption>', browser.page)
    assert captions == ["02:53", "added 19 April, 02:03", "added 19 April, 01:53"]
    browser.cookies["tz"] = "America/Tijuana"
    browser.get(PATIENT)
    captions = re.findall(r'<br><span class="muted">([^<]*)</span></figcaption>', browser.page)
    assert captions[1:] == ["19:03", "added 18 April, 18:53"]


def test_the_gallery_is_filtered_by_type_clinic_and_day(browser: Browser) -> None:
    """The day is that of the reader's time zone; the chips count what the other filters leave."""
    for query, ids in (
        ("type=Xray", [2]),
        ("type=", [3, 2, 1]),
        ("clinic=2", [1]),
        ("clinic=1&type=Headshot", []),
        ("day=2017-04-19", [2, 1]),
        ("day=2017-04-18", []),
        ("clinic=77", []),
    ):
        browser.get(f"{PATIENT}?{query}")
        assert shown(browser) == ids
        assert ("No image matches the filters." in browser.words) == (not ids)
    browser.cookies["tz"] = "America/Tijuana"
    browser.get(f"{PATIENT}?day=2017-04-18&type=Xray")
    assert shown(browser) == [2]
    assert 'value="Xray" aria-pressed="true"' in browser.page
    for query in ("type=Photo", "clinic=x", "day=yesterday", "at=then", "at=2099-01-01T00:00"):
        assert browser.get(f"{PATIENT}?{query}").status_code == 400


def test_older_pictures_are_on_further_pages(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the filters and the moment; htmx gets them without the page around them."""
    monkeypatch.setattr(gallery, "SHOWN_PICTURES", 2)
    browser.get(f"{PATIENT}?at=2017-04-20T02:53:04Z")
    assert shown(browser) == [3, 2]
    [older] = re.findall(r'hx-get="([^"]*)"', browser.page)
    browser.get(unescape(older))
    assert shown(browser) == [1]
    assert "You are looking at the past." in browser.words
    assert "hx-get" not in browser.page
    answer = browser.ask("GET", unescape(older), headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert 'id="picture-1"' in answer.text
    for unknown in ("x", "99", "4"):  # the last of which is of another patient
        assert browser.get(f"{PATIENT}?before={unknown}").status_code == 400


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_older_pictures_go_on_after_the_last_shown_one(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    """Whatever is added, removed or forgotten meanwhile, that one included: none comes twice, and none is left out."""
    monkeypatch.setattr(gallery, "SHOWN_PICTURES", 1)

    def page(address: str, browser: Browser = browser) -> list[int]:
        browser.page = browser.ask("GET", unescape(address), headers=headers).text
        return shown(browser)

    def older() -> str:
        [found] = re.findall(r'hx-get="([^"]*)"', browser.page)
        return str(found)

    assert page(PATIENT) == [3]
    browser.get(PATIENT)
    after_3 = older()
    api.upload()
    assert page(after_3) == [2]
    after_2 = older()
    browser.get(PATIENT)
    browser.post(f"{PATIENT}/pictures/3/remove")
    browser.post(f"{PATIENT}/pictures/2/remove")
    assert page(after_2) == [1]
    api.clock.now += timedelta(days=400)
    assert page(after_2, signed_in_account(api)) == [1]


def test_a_picture_leads_to_the_next_ones_among_those_filtered(browser: Browser) -> None:
    """And says what is known of it."""
    browser.get(f"{PATIENT}/pictures/2")
    assert 'rel="prev" href="/ui/patients/1/pictures/3"' in browser.page
    assert 'rel="next" href="/ui/patients/1/pictures/1"' in browser.page
    assert "2 of 3" in browser.words
    for known in ("X-ray", "Ensenada 1, 18 April 2017", "Station 1", "by nurse", "PNG, 1 KB"):
        assert known in browser.words
    assert "pixels" not in browser.words  # of a picture that is damaged
    browser.get(f"{PATIENT}/pictures/2?day=2017-04-19")
    assert "1 of 2" in browser.words
    assert 'rel="prev"' not in browser.page
    assert 'href="/ui/patients/1/pictures/1?day=2017-04-19"' in browser.page


def test_the_bytes_of_a_picture_are_sent_as_they_are(api: Api, browser: Browser) -> None:
    """They are revalidated; what is no picture to a browser is a file to store."""
    answer = browser.ask("GET", f"{PATIENT}/pictures/2/file")
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    known = {"If-None-Match": answer.headers["etag"]}
    assert browser.ask("GET", f"{PATIENT}/pictures/2/file", headers=known).status_code == 304
    hostile = "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="  # <script>
    added = api.upload(data=hostile).json["id"]
    answer = browser.ask("GET", f"{PATIENT}/pictures/{added}/file")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    browser.get(f"{PATIENT}/pictures/{added}")
    assert "A browser cannot show this file" in browser.words


def test_the_gallery_shows_small_renderings(api: Api, browser: Browser) -> None:
    """Of a patient of the address, now or then; a sign of what there is no picture of, which remains to store."""
    noise = Image.frombytes("RGB", (800, 600), random.Random(0).randbytes(800 * 600 * 3))
    file = io.BytesIO()
    noise.save(file, "PNG")
    photograph = base64.b64encode(file.getvalue()).decode()
    added = api.upload(data=photograph, patient=1).json["id"]
    path = f"{PATIENT}/pictures/{added}/thumbnail"
    browser.get(PATIENT)
    assert f'src="{path}"' in browser.page
    answer = browser.ask("GET", path)
    content = answer.content
    small = Image.open(io.BytesIO(content))
    assert (small.format, small.size) == ("JPEG", (256, 192))
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, no-cache"
    known = {"If-None-Match": answer.headers["etag"]}
    assert browser.ask("GET", path, headers=known).status_code == 304
    assert browser.ask("GET", f"{PATIENT}/pictures/{added}/file", headers=known).status_code == 200
    for damaged in (2, api.upload(data="PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==").json["id"]):
        answer = browser.ask("GET", f"{PATIENT}/pictures/{damaged}/thumbnail")
        assert answer.headers["content-type"] == "image/png"
        assert answer.content == drawn("no picture").content
    assert browser.ask("GET", f"/ui/patients/2/pictures/{added}/thumbnail").status_code == 404
    past = api.clock.now.isoformat()[:19]
    browser.get(f"{PATIENT}/pictures/{added}")
    api.clock.now += timedelta(minutes=2)
    browser.post(f"{PATIENT}/pictures/{added}/remove")
    assert browser.ask("GET", path).status_code == 404
    assert browser.ask("GET", f"{path}?at={past}Z").content == content


def test_a_picture_says_its_size(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pixels, beside that in bytes; where it is not known the page does without."""
    file = io.BytesIO()
    Image.new("RGB", (80, 60)).save(file, "GIF")
    added = api.upload(data=base64.b64encode(file.getvalue()).decode(), patient=1).json["id"]
    path = f"{PATIENT}/pictures/{added}"
    browser.get(path)
    assert "GIF, 1 KB Size80 \u00d7 60 pixels" in browser.words
    for failing, error in (
        (ImageBytes, BlobMissing("0" * 64)),
        (ImageBytes, BlobDamaged("0" * 64, "wrong digest")),
        (ImageBytes, BlobsUnavailable("no answer")),
        (Decoder, CannotDecode("no photograph")),
        (Decoder, DecoderFailed("crashed")),
        (Decoder, DecoderUnavailable("not started")),
        (Decoder, LimitReached("busy", 5)),
    ):
        with monkeypatch.context() as patch:
            name = "get" if failing is ImageBytes else "photograph_size"
            patch.setattr(failing, name, Mock(side_effect=error))
            assert browser.get(path).status_code == 200, error
            assert "GIF, 1 KB" in browser.words
            assert "pixels" not in browser.words
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "photograph_size", lambda *asked: None)
        browser.get(path)
        assert "pixels" not in browser.words


@pytest.mark.parametrize("seals", [False, True])
def test_a_picture_says_the_digest_that_was_recorded(tmp_path: Path, *, seals: bool) -> None:
    """Of sealed bytes none was recorded of what a reader gets."""
    with opened(tmp_path, GIVEN, seals=seals) as api:
        browser = signed_in_account(api)
        added = api.upload(patient=1).json["id"]
        browser.get(f"{PATIENT}/pictures/{added}")
        content = browser.ask("GET", f"{PATIENT}/pictures/{added}/file").content
        assert (f"SHA-256{sha256(content).hexdigest()}" in browser.words) is not seals
        assert ("SHA-256" in browser.words) is not seals


def test_a_picture_is_decoded_after_the_read_transaction(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes long to decode keeps no connection from others."""
    seen = []
    for job in ("photograph", "photograph_size"):

        def decode(*asked: Any, name: str = job) -> None:
            seen.append((name, api.service.database.in_read_snapshot()))

        monkeypatch.setattr(Decoder, job, decode)
    assert browser.ask("GET", f"{PATIENT}/pictures/2/thumbnail").status_code == 200
    assert browser.get(f"{PATIENT}/pictures/2").status_code == 200
    assert seen == [("photograph", False), ("photograph_size", False)]


def test_without_the_packages_that_render_the_gallery_shows_the_pictures(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser makes them small."""
    monkeypatch.setattr(Decoder, "photograph", lambda *asked: None)
    answer = browser.ask("GET", f"{PATIENT}/pictures/2/thumbnail")
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"


def upload(
    browser: Browser,
    picture: bytes | None,
    field: str = "picture",
    file_name: str = "a.jpg",
    **fields: str,
) -> falcon.testing.Result:
    """Send the form with a picture, as a browser does."""
    token = re.search(r'name="_csrf" value="([0-9a-f]*)"', browser.page)
    assert token is not None
    texts = {"_csrf": token[1], "type": "Headshot", "clinic": "", "station": "", **fields}
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in texts.items()
    )
    if picture is not None:
        body += (
            f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="{file_name}"\r\n'
            "Content-Type: image/jpeg\r\n\r\n".encode()
            + picture
            + b"\r\n"
        )
    answer = browser.ask(
        *("POST", f"{PATIENT}/pictures", body + b"--x--\r\n"),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    browser.page = answer.text
    return answer


def test_a_picture_is_added_as_the_api_adds_it(api: Api, browser: Browser) -> None:
    """With the same event, and the same JSON."""
    browser.get(PATIENT)
    before = api.position()
    answer = upload(browser, JPEG, type="Surgery", clinic="1", station="1")
    assert answer.status_code == 303
    [recorded] = api.recorded(before)
    assert recorded["stored"] == "images.image_added"
    added = recorded["says"]["image_id"]
    assert answer.headers["location"] == f"{PATIENT}#picture-{added}"
    found = api.request("GET", f"{ROOT}/image/{added}").json
    assert {name: found[name] for name in ("patient", "type", "clinic", "station")} == {
        "patient": 1,
        "type": "Surgery",
        "clinic": 1,
        "station": 1,
    }
    assert browser.ask("GET", f"{PATIENT}/pictures/{added}/file").content == JPEG
    browser.get(PATIENT)
    assert upload(browser, JPEG + b"2", field="camera").status_code == 303
    [_, recorded] = api.recorded(before)
    taken = recorded["says"]["image_id"]
    assert browser.ask("GET", f"{PATIENT}/pictures/{taken}/file").content == JPEG + b"2"


def test_what_is_no_picture_is_refused_at_its_field(api: Api, browser: Browser) -> None:
    """And nothing is recorded."""
    before = api.position()
    for picture, name, words in (
        (b"", "", "No file was chosen"),
        (None, "", "No file was chosen"),
        (b"", "a.jpg", "This file is empty"),
        (b"%PDF-1.7", "a.jpg", "This file is no picture"),
    ):
        browser.get(PATIENT)
        assert upload(browser, picture, file_name=name).status_code == 400
        assert words in browser.words
        assert 'aria-describedby="picture-refused"' in browser.page
    for fields, status in (
        ({"type": "Photo"}, 400),
        ({"clinic": "x"}, 400),
        ({"clinic": "77"}, 404),
        ({"_csrf": "x"}, 403),
        ({"at": "2017-04-19T00:00:00Z"}, 409),
    ):
        browser.get(PATIENT)
        assert upload(browser, JPEG, **fields).status_code == status
    assert api.position() == before


def test_a_form_with_files_that_is_malformed_is_refused(api: Api, browser: Browser) -> None:
    """As is one that is too large, or has too many fields."""
    before = api.position()
    path, part = f"{PATIENT}/pictures", "--x\r\nContent-Disposition: form-data"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    many = "".join(f'{part}; name="a"\r\n\r\n\r\n' for _ in range(101))
    for body, headers, status in (
        ("", form, 400),
        ("--x\r\n", form, 400),
        ("x", {"Content-Type": "multipart/form-data"}, 400),
        (f"{part}\r\n\r\n1\r\n--x--", form, 400),
        (f"{many}--x--", form, 400),
        ("x" * (33 * 1024 * 1024), form, 413),
    ):
        assert browser.ask("POST", path, body, headers=headers).status_code == status
    latin = f'{part}; name="a"\r\n\r\n'.encode() + b"\xff\r\n--x--"
    answer = browser.ask("POST", path, latin, headers=form)
    assert answer.status_code == 400
    assert api.position() == before


def test_a_picture_is_removed_and_brought_back(api: Api, browser: Browser) -> None:
    """In between its place says who removed it, and until when it can come back."""
    browser.get(f"{PATIENT}/pictures/2")
    before = api.position()
    assert browser.post(f"{PATIENT}/pictures/2/remove").status_code == 200
    assert shown(browser) == [3, 1]
    assert "X-ray, removed By nurse on" in browser.words
    until = re.search(r"It can be brought back until ([^.]*)\.", browser.words)
    assert until is not None
    assert until[1].startswith("Saturday 20 May")
    assert browser.ask("GET", f"{PATIENT}/pictures/2/file").status_code == 404
    assert browser.get(f"{PATIENT}/pictures/2").status_code == 404
    browser.get(f"{PATIENT}?type=Headshot")
    assert "X-ray, removed" not in browser.words
    browser.get(PATIENT)
    assert browser.post(f"{PATIENT}/pictures/2/restore").status_code == 200
    assert shown(browser) == [3, 2, 1]
    assert [one["stored"] for one in api.recorded(before)] == [
        "images.image_removed",
        "images.image_restored",
    ]


def test_what_was_removed_too_long_ago_does_not_come_back(api: Api, browser: Browser) -> None:
    """It is no longer on the page, and its form is answered 410."""
    browser.get(f"{PATIENT}/pictures/2")
    browser.post(f"{PATIENT}/pictures/2/remove")
    page = browser.page
    api.clock.now += timedelta(days=30, seconds=1)
    again = signed_in_account(api)
    again.get(PATIENT)
    assert "removed" not in again.words
    assert again.post(f"{PATIENT}/pictures/2/restore").status_code == 410
    assert page != again.page


def test_pictures_belong_to_the_patient_of_the_address(api: Api, browser: Browser) -> None:
    """Another patient, and one that there is none of, are as nothing."""
    browser.get("/ui/patients/2")
    before = api.position()
    for path in (
        *("/ui/patients/77", "/ui/patients/x", "/ui/patients/0"),
        *(f"/ui/patients/2/pictures/{one}{end}" for one in (2, 77, "x") for end in ("", "/file")),
    ):
        assert browser.get(path).status_code == 404, path
    for act in ("remove", "restore"):
        for path in ("2/pictures/2", "2/pictures/77", "77/pictures/2"):
            browser.get("/ui/patients/2")
            assert browser.post(f"/ui/patients/{path}/{act}").status_code == 404
    assert api.position() == before


def test_the_gallery_as_it_was(api: Api, browser: Browser) -> None:
    """Loudly, without acts, and with what was removed since."""
    browser.get(f"{PATIENT}/pictures/1")
    browser.post(f"{PATIENT}/pictures/1/remove")
    for at, ids in (
        ("2017-04-19T02:00", [1]),
        ("2017-04-19T02:03", [2, 1]),
        ("2017-04-19T02:03:04Z", [2, 1]),
        ("2017-04-19T02:03:03Z", [1]),
        ("2017-04-18T00:00", []),
    ):
        answer = browser.get(f"{PATIENT}?at={at}")
        assert answer.status_code == 200
        assert shown(browser) == ids
        assert "You are looking at the past." in browser.words
        assert '<body class="is-past"' in browser.page
        assert f'action="{PATIENT}/pictures' not in browser.page
        assert "removed" not in browser.words
    browser.cookies["tz"] = "America/Tijuana"
    browser.get(f"{PATIENT}?at=2017-04-18T19:03")
    assert shown(browser) == [2, 1]
    assert 'value="2017-04-18T19:03"' in browser.page
    past = "?at=2017-04-18T19:03"
    browser.get(f"{PATIENT}/pictures/1{past}")
    assert 'rel="prev" href="/ui/patients/1/pictures/2?at=2017-04-19T02%3A03%3A59Z"' in browser.page
    assert "Remove this image" not in browser.words
    past = "?at=2017-04-19T02:03:59Z"
    answer = browser.ask("GET", f"{PATIENT}/pictures/1/file{past}")
    assert answer.content.startswith(b"\x89PNG")
    assert browser.ask("GET", f"{PATIENT}/pictures/3/file{past}").status_code == 404
    assert browser.ask("GET", f"/ui/patients/2/pictures/1/file{past}").status_code == 404


def test_there_is_a_stop_for_each_change_of_the_images(api: Api, browser: Browser) -> None:
    """Each shows the gallery with that change, and not with the next one; a moved slider keeps the filters."""
    for act in ("remove", "restore"):
        api.clock.now += timedelta(minutes=1)
        browser.get(PATIENT)
        browser.post(f"{PATIENT}/pictures/2/{act}")
    browser.get(PATIENT)
    *stops, present = re.findall(r'<option value="\d+" data-at="([^"]*)"', browser.page)
    assert present == ""
    assert re.findall(r'class="bar-(\w+)"', browser.page) == [
        *("added", "added", "added", "removed", "restored")
    ]
    assert "The images as they are now" in browser.words
    assert "First image Wednesday 19 April" in browser.words
    for at, ids in zip(stops, ([1], [2, 1], [3, 2, 1], [3, 1], [3, 2, 1]), strict=True):
        browser.get(f"{PATIENT}?at={at}")
        assert shown(browser) == ids
        assert "As it was on" in browser.words
    moved = {"HX-Request": "true"}
    answer = browser.ask("GET", f"{PATIENT}?at={stops[1]}&type=Xray", headers=moved)
    assert 'id="past-card"' not in answer.text
    for part in ("past-band", "past-head", "past-then"):
        assert f'id="{part}"' in answer.text
    browser.get(f"{PATIENT}?at={stops[1]}&type=Xray")
    assert '<input type="hidden" name="type" value="Xray">' in browser.page
    assert shown(browser) == [2]
    assert browser.get(f"{PATIENT}?version=1").status_code == 200
    assert shown(browser) == [1]


def test_a_patient_without_images_has_no_past(api: Api, browser: Browser) -> None:
    """There is nothing to slide over."""
    added = api.request("POST", f"{ROOT}/patient/", {**PATIENT_FIELDS, "first": "New"}).json["id"]
    browser.get(f"/ui/patients/{added}")
    assert 'id="past-card"' not in browser.page
    assert "The images of this patient will be here" in browser.words


def test_bytes_that_were_collected_are_not_there_in_the_past(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a picture that is there now are missed: the store is damaged."""

    def missing(_: ImageBytes, added: ImageAdded) -> bytes:
        raise BlobMissing(added.content.digest)

    monkeypatch.setattr(ImageBytes, "get", missing)
    for name in ("file", "thumbnail"):
        path = f"{PATIENT}/pictures/2/{name}"
        assert browser.ask("GET", f"{path}?at=2017-04-19T03:00:00Z").status_code == 404
        assert browser.ask("GET", path).status_code == 500


def test_without_the_session_of_an_account_there_are_no_patients(api: Api) -> None:
    """Every page leads to the sign-in page, and no form does anything."""
    browser = Browser(api.client)
    before = api.position()
    for path in ("/ui/patients", PATIENT, f"{PATIENT}/pictures/1", f"{PATIENT}/pictures/1/file"):
        browser.get(path)
        assert "Access token" in browser.words
    for act in ("pictures", "pictures/1/remove", "pictures/1/restore"):
        assert browser.ask("POST", f"{PATIENT}/{act}").status_code == 303
    assert api.position() == before


def test_what_was_erased_is_not_there(api: Api, browser: Browser) -> None:
    """Neither now nor in the past, nor among what can be brought back."""
    service = api.service
    erase_image(Eraser(service.albums, service.database, api.clock, {}, None), ImageId(2))
    for path in (PATIENT, f"{PATIENT}?at=2017-04-20T00:00"):
        browser.get(path)
        assert 2 not in shown(browser)
    for path in (f"{PATIENT}/pictures/2", f"{PATIENT}/pictures/2/file"):
        assert browser.get(path).status_code == 404
    browser.get(PATIENT)
    assert "removed" not in browser.words


def test_names_of_patients_are_text(api: Api, browser: Browser) -> None:
    """Whatever they contain."""
    hostile = "<script>alert(1)</script>\"'{{ 7*7 }}"
    fields: dict[str, Any] = {"paternal_last": hostile}
    assert api.request("PUT", f"{ROOT}/patient/1", fields).status_code == 200
    for path in ("/ui/patients?name=ana", PATIENT, f"{PATIENT}/pictures/1"):
        browser.get(path)
        assert "<script>alert" not in browser.page
        assert hostile in browser.words


def test_what_is_not_found_leads_an_account_to_the_patients(browser: Browser) -> None:
    """It has no albums."""
    assert browser.get("/ui/patients/999999").status_code == 404
    assert '/ui">Patients</a>' in browser.page
    assert "albums" not in browser.words
