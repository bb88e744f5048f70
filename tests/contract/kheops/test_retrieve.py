"""Retrieving files, frames, bulk data and metadata, as public clients of DICOMweb do (DICOM PS3.18 section 10.4)."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from hashlib import sha256
from itertools import chain
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from albumcore import edit_album, import_series
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.blobs.port import Digest
from albumcore_adapters.dicom.pixel_places import MAX_FRAMES
from support.dicom_files import dicom_file
from support.encapsulated import document, video
from support.encoded_files import encapsulated, encoded, image_elements, instance_file
from support.kheops import ALBUM, ALICE, BOB, DAVE, Answer, World, open_world, settle
from support.served import served
from support.stored_files import StoredFile, pydicom_file, store_file, store_pydicom_files

COVERS = (
    "GET /studies/{study}",
    "GET /studies/{study}/series/{series}",
    "GET /studies/{study}/series/{series}/instances/{instance}",
    "GET /studies/{study}/series/{series}/metadata",
    "GET /studies/{study}/series/{series}/instances/{instance}/metadata",
    "GET /studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
    "GET /studies/{study}/series/{series}/instances/{instance}/bulkdata/{bulk}",
    "GET /studies/{study}/series/{series}/bulkdata/{bulk}",
)

STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
ALONE = "application/dicom; transfer-syntax=*"
DOCUMENT = b"%PDF-1.7 a document"


def _parts(answer: Answer) -> list[tuple[Mapping[str, str], bytes]]:
    """The parts of a multipart response: header and content."""
    assert answer.status_code == 200, answer.text
    media_type = answer.headers["content-type"]
    message = message_from_bytes(f"Content-Type: {media_type}\r\n\r\n".encode())
    boundary = message.get_boundary()
    assert boundary is not None
    assert message.get_content_type() == "multipart/related"
    body = b"\r\n" + answer.content
    assert "content-length" not in answer.headers or len(answer.content) == int(
        answer.headers["content-length"]
    )
    first, *found, last = body.split(f"\r\n--{boundary}".encode())
    assert (first, last) == (b"", b"--\r\n")
    parts: list[tuple[Mapping[str, str], bytes]] = []
    for one in found:
        header, content = one.removeprefix(b"\r\n").split(b"\r\n\r\n", 1)
        lines = [line.split(": ", 1) for line in header.decode().split("\r\n")]
        parts.append((dict(lines), content))
    return parts


def _get(
    world: World,
    path: str,
    accept: str | None = None,
    by: str = ALICE,
    query: Mapping[str, str] | None = None,
) -> Answer:
    headers = {} if accept is None else {"Accept": accept}
    return world.request(by, "GET", path, query=query, headers=headers)


def _document() -> bytes:
    """An encapsulated PDF, with bulk data in a sequence too."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = generate_uid(), generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = DOCUMENT + b"\0" * (-len(DOCUMENT) % 2) + bytes(4000)
    item = Dataset()
    item.add_new(0x54001010, "OW", bytes(range(256)) * 20)
    dataset.WaveformSequence = [item]
    return _written(dataset)


def _written(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _stored(world: World, name: str) -> StoredFile:
    return store_file(world.service, world.user(ALICE), pydicom_file(name))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world, for all tests here: each has a decoding process of its own."""
    made = open_world(tmp_path_factory.mktemp("retrieve"), start=settle)
    yield made
    made.service.close()


@pytest.fixture(scope="module")
def everything(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[World, list[StoredFile]]]:
    """A world with every file of pydicom that is an instance, in Alice's inbox."""
    world = open_world(tmp_path_factory.mktemp("everything"), start=settle)
    stored = [*store_pydicom_files(world.service, world.user(ALICE))]
    yield world, stored
    world.service.close()


def test_every_file_comes_back_byte_for_byte(
    everything: tuple[World, list[StoredFile]],
) -> None:
    """Alone, and as a part that names its transfer syntax and address."""
    world, stored = everything
    assert len(stored) > 100
    for one in stored:
        alone = _get(world, one.path, ALONE)
        assert (alone.status_code, alone.content) == (200, one.content)
        [(header, content)] = _parts(_get(world, one.path, STORED))
        syntax = one.header.transfer_syntax
        assert content == one.content
        assert header == {
            "Content-Type": f"application/dicom; transfer-syntax={syntax}",
            "Content-Location": f"http://127.0.0.1:8000{one.path}",
        }
        assert alone.headers["content-type"] == header["Content-Type"]


def test_every_header_is_json_with_links_below_the_root(
    everything: tuple[World, list[StoredFile]],
) -> None:
    """At each of the three levels; pixel data is never inline."""
    world, stored = everything
    for one in stored:
        [header] = _get(world, f"{one.path}/metadata").json
        assert header["00080018"]["Value"] == [one.path.rpartition("/")[2]]
        pixels = header.get("7FE00010", {})
        assert set(pixels) <= {"vr", "BulkDataURI"}
        for link in _links(header):
            assert link.startswith(f"http://127.0.0.1:8000{one.path}/bulkdata/")
        series, study = one.path.rsplit("/", 2)[0], one.path.rsplit("/", 4)[0]
        assert header in _get(world, f"{series}/metadata").json
        assert header in _get(world, f"{study}/metadata").json


def _links(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "BulkDataURI":
                yield inner
            else:
                yield from _links(inner)
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_links, value))


