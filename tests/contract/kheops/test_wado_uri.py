"""One instance by the parameters of a query (WADO-URI; DICOM PS3.18 chapter 9)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pydicom
import pytest
from PIL import Image

from albumcore import edit_album, import_study
from support.encapsulated import SERIES, document, video
from support.encapsulated import STUDY as OF_DOCUMENTS
from support.kheops import ALICE, BOB, DAVE, Answer, World
from support.stored_files import StoredFile, pydicom_file, store_file

EXPLICIT = "1.2.840.10008.1.2.1"
COVERS = ("GET /wado",)
pytestmark = pytest.mark.usefixtures("shared_decoder")


@pytest.fixture
def color(world: World) -> StoredFile:
    """An ultrasound with 30 frames of 320 x 240 pixels, JPEG baseline, in Alice's inbox."""
    content = pydicom_file("examples_ybr_color.dcm")
    return store_file(world.service, world.user(ALICE), content)


def query_of(stored: StoredFile, **more: Any) -> dict[str, Any]:
    """The query for an instance; a parameter that is None is left out."""
    record = stored.header.record
    query = {
        "requestType": "WADO",
        "studyUID": record.study_uid,
        "seriesUID": record.series_uid,
        "objectUID": record.sop_instance_uid,
        **more,
    }
    return {name: value for name, value in query.items() if value is not None}


