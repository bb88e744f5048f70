"""Rendered frames and thumbnails (DICOM PS3.18 section 10.4.1), as browsers and public clients ask for them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pydicom
import pytest
from PIL import Image

from albumcore import edit_album, import_study
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.decoding import Decoder, DecoderFailed
from albumcore_adapters.dicom.pictures import MAX_THUMBNAIL
from albumcore_adapters.directory.stored_instances import StoredInstances
from support.dicom_files import RELATED, dicom_file, message
from support.encapsulated import CDA_CLASS, document, video
from support.kheops import ALBUM, ALICE, BOB, DAVE, Answer, World
from support.served import served
from support.stored_files import StoredFile, pydicom_file, store_file

COVERS = (
    "GET /studies/{study}/rendered",
    "GET /studies/{study}/thumbnail",
    "GET /studies/{study}/series/{series}/rendered",
    "GET /studies/{study}/series/{series}/thumbnail",
    "GET /studies/{study}/series/{series}/instances/{instance}/rendered",
    "GET /studies/{study}/series/{series}/instances/{instance}/thumbnail",
    "GET /studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
    "GET /studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
)
pytestmark = pytest.mark.usefixtures("shared_decoder")
MULTIPART = 'multipart/related; type="application/octet-stream"'


@pytest.fixture
def ct(world: World) -> StoredFile:
    """A CT of 128 x 128 pixels in Alice's inbox."""
    return store_file(world.service, world.user(ALICE), pydicom_file("CT_small.dcm"))


@pytest.fixture
def color(world: World) -> StoredFile:
    """An ultrasound with 30 frames of 320 x 240 pixels, JPEG baseline, in Alice's inbox."""
    content = pydicom_file("examples_ybr_color.dcm")
    return store_file(world.service, world.user(ALICE), content)


def levels(stored: StoredFile) -> list[str]:
    """The addresses of an instance, its series and its study."""
    series = stored.path.rpartition("/instances")[0]
    return [stored.path, series, series.rpartition("/series")[0]]


def picture(answer: Answer) -> Any:
    """The picture in an answer, whose media type is its own."""
    assert answer.status_code == 200, answer.text
    found = Image.open(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == Image.MIME[str(found.format)]
    return found


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, {}, "JPEG"),
        ({"Accept": "*/*"}, {}, "JPEG"),
        ({"Accept": "image/png"}, {}, "PNG"),
        ({"Accept": "image/png;q=0.5, image/*"}, {}, "JPEG"),
        ({"Accept": MULTIPART}, {"accept": "image/jpeg"}, "JPEG"),
        ({"Accept": "text/html"}, {"accept": "image/png"}, "PNG"),
    ],
)
def test_the_client_chooses_the_form(
    headers: Mapping[str, str],
    query: Mapping[str, str],
    expected: str,
    ct: StoredFile,
    world: World,
) -> None:
    """By Accept, or by the query, which browsers can set; a study and a series are shown by an instance."""
    for path in (*levels(ct), f"{ct.path}/frames/1"):
        answer = world.request(ALICE, "GET", f"{path}/rendered", query=query, headers=headers)
        assert picture(answer).format == expected
        assert picture(answer).size == (128, 128)


@pytest.mark.parametrize("accept", ["text/html", MULTIPART, "application/pdf", "image/gif"])
def test_other_forms_are_not_offered(accept: str, ct: StoredFile, world: World) -> None:
    """The answer says what is there."""
    for what in ("rendered", "thumbnail"):
        answer = world.request(ALICE, "GET", f"{ct.path}/{what}", headers={"Accept": accept})
        assert (answer.status_code, answer.json["message"]) == (406, "Not Acceptable")
        assert "image/jpeg" in answer.json["detail"]


def test_parameters_change_the_picture(ct: StoredFile, world: World) -> None:
    """Viewport with a region, window, and quality."""

    def rendered(**query: str) -> Any:
        answer = world.request(ALICE, "GET", f"{ct.path}/rendered", query=query)
        return picture(answer), answer.content

    assert rendered(viewport="64,32")[0].size == (32, 32)
    assert rendered(viewport="64,64,,,128,32")[0].size == (64, 16)
    whole, _ = rendered()
    assert len(rendered(quality="5")[1]) < len(rendered(quality="95")[1])
    dark, bright = (rendered(window=f"{center},10,LINEAR")[0] for center in (9000, -9000))
    assert dark.getextrema() != bright.getextrema() != whole.getextrema()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"viewport": "64"}, "viewport"),
        ({"viewport": "0,64"}, "viewport"),
        ({"viewport": "9999,64"}, "viewport"),
        ({"viewport": "64,64,1,1"}, "viewport"),
        ({"viewport": "64,64,nan,1,1,1"}, "viewport"),
        ({"window": "40,400"}, "window"),
        ({"window": "40,0,linear"}, "window"),
        ({"window": "40,1e400,linear"}, "window"),
        ({"window": "40,400,cubic"}, "window"),
        ({"quality": "0"}, "quality"),
        ({"quality": "101"}, "quality"),
    ],
)
def test_bad_parameters(query: Mapping[str, str], field: str, ct: StoredFile, world: World) -> None:
    """They are 400, and the detail names the parameter."""
    answer = world.request(ALICE, "GET", f"{ct.path}/rendered", query=query)
    assert (answer.status_code, answer.json["message"]) == (400, "Bad Query Parameter")
    assert answer.json["detail"].startswith(f"{field}:")