def test_every_link_leads_to_bulk_data(everything: tuple[World, list[StoredFile]]) -> None:
    """As parts, whatever the client accepts."""
    world, stored = everything
    followed = 0
    for one in stored:
        [header] = _get(world, f"{one.path}/metadata").json
        for link in _links(header):
            answer = _get(world, link.removeprefix("http://127.0.0.1:8000"))
            if link.endswith("/7FE00010"):  # of damaged files there may be no frames
                assert answer.status_code in (200, 404, 406)
                continue
            assert all(content for _, content in _parts(answer))
            followed += 1
    assert followed


def test_frames_are_sent_as_stored(everything: tuple[World, list[StoredFile]]) -> None:
    """Each with its transfer syntax; of native ones the bytes are those of the pixel data."""
    world, stored = everything
    compared = 0
    for one in stored:
        if one.header.pixels is None or one.header.pixels.frames is None:
            continue
        number = one.header.pixels.frames.number
        parts = _parts(_get(world, f"{one.path}/frames/{number},1", FRAMES))
        assert [header["Content-Type"] for header, _ in parts] == [
            f"application/octet-stream; transfer-syntax={one.header.transfer_syntax}"
        ] * 2
        assert [header["Content-Location"].rpartition("/")[2] for header, _ in parts] == [
            str(number),
            "1",
        ]
        assert all(content for _, content in parts)
        with warnings.catch_warnings(action="ignore"):  # of files that are damaged on purpose
            dataset = pydicom.dcmread(io.BytesIO(one.content), force=True)
        if "PixelData" in dataset:
            content = dataset.PixelData
            if dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian).is_encapsulated:
                content = pydicom.encaps.get_frame(content, 0, number_of_frames=number)
            assert content.startswith(parts[1][1])
            compared += 1
    assert compared > 30


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "image/jp2"),
        ("*/*", "image/jp2"),
        ('multipart/related; type="*/*"', "image/jp2"),
        ('multipart/related; type="image/*"', "image/jp2"),
        ("multipart/related; type=image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90", "image/jp2"),
        ('multipart/related; type="image/jpeg", multipart/related; type="image/jp2"', "image/jp2"),
        (FRAMES, "application/octet-stream"),
        (FRAMES.replace('"', ""), "application/octet-stream"),
        (FRAMES.replace("*", '"*"'), "application/octet-stream"),
    ],
)
def test_the_media_type_of_frames(world: World, accept: str | None, media_type: str) -> None:
    """What is named, or that of the compressed image."""
    path = f"{_stored(world, 'MR_small_jp2klossless.dcm').path}/frames/1"
    answer = _get(world, path, accept)
    [(header, _)] = _parts(answer)
    assert header["Content-Type"] == f"{media_type}; transfer-syntax=1.2.840.10008.1.2.4.90"
    assert f'type="{media_type}"' in answer.headers["content-type"]


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="image/jpeg"',
        'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.91',
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.5',
        "text/html",
        "image/png",
        "nothing",
    ],
)
def test_what_no_frame_is(world: World, accept: str) -> None:
    """The response says what there is."""
    path = f"{_stored(world, 'MR_small_jp2klossless.dcm').path}/frames/1"
    answer = _get(world, path, accept)
    assert answer.status_code == 406
    assert "1.2.840.10008.1.2.4.90" in answer.json["detail"]


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("CT_small.dcm", "1.2.840.10008.1.2.1"),
        ("MR_small_implicit.dcm", "1.2.840.10008.1.2.1"),
    ],
)
def test_native_frames_are_the_same_decoded(world: World, name: str, syntax: str) -> None:
    """Without a transfer syntax, octets mean Explicit VR Little Endian."""
    path = f"{_stored(world, name).path}/frames/1"
    accept = 'multipart/related; type="application/octet-stream"'
    [(header, content)] = _parts(_get(world, path, accept))
    assert header["Content-Type"] == f"application/octet-stream; transfer-syntax={syntax}"
    assert content == pydicom.dcmread(io.BytesIO(pydicom_file(name))).PixelData
    [(header, again)] = _parts(_get(world, path, "*/*"))
    assert again == content