def ask(
    world: World,
    query: Mapping[str, Any],
    by: str = ALICE,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask for an instance."""
    return world.request(by, "GET", "/wado", query=query, headers=headers)


@pytest.mark.parametrize(
    ("content_type", "accept", "expected"),
    [
        (None, None, "application/dicom"),
        (None, "*/*", "application/dicom"),
        ("application/dicom", "text/html", "application/dicom"),
        ("image/jpeg", None, "image/jpeg"),
        ("image/png, image/jpeg", None, "image/png"),
        (None, "image/avif,image/webp,image/*,*/*;q=0.8", "image/jpeg"),
        ("image/gif", None, None),
        ("application/pdf", None, None),
    ],
)
def test_the_client_chooses_the_form(
    content_type: str | None,
    accept: str | None,
    expected: str | None,
    color: StoredFile,
    world: World,
) -> None:
    """By contentType, or else by Accept; by default it is the file, as it was stored."""
    headers = {} if accept is None else {"Accept": accept}
    answer = ask(world, query_of(color, contentType=content_type), headers=headers)
    if expected is None:
        assert (answer.status_code, answer.json["message"]) == (406, "Not Acceptable")
        return
    assert (answer.status_code, answer.headers["content-type"]) == (200, expected)
    if expected == "application/dicom":
        assert answer.content == color.content
    else:
        assert Image.open(io.BytesIO(answer.content)).size == (320, 240)
    again = {**headers, "If-None-Match": answer.headers["etag"]}
    assert ask(world, query_of(color, contentType=content_type), headers=again).status_code == 304


def test_the_file_by_its_transfer_syntax(color: StoredFile, world: World) -> None:
    """As it is stored, whole or a range of it, or in Explicit VR Little Endian; in no other syntax."""
    for syntax, status in (("*", 200), (color.header.transfer_syntax, 200), ("1.2.3", 406)):
        answer = ask(world, query_of(color, transferSyntax=syntax))
        assert answer.status_code == status
    explicit = ask(world, query_of(color, transferSyntax=EXPLICIT))
    assert (explicit.status_code, explicit.headers["content-type"]) == (200, "application/dicom")
    found = pydicom.dcmread(io.BytesIO(explicit.content))
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert len(found.PixelData) == 320 * 240 * 3 * 30
    assert explicit.headers["etag"] != ask(world, query_of(color)).headers["etag"]
    part = ask(world, query_of(color), headers={"Range": "bytes=128-131"})
    assert (part.status_code, part.content) == (206, b"DICM")


def test_a_file_that_cannot_be_decoded_is_in_its_own_syntax_alone(world: World) -> None:
    """12-bit JPEG has no decoder here."""
    stored = store_file(world.service, world.user(ALICE), pydicom_file("JPGExtended.dcm"))
    answer = ask(world, query_of(stored, transferSyntax=EXPLICIT))
    assert (answer.status_code, "1.2.840.10008.1.2.4.51, as" in answer.text) == (406, True)
    assert ask(world, query_of(stored)).content == stored.content


def test_parameters_change_the_picture(color: StoredFile, world: World) -> None:
    """Frame, size, window, and quality."""

    def rendered(**more: Any) -> tuple[Any, bytes]:
        answer = ask(world, query_of(color, contentType="image/jpeg", **more))
        return Image.open(io.BytesIO(answer.content)), answer.content

    assert rendered(columns=64)[0].size == (64, 48)
    assert rendered(rows=24)[0].size == (32, 24)
    assert rendered(rows=24, columns=24)[0].size == (24, 18)
    assert rendered(frameNumber=1)[1] == rendered()[1] != rendered(frameNumber=30)[1]
    assert len(rendered(imageQuality=5)[1]) < len(rendered(imageQuality=95)[1])
    ct = store_file(world.service, world.user(ALICE), pydicom_file("CT_small.dcm"))
    windows = {"windowWidth": "10", "contentType": "image/png"}
    dark, bright = (
        Image.open(io.BytesIO(ask(world, query_of(ct, windowCenter=center, **windows)).content))
        for center in ("9000", "-9.0e3")
    )
    assert dark.getextrema() != bright.getextrema()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"requestType": None}, "requestType"),
        ({"requestType": "wado"}, "requestType"),
        ({"studyUID": None}, "studyUID"),
        ({"studyUID": ["1.2", "1.3"]}, "studyUID"),
        ({"seriesUID": None}, "seriesUID"),
        ({"seriesUID": "1.02"}, "seriesUID"),
        ({"objectUID": ""}, "objectUID"),
        ({"objectUID": ["1.2", "1.3"]}, "objectUID"),
        ({"anonymize": "yes"}, "anonymize"),
        ({"region": "0,0,1,1"}, "region"),
        ({"rows": "0"}, "rows"),
        ({"columns": "99999"}, "columns"),
        ({"windowCenter": "40"}, "windowWidth"),
        ({"windowCenter": "x", "windowWidth": "1"}, "windowCenter"),
        ({"windowCenter": "40", "windowWidth": "0"}, "windowWidth"),
        ({"frameNumber": "0"}, "frameNumber"),
        ({"imageQuality": "101"}, "imageQuality"),
    ],
)
def test_bad_parameters(
    more: Mapping[str, Any], field: str, color: StoredFile, world: World
) -> None:
    """They are 400, and the detail names the parameter."""
    answer = ask(world, query_of(color, contentType="image/png", **more))
    assert (answer.status_code, answer.json["message"]) == (400, "Bad Query Parameter")
    assert answer.json["detail"].startswith(f"{field}:")


def test_what_is_not_there(color: StoredFile, world: World, upstream: World) -> None:
    """An instance, a frame, and whatever the caller does not see."""
    assert ask(world, query_of(color, objectUID="1.9")).status_code == 404
    assert ask(world, query_of(color, frameNumber=31, contentType="image/png")).status_code == 404
    assert ask(world, query_of(color), by=DAVE).status_code == 404
    assert ask(world, query_of(color, seriesUID="1.9")).status_code == 404
    assert ask(upstream, query_of(color)).status_code == 401


def test_documents_and_videos_need_no_instance(world: World) -> None:
    """The web client of Kheops names their series alone; of several instances that is ambiguous."""
    pdf, mp4 = b"%PDF-1.4", b"moov" * 500
    stored = store_file(world.service, world.user(ALICE), document(pdf))
    query = query_of(stored, objectUID=None)
    assert (query["studyUID"], query["seriesUID"]) == (OF_DOCUMENTS, SERIES)
    for named in ({"contentType": "application/pdf"}, {"objectUID": "1.5.1.1"}):
        answer = ask(world, query | named, headers={"Accept": "application/pdf"})
        assert (answer.status_code, answer.content) == (200, pdf)
    assert ask(world, query).headers["content-type"] == "application/dicom"
    assert ask(world, query | {"contentType": "image/png"}).status_code == 406
    store_file(world.service, world.user(ALICE), video(mp4))
    for media_type, content in (("application/pdf", pdf), ("video/mp4", mp4)):
        answer = ask(world, query | {"contentType": media_type})
        assert (answer.headers["content-type"], answer.content) == (media_type, content)
    for media_type in ("application/dicom", "video/mpeg"):
        answer = ask(world, query | {"contentType": media_type})
        assert (answer.status_code, answer.json["detail"].partition(":")[0]) == (400, "objectUID")


def test_the_file_is_for_those_who_may_download(color: StoredFile, world: World) -> None:
    """A picture is for all who see the series."""
    record = color.header.record
    world.act(ALICE, import_study, record.study_uid, [record.series_uid])
    assert ask(world, query_of(color), by=BOB).status_code == 200
    world.act(ALICE, edit_album, flags={"download_series": False})
    assert ask(world, query_of(color), by=BOB).status_code == 403
    assert ask(world, query_of(color, contentType="image/jpeg"), by=BOB).status_code == 200