def test_frames(color: StoredFile, world: World) -> None:
    """One at a time, by its number from 1; a thumbnail of an instance is that of the one in the middle."""
    pictures = {}
    for what in ("rendered", "thumbnail"):
        for number in (1, 15, 30):
            answer = world.request(ALICE, "GET", f"{color.path}/frames/{number}/{what}")
            pictures[what, number] = answer.content
            assert picture(answer).size == (320, 240) if what == "rendered" else (256, 192)
        for frames, status in (("31", 404), ("1,2", 400), ("0", 400), ("x", 400)):
            answer = world.request(ALICE, "GET", f"{color.path}/frames/{frames}/{what}")
            assert answer.status_code == status
    assert len(set(pictures.values())) == 6
    assert world.request(ALICE, "GET", f"{color.path}/rendered").content == pictures["rendered", 1]
    for path in levels(color):
        answer = world.request(ALICE, "GET", f"{path}/thumbnail")
        assert answer.content == pictures["thumbnail", 15]


@pytest.mark.parametrize("what", ["rendered", "thumbnail"])
def test_a_client_that_has_it_gets_304(what: str, ct: StoredFile, world: World) -> None:
    """Without rendering anything."""
    first = world.request(ALICE, "GET", f"{ct.path}/{what}")
    headers = {"If-None-Match": first.headers["etag"]}
    again = world.request(ALICE, "GET", f"{ct.path}/{what}", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    query = {"viewport": "50,50"}
    other = world.request(ALICE, "GET", f"{ct.path}/{what}", query=query, headers=headers)
    assert other.status_code == 200


# Thumbnails


def test_thumbnails_of_series_are_stored(
    ct: StoredFile, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the usual size is made once, and is a JPEG whatever the client prefers; one of another size is not."""
    _, series, study = levels(ct)
    first = world.request(ALICE, "GET", f"{series}/thumbnail", headers={"Accept": "image/png"})
    assert picture(first).size == (256, 256)
    assert picture(first).format == "JPEG"
    assert len(first.content) < MAX_THUMBNAIL
    other = world.request(ALICE, "GET", f"{series}/thumbnail", query={"viewport": "64,64"})
    assert picture(other).size == (64, 64)
    monkeypatch.setattr(Decoder, "render", _fail)
    for path in (series, study):
        for query in ({}, {"viewport": "256,256"}):
            again = world.request(ALICE, "GET", f"{path}/thumbnail", query=query)
            assert again.content == first.content


def _fail(*_: object) -> None:
    raise DecoderFailed("it takes too long")


def test_an_upload_makes_the_thumbnails_of_new_series(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a first view of many series need not wait for them; more images of a series leave it as it is."""
    study, series = StudyUID("1.8"), SeriesUID("1.8.1")
    stored = StoredInstances(world.service.database)
    for number in (1, 2):
        body = message([dicom_file(study, series, f"1.8.1.{number}", bytes([number, 0] * 32))])
        headers = {"Content-Type": RELATED}
        assert (
            world.request(ALICE, "POST", "/studies", headers=headers, body=body).status_code == 200
        )
        made = stored.thumbnail(series)
        assert made is not None
        monkeypatch.setattr(Decoder, "render", _fail)
        answer = world.request(ALICE, "GET", f"/studies/{study}/series/{series}/thumbnail")
        assert (picture(answer).format, answer.content) == ("JPEG", made.image)


def test_an_upload_makes_no_thumbnail_of_what_has_no_frames(world: World) -> None:
    """Its sign is made when it is asked for."""
    body = message([_moved(pydicom_file("rtplan.dcm"), "1.8", "1.8.1", 1)])
    answer = world.request(ALICE, "POST", "/studies", headers={"Content-Type": RELATED}, body=body)
    assert answer.status_code == 200
    assert StoredInstances(world.service.database).thumbnail(SeriesUID("1.8.1")) is None
    sign = world.request(ALICE, "GET", "/studies/1.8/series/1.8.1/thumbnail")
    assert picture(sign).format == "PNG"


@pytest.mark.parametrize("error", [DecoderFailed("crashed"), OSError("the disk is full")])
def test_an_upload_succeeds_without_a_thumbnail(
    error: Exception, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its instances are stored, and the thumbnail is left to the first view."""

    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as failing:
        failing.setattr(Decoder, "render", fail)
        body = message([dicom_file(StudyUID("1.8"), SeriesUID("1.8.1"), "1.8.1.1")])
        headers = {"Content-Type": RELATED}
        answer = world.request(ALICE, "POST", "/studies", headers=headers, body=body)
    assert answer.status_code == 200
    assert world.request(ALICE, "GET", "/studies/1.8/thumbnail").status_code == 200


def test_a_region_is_no_thumbnail(ct: StoredFile, world: World) -> None:
    """A thumbnail is of the whole frame."""
    query = {"viewport": "64,64,1,1,9,9"}
    answer = world.request(ALICE, "GET", f"{ct.path}/thumbnail", query=query)
    assert (answer.status_code, answer.json["detail"].partition(":")[0]) == (400, "viewport")


def test_noise_is_a_small_thumbnail_too(world: World) -> None:
    """Clients pass the bytes of a thumbnail as arguments of one call, and cannot take many."""
    noise = pydicom_file("examples_rgb_color.dcm")
    stored = store_file(world.service, world.user(ALICE), noise)
    query = {"viewport": "2048,2048"}
    answer = world.request(ALICE, "GET", f"{stored.path}/thumbnail", query=query)
    assert len(answer.content) < MAX_THUMBNAIL


@pytest.mark.parametrize(
    "content",
    [pydicom_file("rtplan.dcm"), pydicom_file("JPGExtended.dcm"), video(b"moov")],
    ids=["no pixels", "cannot be decoded", "video"],
)
def test_what_cannot_be_decoded(content: bytes, world: World) -> None:
    """Its rendering is 406 and says why; its thumbnail is a plain sign, which is not stored."""
    stored = store_file(world.service, world.user(ALICE), content)
    for path in levels(stored):
        headers = {"Accept": "image/png, image/jpeg"}
        answer = world.request(ALICE, "GET", f"{path}/rendered", headers=headers)
        assert (answer.status_code, answer.json["message"]) == (406, "Not Acceptable")
        assert answer.json["detail"].startswith("no picture can be made: ")
        sign = world.request(ALICE, "GET", f"{path}/thumbnail")
        assert picture(sign).format == "PNG"
    instances = StoredInstances(world.service.database)
    assert instances.thumbnail(stored.header.record.series_uid) is None


def test_what_exceeded_the_limits_is_not_tried_again(
    ct: StoredFile, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sign of a series is stored then, and a rendering is 406."""
    calls: list[object] = []

    def fail(*args: object) -> None:
        calls.append(args)
        _fail()

    monkeypatch.setattr(Decoder, "render", fail)
    path, series, _ = levels(ct)
    for _ in range(2):
        assert picture(world.request(ALICE, "GET", f"{series}/thumbnail")).format == "PNG"
    assert len(calls) == 1
    answer = world.request(ALICE, "GET", f"{path}/rendered")
    assert answer.status_code == 406
    assert answer.json["detail"] == "no picture can be made: it takes too long"


def test_a_study_is_shown_by_a_series_with_a_picture(ct: StoredFile, world: World) -> None:
    """Not by the sign of its first series, if there is a picture."""
    record = ct.header.record
    study, number = record.study_uid, ct.header.record.series["00200011"]["Value"][0]
    plan = pydicom_file("rtplan.dcm")
    moved = _moved(plan, study, f"{study}.9", number - 1)
    store_file(world.service, world.user(ALICE), moved)
    assert picture(world.request(ALICE, "GET", f"/studies/{study}/thumbnail")).format == "JPEG"
    path = f"/studies/{study}/series/{study}.9/thumbnail"
    assert picture(world.request(ALICE, "GET", path)).format == "PNG"


def test_a_study_without_a_picture_is_shown_by_a_sign(world: World) -> None:
    """Of its first series."""
    plan = _moved(pydicom_file("rtplan.dcm"), "1.2", "1.2.1", 1)
    store_file(world.service, world.user(ALICE), plan)
    assert picture(world.request(ALICE, "GET", "/studies/1.2/thumbnail")).format == "PNG"


def _moved(content: bytes, study: str, series: str, number: int) -> bytes:
    """A file as one of another study."""
    dataset = pydicom.dcmread(io.BytesIO(content), force=True)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.SeriesNumber = number
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


# Documents and videos


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (document(b"%PDF-1.4"), "application/pdf", b"%PDF-1.4"),
        (document(b"%PDF" + bytes(5000)), "application/pdf", b"%PDF" + bytes(5000)),
        (video(b"moov" * 500), "video/mp4", b"moov" * 500),
    ],
    ids=["short", "long", "video"],
)
def test_documents_and_videos_are_sent_as_such(
    content: bytes, media_type: str, expected: bytes, world: World
) -> None:
    """To browsers, which open them themselves; a range of them, if they ask for one."""
    stored = store_file(world.service, world.user(ALICE), content)
    for query, headers in (
        ({}, {}),
        ({"accept": media_type}, {"Accept": MULTIPART}),
        ({}, {"Accept": f"image/png;q=0.1, {media_type}"}),
    ):
        answer = world.request(ALICE, "GET", f"{stored.path}/rendered", None, query, headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert answer.content == expected
        assert answer.headers["x-content-type-options"] == "nosniff"
    again = {"If-None-Match": answer.headers["etag"]}
    assert world.request(ALICE, "GET", f"{stored.path}/rendered", headers=again).status_code == 304
    if len(expected) > 1000:
        part = world.request(
            ALICE, "GET", f"{stored.path}/rendered", headers={"Range": "bytes=1-3"}
        )
        assert (part.status_code, part.content) == (206, expected[1:4])
    refused = world.request(ALICE, "GET", f"{stored.path}/rendered", headers={"Accept": "text/css"})
    assert (refused.status_code, media_type in refused.json["detail"]) == (406, True)


def test_a_document_that_runs_scripts_is_not_sent_as_such(world: World) -> None:
    """Its sender would choose what the browser does."""
    content = document(b"<html>  ", "1.5.1.3", CDA_CLASS)
    stored = store_file(world.service, world.user(ALICE), content)
    answer = world.request(ALICE, "GET", f"{stored.path}/rendered")
    assert answer.status_code == 406


def test_a_damaged_document_is_406(world: World) -> None:
    """There is no document in an instance of that class."""
    stored = store_file(world.service, world.user(ALICE), document(b""))
    answer = world.request(ALICE, "GET", f"{stored.path}/rendered")
    assert (answer.status_code, answer.json["message"]) == (406, "Not Acceptable")


# Who sees them


@pytest.mark.parametrize("what", ["rendered", "thumbnail"])
def test_viewers_see_them_without_the_permission_to_download(
    what: str, ct: StoredFile, world: World
) -> None:
    """And others do not: neither the series nor the study."""
    record = ct.header.record
    world.act(ALICE, import_study, record.study_uid, [record.series_uid])
    world.act(ALICE, edit_album, flags={"download_series": False})
    for path in levels(ct):
        assert world.request(BOB, "GET", f"{path}/{what}").status_code == 200
        assert world.request(DAVE, "GET", f"{path}/{what}").status_code == 404
        for query in ({"album": ALBUM}, {"inbox": "true"}):
            answer = world.request(ALICE, "GET", f"{path}/{what}", query=query)
            assert answer.status_code == 200
        assert world.request(BOB, "GET", f"{path}/{what}", query={"inbox": "1"}).status_code == 404


@pytest.mark.parametrize("what", ["rendered", "thumbnail"])
def test_without_bytes_there_is_no_picture(what: str, world: World) -> None:
    """The catalogue may know instances whose bytes are not stored here, or none of that UID."""
    world.store({"1.2.1": "CT"}, study="1.2", owner=ALICE)
    for path in ("/studies/1.2", "/studies/1.2/series/1.2.1"):
        for below in ("", "/instances/1.2.1.1", "/instances/9"):
            if "series" in path or not below:
                answer = world.request(ALICE, "GET", f"{path}{below}/{what}")
                assert answer.status_code == 404


def test_a_public_client_renders(color: StoredFile, world: World) -> None:
    """By every kind of call that it has for it."""
    record = color.header.record
    uids = record.study_uid, record.series_uid, record.sop_instance_uid
    with served(world, ALICE) as client:
        pictures = [
            client.retrieve_instance_rendered(*uids),
            client.retrieve_instance_rendered(*uids, media_types=("image/png",)),
            client.retrieve_instance_rendered(
                *uids, media_types=("image/jpeg",), params={"viewport": "64,64", "quality": "9"}
            ),
            client.retrieve_instance_frames_rendered(*uids, frame_numbers=[30]),
            client.retrieve_series_rendered(*uids[:2]),
        ]
    found = [Image.open(io.BytesIO(one)) for one in pictures]
    assert [one.format for one in found] == ["JPEG", "PNG", "JPEG", "JPEG", "JPEG"]
    assert [one.size for one in found] == [(320, 240)] * 2 + [(64, 48)] + [(320, 240)] * 2