@pytest.mark.parametrize("accept", [None, FRAMES, FRAMES.replace("*", "1.2.840.10008.1.2.1")])
@pytest.mark.parametrize("path", ["frames/1", "bulkdata/7FE00010"])
def test_big_endian_frames_are_sent_little_endian(
    world: World, accept: str | None, path: str
) -> None:
    """Whatever is accepted: viewers read no other order."""
    stored = _stored(world, "MR_small_bigendian.dcm")
    [(header, content)] = _parts(_get(world, f"{stored.path}/{path}", accept))
    assert header["Content-Type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    pixels = pydicom.dcmread(io.BytesIO(stored.content)).pixel_array
    assert content == pixels.astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("numbers", "status"),
    [("2", 404), ("1,2", 404), ("0", 400), ("1,,1", 400), ("a", 400), ("1-2", 400), ("-1", 400)],
)
def test_frames_that_there_are_not(world: World, numbers: str, status: int) -> None:
    """Past the end, or no list of numbers."""
    path = f"{_stored(world, 'CT_small.dcm').path}/frames/{numbers}"
    assert _get(world, path, FRAMES).status_code == status


def test_single_bits_begin_at_a_byte(world: World) -> None:
    """Frames that follow each other without a gap are shifted."""
    dataset = pydicom.dcmread(io.BytesIO(pydicom_file("CT_small.dcm")))
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames, size = 3, 5, 3, 15
    dataset.BitsAllocated = dataset.BitsStored = 1
    bits = np.random.default_rng(7).integers(0, 2, 3 * size, np.uint8)
    dataset.PixelData = np.packbits(bits, bitorder="little").tobytes()
    stored = store_file(world.service, world.user(ALICE), _written(dataset))
    for number in (1, 2, 3):
        [(_, content)] = _parts(_get(world, f"{stored.path}/frames/{number}", FRAMES))
        found = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
        assert (found[:size] == bits[(number - 1) * size : number * size]).all()
        assert not found[size:].any()
    [(_, whole)] = _parts(_get(world, f"{stored.path}/bulkdata/7FE00010"))
    assert whole == dataset.PixelData


@pytest.mark.parametrize(
    "accept", ["multipart/related; type=application/dicom", "application/dicom", "image/*"]
)
def test_the_form_of_a_file(world: World, accept: str) -> None:
    """As stored, or 406: no client gets another transfer syntax than the one it named."""
    path = _stored(world, "JPEG2000.dcm").path
    named = f"{accept}; transfer-syntax=1.2.840.10008.1.2.4.50"
    assert _get(world, path, named).status_code == 406
    stored = f"{accept}; transfer-syntax=1.2.840.10008.1.2.4.91"
    assert _get(world, path, stored).status_code == (406 if accept == "image/*" else 200)


EXPLICIT = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"


def test_files_are_decoded(everything: tuple[World, list[StoredFile]]) -> None:
    """To Explicit VR Little Endian: the same attributes and pixels, colors as RGB; or the client gets 406."""
    world, stored = everything
    decoded = set()
    with warnings.catch_warnings(action="ignore"):  # of files that are damaged on purpose
        for one in stored:
            if one.header.transfer_syntax == ExplicitVRLittleEndian:
                continue
            answer = _get(world, one.path, EXPLICIT)
            if answer.status_code != 200:
                assert answer.status_code == 406
                continue
            found = pydicom.dcmread(io.BytesIO(answer.content))
            original = pydicom.dcmread(io.BytesIO(one.content), force=True)
            assert found.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
            assert {e.tag for e in found} <= {e.tag for e in original} | {0x00280006}
            changed = {e.keyword for e in original if found.get(e.tag) != e and e.tag.element}
            assert changed <= {"PhotometricInterpretation", "PixelData", ""}
            if "PixelData" in original:
                assert (found.pixel_array == original.pixel_array).all()
                decoded.add(one.header.transfer_syntax)
    assert len(decoded) > 5


@pytest.mark.parametrize(
    ("name", "is_decoded"), [("MR_small_RLE.dcm", True), ("JPGExtended.dcm", False)]
)
def test_a_part_without_a_named_syntax(world: World, name: str, is_decoded: bool) -> None:
    """It is decoded if it can be, and otherwise as stored; it says which. A named syntax is that one or 406."""
    stored = _stored(world, name)
    accept = 'multipart/related; type="application/dicom"'
    [(header, content)] = _parts(_get(world, stored.path, accept))
    syntax = ExplicitVRLittleEndian if is_decoded else stored.header.transfer_syntax
    assert header["Content-Type"] == f"application/dicom; transfer-syntax={syntax}"
    assert (content == stored.content) is not is_decoded
    named = f"{accept}; transfer-syntax=1.2.840.10008.1.2.1"
    assert _get(world, stored.path, named).status_code == (200 if is_decoded else 406)
    assert _get(world, stored.path, EXPLICIT).status_code == (200 if is_decoded else 406)


@pytest.mark.parametrize(
    ("name", "status"),
    [("MR_small_RLE.dcm", 200), ("MR_small_bigendian.dcm", 200), ("JPGExtended.dcm", 406)],
)
def test_frames_are_decoded(world: World, name: str, status: int) -> None:
    """To little endian; or the client gets 406, also for the pixel data by bulk data."""
    stored = _stored(world, name)
    accept = 'multipart/related; type="application/octet-stream"'
    for path in ("frames/1", "bulkdata/7FE00010"):
        answer = _get(world, f"{stored.path}/{path}", accept)
        assert answer.status_code == status
        alone = _get(world, f"{stored.path}/{path}", "application/octet-stream")
        assert alone.status_code == status
        if status == 200:
            [(header, content)] = _parts(answer)
            assert header["Content-Type"].endswith("; transfer-syntax=1.2.840.10008.1.2.1")
            pixels = pydicom.dcmread(io.BytesIO(stored.content)).pixel_array
            assert content == alone.content == pixels.astype("<i2").tobytes()


@pytest.mark.parametrize("number", [-5, MAX_FRAMES + 1, 2**31 - 1])
def test_a_number_of_frames_that_cannot_be(world: World, number: int) -> None:
    """There are none then, and no memory is taken for them."""
    files = {
        "1.2.840.10008.1.2.4.50": encapsulated(b"\xff\xd8"),
        ExplicitVRLittleEndian: encoded(0x7FE00010, "OW", bytes(8)),
    }
    for syntax, pixels in files.items():
        content = instance_file(image_elements(2, 4, number), pixels, syntax)
        stored = store_file(world.service, world.user(ALICE), content)
        for below in ("frames/1", "bulkdata/7FE00010"):
            for accept in (FRAMES, "*/*", 'multipart/related; type="application/octet-stream"'):
                assert _get(world, f"{stored.path}/{below}", accept).status_code == 404


def test_frames_of_a_deflated_file_are_plain(world: World) -> None:
    """They have no place in the file; past the end there is none."""
    stored = _stored(world, "image_dfl.dcm")
    for accept in (FRAMES, "*/*", 'multipart/related; type="application/octet-stream"'):
        [(header, content)] = _parts(_get(world, f"{stored.path}/frames/1", accept))
        assert header["Content-Type"].endswith("; transfer-syntax=1.2.840.10008.1.2.1")
        assert content == pydicom.dcmread(io.BytesIO(stored.content)).PixelData
    assert _get(world, f"{stored.path}/frames/2", FRAMES).status_code == 404
    [(_, whole)] = _parts(_get(world, f"{stored.path}/bulkdata/7FE00010", "*/*"))
    assert whole == content


def test_the_query_wins_over_the_header(world: World) -> None:
    """A browser that opens an address cannot choose its header."""
    stored = _stored(world, "CT_small.dcm")
    answer = _get(world, stored.path, "image/png", query={"accept": ALONE})
    assert answer.content == stored.content
    assert _get(world, stored.path, ALONE, query={"accept": "image/png"}).status_code == 406
    assert _get(world, stored.path, ALONE, query={"accept": ""}).content == stored.content


def test_a_study_is_its_series_one_after_the_other(world: World) -> None:
    """By the numbers of series and instances; the files of a series alone have no single part."""
    contents, study = {}, generate_uid()
    for number in (2, 1):
        series = generate_uid()
        for instance in (2, 1):
            dataset = pydicom.dcmread(io.BytesIO(pydicom_file("CT_small.dcm")))
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
            dataset.SeriesNumber, dataset.InstanceNumber = number, instance
            dataset.SOPInstanceUID = generate_uid()
            stored = store_file(world.service, world.user(ALICE), _written(dataset))
            contents[number, instance] = stored.content
    parts = _parts(_get(world, f"/studies/{study}", STORED))
    assert [content for _, content in parts] == [contents[key] for key in sorted(contents)]
    of_series = _parts(_get(world, f"/studies/{study}/series/{series}", "*/*"))
    assert [content for _, content in of_series] == [contents[1, 1], contents[1, 2]]
    assert _get(world, f"/studies/{study}/series/{series}", ALONE).status_code == 406
    metadata = _get(world, f"/studies/{study}/metadata").json
    numbers = [(one["00200011"]["Value"][0], one["00200013"]["Value"][0]) for one in metadata]
    assert numbers == sorted(contents)


def test_a_series_with_frames_that_have_no_decoder(world: World) -> None:
    """It is refused before the status, if the client names the syntax; otherwise they are sent as stored."""
    for content in (document(b"%PDF"), video(b"mp4 ")):
        stored = store_file(world.service, world.user(ALICE), content)
    path = stored.path.rpartition("/instances/")[0]
    files = 'multipart/related; type="application/dicom"'
    assert len(_parts(_get(world, path, files))) == 2
    refused = _get(world, path, f"{files}; transfer-syntax={ExplicitVRLittleEndian}")
    assert (refused.status_code, ".4.102, for which no decoder" in refused.text) == (406, True)
    listed = world.service.decoder.decodable([ExplicitVRLittleEndian, "1.2.840.10008.1.2.4.102"])
    assert listed == {ExplicitVRLittleEndian}


def test_a_part_of_a_file(world: World) -> None:
    """By Range, of one that is sent alone; beside a multipart message it is ignored."""
    stored = _stored(world, "CT_small.dcm")
    headers = {"Accept": ALONE, "Range": "bytes=100-299"}
    answer = world.request(ALICE, "GET", stored.path, headers=headers)
    assert (answer.status_code, answer.content) == (206, stored.content[100:300])
    headers["Range"] = f"bytes={len(stored.content)}-"
    assert world.request(ALICE, "GET", stored.path, headers=headers).status_code == 416
    answer = world.request(ALICE, "GET", stored.path, headers={**headers, "Accept": STORED})
    assert answer.status_code == 200


@pytest.mark.parametrize("below", ["", "/metadata", "/frames/1", "/bulkdata/7FE00010"])
@pytest.mark.parametrize("accept", ["*/*", ALONE, "application/octet-stream; transfer-syntax=*"])
def test_what_a_client_has_is_not_sent_again(world: World, below: str, accept: str) -> None:
    """Whatever the form; another form has another tag."""
    path = f"{_stored(world, 'CT_small.dcm').path}{below}"
    answer = _get(world, path, accept)
    if answer.status_code == 406:
        return
    headers = {"Accept": accept, "If-None-Match": answer.headers["etag"]}
    again = world.request(ALICE, "GET", path, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
    head = world.request(ALICE, "HEAD", path, headers={"Accept": accept})
    assert head.headers["etag"] == answer.headers["etag"]
    assert head.headers["content-length"] == str(len(answer.content))


def test_a_document_is_sent_as_such(world: World) -> None:
    """To a browser by the query, alone and of its own type; by default as a part."""
    stored = store_file(world.service, world.user(ALICE), _document())
    path = f"{stored.path}/bulkdata/00420011"
    alone = _get(world, path, "text/html,*/*;q=0.8", query={"accept": "application/pdf"})
    assert alone.headers["content-type"] == "application/pdf"
    assert alone.content.startswith(DOCUMENT)
    [(header, content)] = _parts(_get(world, path))
    assert (header["Content-Type"], content) == ("application/pdf", alone.content)
    octets = _get(world, path, "application/octet-stream")
    assert (octets.headers["content-type"], octets.content) == (
        "application/octet-stream",
        alone.content,
    )
    assert _get(world, path, query={"accept": "text/html"}).status_code == 406


def test_a_document_that_a_browser_runs_is_octets(world: World) -> None:
    """Its sender chose its type."""
    content = _document().replace(b"application/pdf ", b"text/html       ")
    assert b"text/html" in content
    stored = store_file(world.service, world.user(ALICE), content)
    path = f"{stored.path}/bulkdata/00420011"
    assert _get(world, path, query={"accept": "text/html"}).status_code == 406
    [(header, _)] = _parts(_get(world, path, "*/*"))
    assert header["Content-Type"] == "application/octet-stream"


def test_bulk_data_in_a_sequence_has_a_path(world: World) -> None:
    """Of tags and numbers of items; the address in the metadata has it."""
    stored = store_file(world.service, world.user(ALICE), _document())
    [link] = [
        link
        for link in _links(_get(world, f"{stored.path}/metadata").json)
        if link.endswith("/54001010")
    ]
    path = link.removeprefix("http://127.0.0.1:8000")
    [(_, content)] = _parts(_get(world, path.lower().replace("bulkdata", "bulkdata")))
    assert content == bytes(range(256)) * 20
    series = path.partition("/instances/")[0]
    of_series = f"{series}/bulkdata/{path.partition('/bulkdata/')[2]}"
    [(header, again)] = _parts(_get(world, of_series))
    assert again == content
    assert header["Content-Location"] == link
    assert _get(world, of_series, "application/octet-stream").status_code == 406
    assert _get(world, f"{series}/bulkdata/7FE00010").status_code == 404


@pytest.mark.parametrize("path", ["7FE00010", "00420011", "00420010", "x", "00420011/1", "0042001"])
def test_bulk_data_that_there_are_not(world: World, path: str) -> None:
    """404, whatever the path."""
    stored = _stored(world, "rtplan.dcm")
    assert _get(world, f"{stored.path}/bulkdata/{path}").status_code == 404


def test_frames_of_compressed_pixel_data_are_parts(world: World) -> None:
    """By bulk data too; native ones are one part."""
    stored = _stored(world, "examples_ybr_color.dcm")
    frames = stored.header.pixels
    assert frames is not None
    assert frames.frames is not None
    numbers = range(1, frames.frames.number + 1)
    parts = _parts(_get(world, f"{stored.path}/bulkdata/7FE00010"))
    every = ",".join(map(str, numbers))
    assert [content for _, content in parts] == [
        content for _, content in _parts(_get(world, f"{stored.path}/frames/{every}"))
    ]
    native = _stored(world, "CT_small.dcm")
    [(_, content)] = _parts(_get(world, f"{native.path}/bulkdata/7FE00010"))
    assert content == pydicom.dcmread(io.BytesIO(native.content)).PixelData


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_bigendian.dcm"])
def test_pixel_data_alone(world: World, name: str) -> None:
    """As stored, or decoded, which are the same pixels: little endian."""
    stored = _stored(world, name)
    answer = _get(world, f"{stored.path}/bulkdata/7FE00010", "application/octet-stream")
    pixels = pydicom.dcmread(io.BytesIO(stored.content)).pixel_array
    assert answer.content == pixels.astype("<i2").tobytes()
    assert answer.headers["Content-Type"].startswith("application/octet-stream; transfer-syntax=")


# What is damaged, missing, or not for the caller


def test_damaged_bytes_are_never_sent(world: World) -> None:
    """500 before anything is sent; later the connection breaks."""
    stored = _stored(world, "CT_small.dcm")
    series = stored.path.rsplit("/", 2)[0]
    [instance] = world.service.instance_reader.instances.of_series(
        stored.header.record.study_uid, stored.header.record.series_uid
    )
    assert instance.blob is not None
    path = _blob_path(world, instance.blob.digest)
    sealed = bytearray(path.read_bytes())
    sealed[len(sealed) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(sealed)
    for accept in (ALONE, STORED):
        assert _get(world, stored.path, accept).status_code == 500
    assert _get(world, series, STORED).status_code == 500


def _blob_path(world: World, digest: Digest) -> Path:
    found = [one for one in world.service.settings.data.rglob("*") if one.is_file()]
    [path] = [one for one in found if sha256(one.read_bytes()).hexdigest() == digest]
    return path


def test_headers_that_are_missing_are_made_once(world: World) -> None:
    """From the file; what is stored in the catalogue alone has the attributes of the catalogue."""
    content = dicom_file(StudyUID("1.2.9"), SeriesUID("1.2.9.1"), "1.2.9.1.1")
    stored = store_file(world.service, world.user(ALICE), content, with_header=False)
    series = stored.path.rsplit("/", 2)[0]
    first = _get(world, f"{series}/metadata")
    reader = world.service.instance_reader
    uid = stored.header.record.sop_instance_uid
    assert reader.instances.headers([stored.header.record.series_uid]) == {uid: stored.header.json}
    again = _get(world, f"{series}/metadata")
    assert again.content == first.content
    world.store({"1.2.3.4.1": "CT"}, study="1.2.3.4", owner=ALICE)
    [known] = _get(world, "/studies/1.2.3.4/series/1.2.3.4.1/metadata").json
    assert known["00080060"]["Value"] == ["CT"]
    for path in ("", "/series/1.2.3.4.1", "/series/1.2.3.4.1/instances/1.2.3.4.1.1"):
        assert _get(world, f"/studies/1.2.3.4{path}").status_code == 404


@pytest.mark.parametrize("below", ["", "/metadata", "/frames/1", "/bulkdata/7FE00010"])
def test_an_instance_that_there_is_not(world: World, below: str) -> None:
    """404; 400 if it is no UID. So is one of another series."""
    stored, other = _stored(world, "CT_small.dcm"), _stored(world, "MR_small.dcm")
    series = stored.path.rsplit("/", 1)[0]
    uid = other.path.rpartition("/")[2]
    assert _get(world, f"{series}/1.2.3{below}").status_code == 404
    assert _get(world, f"{series}/{uid}{below}").status_code == 404
    assert _get(world, f"{series}/01{below}").status_code == 400
    assert _get(world, f"{stored.path}{below}", by=DAVE).status_code == 404


def test_viewers_get_no_files(world: World) -> None:
    """Frames, bulk data and metadata are for those who see a series, files for those who may download it."""
    stored = _stored(world, "CT_small.dcm")
    record = stored.header.record
    world.act(ALICE, import_series, record.study_uid, record.series_uid)
    world.act(ALICE, edit_album, flags={"download_series": False})
    study = f"/studies/{record.study_uid}"
    for path in (study, f"{study}/series/{record.series_uid}", stored.path):
        assert _get(world, path, by=BOB).status_code == 403
    for below in ("/metadata", "/frames/1", "/bulkdata/7FE00010"):
        assert _get(world, f"{stored.path}{below}", by=BOB).status_code == 200
    world.act(ALICE, edit_album, flags={"download_series": True})
    assert _get(world, study, by=BOB, query={"album": ALBUM}).status_code == 200


# Public clients


def test_a_public_client_retrieves_all(world: World) -> None:
    """By every kind of call that it has for it."""
    stored = _stored(world, "CT_small.dcm")
    record = stored.header.record
    study, series, uid = record.study_uid, record.series_uid, record.sop_instance_uid
    expected = pydicom.dcmread(io.BytesIO(stored.content))
    with served(world, ALICE) as client:
        found = [
            *client.retrieve_study(study),
            *client.iter_study(study),
            *client.retrieve_series(study, series),
            *client.iter_series(study, series),
            client.retrieve_instance(study, series, uid),
        ]
        assert found == [expected] * 5
        headers = [
            *client.retrieve_study_metadata(study),
            *client.retrieve_series_metadata(study, series),
            client.retrieve_instance_metadata(study, series, uid),
        ]
        assert headers == [headers[0]] * 3
        frames = client.retrieve_instance_frames(study, series, uid, [1, 1])
        assert frames == [expected.PixelData] * 2
        assert [*client.iter_instance_frames(study, series, uid, [1])] == [expected.PixelData]
        link = headers[0]["7FE00010"]["BulkDataURI"].replace(
            "http://127.0.0.1:8000", client.base_url
        )
        assert client.retrieve_bulkdata(link) == [expected.PixelData]
        assert client.retrieve_bulkdata(link, byte_range=(0, 9)) == [expected.PixelData]
        assert [*client.iter_bulkdata(link)] == [expected.PixelData]
        for media_types in (("application/octet-stream",), (("application/octet-stream", "*"),)):
            assert (
                client.retrieve_instance_frames(study, series, uid, [1], media_types) == frames[:1]
            )
