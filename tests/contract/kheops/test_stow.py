"""Storing instances over HTTP (STOW-RS): what is stored, what is refused and why, and where the series are put."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom.data
import pytest

from albumcore import SeriesImported, edit_album
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.byte_source import ByteSource
from albumcore_adapters.decoding import Decoder, DecoderFailed
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.http.dicomweb import stow
from albumcore_adapters.instances import composing
from support import hostile
from support.dicom_files import (
    BOUNDARY,
    CT_STORAGE,
    FORM,
    RELATED,
    dicom_file,
    form,
    jpeg_of,
    message,
)
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CT,
    DAVE,
    MR,
    NOWHERE,
    STUDY,
    Answer,
    World,
    open_world,
    settle,
)

COVERS = ("POST /studies", "POST /studies/{study}")

OTHER_STUDY, OTHER_SERIES = StudyUID("1.2.9"), SeriesUID("1.2.9.1")
FAILED, STORED, OTHERS = "00081198", "00081199", "0008119A"
CONTRADICTS, FAILURE, DUPLICATE, NOT_AUTHORIZED = 0x0106, 0x0110, 0x0111, 0x0124
OUT_OF_RESOURCES, OTHER_THAN_ADDRESS, CANNOT_UNDERSTAND = 0xA700, 0xA900, 0xC000


def send(
    world: World,
    by: str | None,
    *files: bytes,
    path: str = "/studies",
    accept: str = "application/dicom+json",
    **query: str,
) -> Answer:
    """Send instances in one message."""
    headers = {"Content-Type": RELATED, "Accept": accept}
    return world.request(by, "POST", path, query=query, headers=headers, body=message(files))


def ct(number: int = 1, **attributes: Any) -> bytes:
    """An instance of the CT series."""
    return dicom_file(STUDY, CT, f"{CT}.{number}", **attributes)


def reasons(answer: Answer, sequence: str = FAILED) -> list[int]:
    """The failure reasons in an answer."""
    return [item["00081197"]["Value"][0] for item in items(answer, sequence)]


def items(answer: Answer, sequence: str) -> list[dict[str, Any]]:
    """The items of a sequence of an answer."""
    found: list[dict[str, Any]] = answer.json.get(sequence, {}).get("Value", [])
    return found


def in_inbox(world: World, by: str) -> Mapping[StudyUID, set[SeriesUID]]:
    """What is in a user's inbox."""
    return world.service.inbox.contents(world.user(by))


def stored_bytes(world: World, study: StudyUID, series: SeriesUID) -> dict[str, bytes]:
    """The bytes of the instances of a series, by SOPInstanceUID."""
    archive = world.service.instance_store.archive
    found = {}
    for one in StoredInstances(world.service.database).of_series(study, series):
        source: ByteSource = archive.open(one)
        found[one.sop_instance_uid] = source.read(0, source.length)
    return found


def blobs_of(world: World) -> set[str]:
    """The digests of all stored blobs."""
    return set(world.service.blobs.digests())


def test_instances_are_stored_and_their_series_are_in_the_inbox(world: World) -> None:
    """The answer refers to each; what is stored is what was sent, and it is found by a search."""
    files = [ct(number) for number in (1, 2, 3)]
    answer = send(world, ALICE, *files)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom+json")
    root = "http://127.0.0.1:8000/studies/1.2.3"
    assert answer.json == {
        "00081190": {"vr": "UR", "Value": [root]},
        STORED: {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [CT_STORAGE]},
                    "00081155": {"vr": "UI", "Value": [f"{CT}.{number}"]},
                    "00081190": {
                        "vr": "UR",
                        "Value": [f"{root}/series/{CT}/instances/{CT}.{number}"],
                    },
                }
                for number in (1, 2, 3)
            ],
        },
    }
    assert in_inbox(world, ALICE) == {STUDY: {CT}}
    assert list(stored_bytes(world, STUDY, CT).values()) == files
    [study] = world.get(ALICE, "/studies", inbox="true")
    assert study["00201208"]["Value"] == [3]


def test_each_series_that_is_new_to_an_album_has_one_event(world: World) -> None:
    """One IMPORT_SERIES for each, by the user; more instances of a series that is there have none."""
    before = world.position()
    files = [ct(1), ct(2), dicom_file(STUDY, MR, f"{MR}.1")]
    assert send(world, BOB, *files, album=ALBUM).status_code == 200
    assert world.news(before) == [SeriesImported(STUDY, CT), SeriesImported(STUDY, MR)]
    assert world.events(ALICE)[0]["source"]["sub"] == BOB
    before = world.position()
    assert send(world, BOB, ct(3), album=ALBUM).status_code == 200
    assert world.news(before) == []
    assert len(stored_bytes(world, STUDY, CT)) == 3
    assert in_inbox(world, BOB) == {}


def test_the_same_instance_again_is_stored_once(world: World) -> None:
    """It is a success without a second copy, also within one message, and puts the series where it is sent."""
    assert send(world, ALICE, ct()).status_code == 200
    blobs = blobs_of(world)
    answer = send(world, ALICE, ct(), ct(), album=ALBUM)
    assert (answer.status_code, len(items(answer, STORED))) == (200, 2)
    assert blobs_of(world) == blobs
    assert world.mutations()[0] == "IMPORT_SERIES"


def test_other_bytes_under_a_known_uid_are_refused(world: World) -> None:
    """The instance that came first stays, whatever is skipped; also within one message."""
    first, second = ct(pixels=b"\1\1" * 32), ct(pixels=b"\2\2" * 32)
    answer = send(world, ALICE, first, second)
    assert (answer.status_code, reasons(answer)) == (202, [DUPLICATE])
    answer = send(world, ALICE, second, skipVerify="true")
    assert (answer.status_code, reasons(answer)) == (409, [DUPLICATE])
    moved = dicom_file(STUDY, MR, f"{CT}.1")
    assert reasons(send(world, ALICE, moved, skipVerify="true")) == [DUPLICATE]
    assert stored_bytes(world, STUDY, CT) == {f"{CT}.1": first}


def test_a_series_stays_in_its_study(world: World) -> None:
    """A UID is that of one object: the study is named as what contradicts."""
    assert send(world, ALICE, ct()).status_code == 200
    answer = send(world, ALICE, dicom_file(OTHER_STUDY, CT, "1.9"), skipVerify="true")
    assert (answer.status_code, reasons(answer)) == (409, [CONTRADICTS])


def test_what_contradicts_the_known_study_or_series_is_refused(world: World) -> None:
    """The attributes are named, as decimal numbers; with skipVerify they are not compared."""
    known = ct(1, PatientName="Doe^Jane", PatientID="P1", StudyID="7", SeriesNumber=2)
    odd = ct(2, PatientName="Roe^Jane", PatientID="P1", StudyID="7", SeriesNumber=3)
    answer = send(world, ALICE, known, odd)
    assert answer.status_code == 202
    [failed] = items(answer, FAILED)
    assert failed["00001005"] == {
        "vr": "LO",
        "Value": [str(0x00100010), str(0x00200011)],
    }
    assert failed["00081197"]["Value"] == [CONTRADICTS]
    assert reasons(send(world, ALICE, odd)) == [CONTRADICTS]
    assert send(world, ALICE, odd, skipVerify="true").status_code == 200


@pytest.mark.parametrize(
    ("known", "sent", "agrees"),
    [
        ({"PatientName": "Doe^Jane"}, {"PatientName": "Doe Jane^"}, False),
        ({"PatientName": "Doe^Jane"}, {"PatientName": "DoeJane"}, True),
        ({"PatientID": "P1"}, {"PatientID": None}, True),
        ({"PatientID": None}, {"PatientID": "P1"}, True),
        ({"StudyDate": "20260301"}, {"StudyDate": "20260302"}, False),
        ({"StudyID": "7"}, {"StudyID": None}, False),
        ({"SeriesNumber": None}, {"SeriesNumber": 0}, True),
        ({"SeriesNumber": None}, {"SeriesNumber": 1}, False),
        ({"SeriesDescription": "Thorax"}, {"SeriesDescription": None}, False),
        ({"Modality": "CT"}, {"Modality": "MR"}, False),
    ],
)
def test_how_attributes_are_compared(
    world: World, known: dict[str, Any], sent: dict[str, Any], agrees: bool
) -> None:
    """Of a study, no value agrees with any; of a series, only with none. Names are compared by their letters."""
    assert send(world, ALICE, ct(1, **known)).status_code == 200
    assert (send(world, ALICE, ct(2, **sent)).status_code == 200) is agrees


@pytest.mark.parametrize(
    ("sent", "agrees"),
    [
        ({}, True),
        ({"PatientID": None}, False),
        ({"PatientName": "DoeJane"}, False),
        ({"AccessionNumber": "A1"}, False),
        ({"SeriesTime": None}, False),
        ({"SeriesNumber": None}, False),
        ({"Modality": "MR"}, False),
    ],
)
@pytest.mark.parametrize("query", [{}, {"skipVerify": "true"}], ids=str)
def test_a_sender_who_may_not_see_the_study_has_to_know_it(
    world: World, sent: dict[str, Any], agrees: bool, query: dict[str, str]
) -> None:
    """They would see it, and the images of a series that is nowhere; which attribute differs is not said."""
    known = {
        "PatientID": "P1",
        "PatientName": "Doe^Jane",
        "SeriesNumber": 0,
        "SeriesTime": "101500",
    }
    assert send(world, ALICE, ct(1, **known)).status_code == 200
    assert world.request(ALICE, "DELETE", f"/studies/{STUDY}").status_code == 204
    answer = send(world, BOB, ct(2, **(known | sent)), **query)
    assert (answer.status_code == 200) is agrees
    assert reasons(answer) == ([] if agrees else [CONTRADICTS])
    assert all("00001005" not in item for item in items(answer, FAILED))
    assert (STUDY in in_inbox(world, BOB)) is agrees


def test_what_is_no_instance_is_refused_and_the_others_are_stored(world: World) -> None:
    """A part that is no instance has no UIDs to refer to; other parts are not held up by it."""
    answer = send(world, ALICE, b"garbage", ct(), ct(2)[:-9])
    assert (answer.status_code, reasons(answer, OTHERS)) == (202, [FAILURE, FAILURE])
    assert len(items(answer, STORED)) == 1
    answer = send(world, ALICE, b"garbage")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/dicom+json")


def test_a_form_says_which_file_is_refused(world: World) -> None:
    """Every field is a file, whatever its media type, and is named by the name of the field."""
    known = ct()
    assert send(world, ALICE, known).status_code == 200
    body = form([ct(2), b"garbage", ct(1, pixels=bytes(64))])
    answer = world.request(ALICE, "POST", "/studies", headers={"Content-Type": FORM}, body=body)
    assert answer.status_code == 202
    assert [one["00041500"]["Value"] for one in items(answer, OTHERS)] == [["1"]]
    assert [one["00041500"]["Value"] for one in items(answer, FAILED)] == [["2"]]


def test_only_instances_of_the_study_in_the_address_are_stored(world: World) -> None:
    """An instance of another study is refused."""
    other = dicom_file(OTHER_STUDY, OTHER_SERIES, "1.2.9.1.1")
    answer = send(world, ALICE, ct(), other, path=f"/studies/{STUDY}")
    assert (answer.status_code, reasons(answer)) == (202, [OTHER_THAN_ADDRESS])
    assert in_inbox(world, ALICE) == {STUDY: {CT}}
    assert send(world, ALICE, ct(), path="/studies/1..2").status_code == 400


def test_a_series_of_others_is_not_added_to(world: World) -> None:
    """What another user has is neither changed nor seen by sending more of it."""
    assert send(world, ALICE, ct()).status_code == 200
    answer = send(world, DAVE, ct(2), dicom_file(OTHER_STUDY, OTHER_SERIES, "1.9.1"))
    assert (answer.status_code, reasons(answer)) == (202, [NOT_AUTHORIZED])
    assert in_inbox(world, DAVE) == {OTHER_STUDY: {OTHER_SERIES}}
    assert len(stored_bytes(world, STUDY, CT)) == 1


def test_what_was_sent_wins_over_a_claim(world: World) -> None:
    """A claim on a series is none of its sender's: the images go to who sends them, and the claim shows nothing."""
    assert world.request(DAVE, "PUT", f"/studies/{STUDY}/series/{CT}").status_code == 201
    assert send(world, ALICE, ct()).status_code == 200
    assert len(world.get(ALICE, "/studies")) == 1
    assert world.request(DAVE, "GET", "/studies").status_code == 204


def test_a_claim_is_confirmed_by_who_sends_the_images(world: World) -> None:
    """The series of one's own claim is shown, wherever it was claimed."""
    path = f"/studies/{STUDY}/series/{CT}/albums/{ALBUM}"
    assert world.request(BOB, "PUT", path).status_code == 201
    before = world.position()
    assert send(world, BOB, ct(), album=ALBUM).status_code == 200
    assert world.news(before) == []
    assert len(world.get(ALICE, "/studies", album=ALBUM)) == 1


def test_a_capability_token_stores_into_its_album(world: World) -> None:
    """The event names the token; without the right to write it is refused before anything is read."""
    world.album_token("writer", write=True)
    world.album_token("reader", read=True)
    assert send(world, "reader", ct()).status_code == 403
    assert send(world, "writer", ct(), album=ALBUM).status_code == 403
    assert send(world, "writer", ct()).status_code == 200
    [event] = world.events(ALICE, types="mutations")[:1]
    assert (event["mutation_type"], event["source"]["capability_token"]["id"]) == (
        "IMPORT_SERIES",
        "writer",
    )


def test_a_token_that_may_not_read_is_not_told_what_differs(world: World) -> None:
    """It would find out, guess by guess, what the album has."""
    world.album_token("writer", write=True)
    assert send(world, "writer", ct(1, PatientName="Doe^Jane")).status_code == 200
    answer = send(world, "writer", ct(2, PatientName="Roe^Jane"))
    assert (answer.status_code, reasons(answer)) == (409, [CONTRADICTS])
    assert "00001005" not in items(answer, FAILED)[0]


def test_who_may_add_but_not_send_adds_what_they_bring(world: World) -> None:
    """A new series, in one message and the next; the album has it before the images are written, and that is theirs."""
    world.act(ALICE, edit_album, flags={"add_series": True, "send_series": False})
    assert send(world, BOB, ct(1), ct(2), album=ALBUM).status_code == 200
    assert send(world, BOB, ct(3), album=ALBUM).status_code == 200
    assert len(stored_bytes(world, STUDY, CT)) == 3


def test_a_user_needs_the_album_and_the_permission(world: World) -> None:
    """An album that is none for the caller is not found; without `add_series` it is forbidden."""
    assert send(world, DAVE, ct(), album=ALBUM).status_code == 404
    assert send(world, ALICE, ct(), album=NOWHERE).status_code == 404
    world.act(ALICE, edit_album, flags={"add_series": False})
    assert send(world, BOB, ct(), album=ALBUM).status_code == 403
    assert send(world, None, ct()).status_code == 401
    assert stored_bytes(world, STUDY, CT) == {}


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/dicom", b"", 400),
        (RELATED, message([]), 400),
        (RELATED, b"", 400),
        (RELATED, message([b"x"])[:-3], 400),
        ("multipart/related", message([b"x"]), 400),
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded", b"a=b", 415),
    ],
)
def test_a_body_that_is_none(world: World, content_type: str, body: bytes, status: int) -> None:
    """An empty message is never a success: clients repeat a request with a body that they have used up."""
    answer = world.request(
        ALICE, "POST", "/studies", headers={"Content-Type": content_type}, body=body
    )
    assert answer.status_code == status
    assert set(answer.json) == {"message", "detail", "help"}


def test_a_message_that_is_cut_off_leaves_whole_instances_or_none(world: World) -> None:
    """What had arrived before may be stored or not, but nothing else is."""
    body = message([ct(1), ct(2)])
    headers = {"Content-Type": RELATED}
    answer = world.request(ALICE, "POST", "/studies", headers=headers, body=body[:-200])
    assert answer.status_code == 400
    assert stored_bytes(world, STUDY, CT).keys() <= {f"{CT}.1"}


def test_a_bare_instance_is_a_message(world: World) -> None:
    """One part without any delimiter; OsiriX leaves out the quotes of the type as well."""
    headers = {"Content-Type": "application/dicom"}
    assert world.request(ALICE, "POST", "/studies", headers=headers, body=ct()).status_code == 200
    headers = {"Content-Type": f"multipart/related; type=application/dicom; boundary={BOUNDARY}"}
    body = message([ct(2)])
    assert world.request(ALICE, "POST", "/studies", headers=headers, body=body).status_code == 200


def test_the_answer_is_of_the_type_that_is_accepted(world: World) -> None:
    """The media type has no parameters, as clients compare it to the letter."""
    for accept, expected in {
        "*/*": "application/dicom+json",
        "application/json": "application/json",
        "application/dicom+json, application/json": "application/dicom+json",
    }.items():
        answer = send(world, ALICE, ct(), accept=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (200, expected)
    assert send(world, ALICE, ct(), accept="image/png").status_code == 406


def test_every_file_of_pydicom_is_stored_as_it_is(world: World) -> None:
    """Each instance has the digest of its file; each that is refused has its reason."""
    folder = Path(pydicom.data.__file__).parent
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    answer = send(world, ALICE, *files, skipVerify="true")
    assert answer.status_code == 202
    assert set(reasons(answer)) == {DUPLICATE}
    assert set(reasons(answer, OTHERS)) == {FAILURE}
    assert len(items(answer, STORED)) > 100
    digests = {hashlib.sha256(content).hexdigest() for content in files}
    stored = StoredInstances(world.service.database)
    found = {}
    for study, series in in_inbox(world, ALICE).items():
        for uid in series:
            for one in stored.of_series(study, uid):
                source = world.service.instance_store.archive.open(one)
                found[one.digest] = hashlib.sha256(source.read(0, source.length)).hexdigest()
    assert all(digest == recorded for recorded, digest in found.items())
    assert found.keys() <= digests
    sops = {one["00081155"]["Value"][0] for one in items(answer, STORED)}
    assert len(found) == len(sops)


# Data sets in the DICOM JSON Model

JSON_RELATED = f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}'
LINK = "https://kheops.example/bulk/1"


def data_set(**more: Any) -> dict[str, Any]:
    """A data set in the DICOM JSON Model."""
    return {
        "00080016": {"vr": "UI", "Value": [CT_STORAGE]},
        "00080018": {"vr": "UI", "Value": [f"{CT}.7"]},
        "00080060": {"vr": "CS", "Value": ["XC"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jo"}]},
        "0020000D": {"vr": "UI", "Value": [STUDY]},
        "0020000E": {"vr": "UI", "Value": [CT]},
        **more,
    }


def send_json(
    world: World,
    found: Sequence[Any],
    *bulk: tuple[str, str, bytes],
    syntax: str = "1.2.840.10008.1.2.4.50",
) -> Answer:
    """Send data sets, and bulk data each with media type and location."""
    metadata = [f"Content-Type: application/dicom+json; transfer-syntax={syntax}"]
    parts: list[tuple[Sequence[str], bytes]] = [(metadata, json.dumps(found).encode())]
    for media_type, location, content in bulk:
        lines = [f"Content-Type: {media_type}", f"Content-Location: {location}"]
        parts.append((lines, content))
    body = b"\r\n" + message(parts)
    headers = {"Content-Type": JSON_RELATED}
    return world.request(ALICE, "POST", "/studies", headers=headers, body=body)


def read_back(world: World) -> pydicom.Dataset:
    """The one instance of the CT series."""
    [content] = stored_bytes(world, STUDY, CT).values()
    return pydicom.dcmread(BytesIO(content))


def test_a_photograph_is_encapsulated(world: World) -> None:
    """What the data set does not say about the pixels is read from the JPEG image, which is the only fragment."""
    jpeg = jpeg_of(rows=3, columns=5)
    link = {"7FE00010": {"vr": "OW", "BulkDataURI": LINK}}
    answer = send_json(world, [data_set(**link)], ("image/jpeg", LINK, jpeg))
    assert answer.status_code == 200, answer.text
    found = read_back(world)
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert (found.PatientName, found.Rows, found.Columns) == ("Müller^Jo", 3, 5)
    assert (found.SamplesPerPixel, found.PhotometricInterpretation) == (3, "YBR_FULL_422")
    assert (found.BitsAllocated, found.BitsStored, found.HighBit) == (8, 8, 7)
    frame = pydicom.encaps.get_frame(found.PixelData, 0, number_of_frames=1)
    assert frame == jpeg + b"\0"


def test_a_document_is_the_value_of_its_attribute(world: World) -> None:
    """A PDF is no pixel data, whatever transfer syntax is named; an odd length is padded."""
    document = b"%PDF-1.4 and more."[:17]
    more = {
        "00420011": {"vr": "OB", "BulkDataURI": LINK},
        "00420012": {"vr": "LO", "Value": ["application/pdf"]},
    }
    answer = send_json(world, [data_set(**more)], ("application/pdf", LINK, document))
    assert answer.status_code == 200, answer.text
    found = read_back(world)
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert found.EncapsulatedDocument == document + b"\0"
    assert found.MIMETypeOfEncapsulatedDocument == "application/pdf"


@pytest.mark.parametrize(
    ("media_type", "named", "expected"),
    [
        ("video/mp4", "102", "102"),
        ("video/mp4", "104", "104"),
        ("video/mp4", "50", "102"),
        ("video/mpeg", "102", "100"),
    ],
)
def test_a_video_is_encapsulated(world: World, media_type: str, named: str, expected: str) -> None:
    """Its transfer syntax is the one that is named, if it is one of its media type."""
    link = {"7FE00010": {"vr": "OB", "BulkDataURI": LINK}}
    video, syntaxes = b"not really a video", "1.2.840.10008.1.2.4."
    bulk = (media_type, LINK, video)
    assert send_json(world, [data_set(**link)], bulk, syntax=syntaxes + named).status_code == 200
    found = read_back(world)
    assert found.file_meta.TransferSyntaxUID == syntaxes + expected
    assert pydicom.encaps.get_frame(found.PixelData, 0, number_of_frames=1) == video


def test_several_data_sets_wait_for_their_bulk_data(world: World) -> None:
    """Bulk data are matched by their location; what no data set waits for is dropped."""
    sets = [
        data_set(
            **{
                "00080018": {"vr": "UI", "Value": [f"{CT}.{number}"]},
                "00420011": {"vr": "OB", "BulkDataURI": f"{LINK}/{number}"},
            }
        )
        for number in (1, 2, 3)
    ]
    bulk = [("application/pdf", f"{LINK}/{number}", b"%d" % number * 8) for number in (2, 1, 9)]
    answer = send_json(world, sets, *bulk)
    assert (answer.status_code, reasons(answer)) == (202, [CANNOT_UNDERSTAND])
    [failed] = items(answer, FAILED)
    assert failed["00081155"]["Value"] == [f"{CT}.3"]
    contents = {
        uid: pydicom.dcmread(BytesIO(content)).EncapsulatedDocument
        for uid, content in stored_bytes(world, STUDY, CT).items()
    }
    assert contents == {f"{CT}.1": b"1" * 8, f"{CT}.2": b"2" * 8}


def test_a_data_set_without_bulk_data_is_an_instance(world: World) -> None:
    """A report has none."""
    assert send_json(world, [data_set()]).status_code == 200
    assert read_back(world).Modality == "XC"


PIXELS = {"7FE00010": {"vr": "OW", "BulkDataURI": LINK}}


@pytest.mark.parametrize(
    ("found", "bulk"),
    [
        ("text", ()),
        ([1], ()),
        ([[]], ()),
        ([data_set(StudyDescription="Thorax")], ()),
        ([data_set(**{"00081030": {"vr": "LO", "Value": 7}})], ()),
        ([data_set(**{"00081030": {"vr": "ZZ", "Value": ["x"]}})], ()),
        ([data_set(**{"00081140": {"vr": "SQ", "Value": [PIXELS]}})], (("x/y", LINK, b"x"),)),
        ([data_set(**PIXELS)], (("image/jpeg", LINK, b"no JPEG"),)),
        ([data_set(**PIXELS)], (("image/gif", LINK, b"GIF89a"),)),
        ([data_set(**{"00081030": {"vr": "LO", "BulkDataURI": LINK}})], (("x/y", LINK, b"x"),)),
        ([data_set(**{"00420011": {"vr": ["OB"], "BulkDataURI": LINK}})], (("x/y", LINK, b"x"),)),
    ],
    ids=str,
)
def test_a_data_set_that_is_none_is_refused(
    world: World, found: Any, bulk: Sequence[tuple[str, str, bytes]]
) -> None:
    """It is refused as not understood; nothing is stored."""
    answer = send_json(world, found, *bulk)
    assert answer.status_code == 409
    failed = reasons(answer) + reasons(answer, OTHERS)
    assert failed in ([CANNOT_UNDERSTAND], [FAILURE])
    assert stored_bytes(world, STUDY, CT) == {}


def test_a_data_set_that_the_decoder_fails_on_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, with the reason for an instance that the decoder fails on."""

    def fail(*_: object) -> None:
        raise DecoderFailed("not enough memory")

    monkeypatch.setattr(Decoder, "compose", fail)
    answer = send_json(world, [data_set()])
    assert (answer.status_code, reasons(answer)) == (409, [FAILURE])
    assert stored_bytes(world, STUDY, CT) == {}


def test_parts_of_other_types_are_refused(world: World) -> None:
    """A part that claims to be something else is not read as an instance."""
    xml = ["Content-Type: application/dicom+xml"], b"<NativeDicomModel/>"
    headers = {"Content-Type": RELATED}
    answer = world.request(ALICE, "POST", "/studies", headers=headers, body=message([xml, ct()]))
    assert (answer.status_code, reasons(answer, OTHERS)) == (202, [CANNOT_UNDERSTAND])


@pytest.mark.parametrize("is_json", [False, True], ids=["a file", "JSON"])
def test_a_decoder_that_does_not_start_is_the_fault_of_the_service(
    tmp_path: Path, is_json: bool
) -> None:
    """The whole message may be sent again: no instance of it is refused, and none is stored."""
    world = open_world(tmp_path, start=settle, decoder_memory=1024 * 1024)
    answer = send_json(world, [data_set()]) if is_json else send(world, ALICE, ct(1), ct(2))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json["detail"] == "DICOM files cannot be read at present; try again"
    assert stored_bytes(world, STUDY, CT) == {}
    assert [path.name for path in (world.service.settings.data / "blobs").glob(".*")] == []
    world.service.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """A world whose instances have at most a kilobyte."""
    made = open_world(tmp_path, start=settle, max_instance=1024)
    yield made
    made.service.close()


def test_an_instance_that_is_too_large_is_refused_by_itself(small: World) -> None:
    """Those before and after it are stored; nothing is left of it."""
    answer = send(small, ALICE, ct(1), ct(2, pixels=bytes(2000)), ct(3))
    assert (answer.status_code, reasons(answer, OTHERS)) == (202, [OUT_OF_RESOURCES])
    assert len(items(answer, STORED)) == 2
    link = {"00420011": {"vr": "OB", "BulkDataURI": LINK}}
    answer = send_json(small, [data_set(**link)], ("application/pdf", LINK, bytes(2000)))
    assert (answer.status_code, reasons(answer)) == (409, [OUT_OF_RESOURCES])
    assert len(blobs_of(small)) == 2
    assert [path.name for path in (small.service.settings.data / "blobs").glob(".*")] == []


def test_pixels_that_are_not_compressed(world: World) -> None:
    """They are the value of the attribute, in little endian; what the data set says of them is not changed."""
    more = {
        **PIXELS,
        "00280010": {"vr": "US", "Value": [2]},
        "00280011": {"vr": "US", "Value": [3]},
    }
    bulk = ("application/octet-stream", LINK, bytes(range(12)))
    assert send_json(world, [data_set(**more)], bulk).status_code == 200
    found = read_back(world)
    assert (found.PixelData, found.Rows, found.Columns) == (bytes(range(12)), 2, 3)
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_what_a_data_set_says_of_its_image_stays(world: World) -> None:
    """Only what is missing is read from the image."""
    more = {**PIXELS, "00280004": {"vr": "CS", "Value": ["RGB"]}}
    answer = send_json(world, [data_set(**more)], ("image/jpeg", LINK, jpeg_of()))
    assert answer.status_code == 200
    assert read_back(world).PhotometricInterpretation == "RGB"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[", CANNOT_UNDERSTAND),
        (b"[]" * 600_000, OUT_OF_RESOURCES),
        (b"[" * 900, CANNOT_UNDERSTAND),
    ],
    ids=["cut off", "long", "deep"],
)
def test_metadata_that_are_none(world: World, text: bytes, reason: int) -> None:
    """They are refused without being read as data sets, and the other parts are stored."""
    metadata = ["Content-Type: application/dicom+json"], text
    body = message([metadata, ct()])
    headers = {"Content-Type": JSON_RELATED}
    answer = world.request(ALICE, "POST", "/studies", headers=headers, body=body)
    assert (answer.status_code, reasons(answer, OTHERS)) == (202, [reason])


def test_a_data_set_with_too_many_bulk_data(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bulk data wait in open files; a data set whose UIDs are none is refused like any other."""
    monkeypatch.setattr(composing, "MAX_WAITING", 1)
    links = {f"0042001{tag}": {"vr": "OB", "BulkDataURI": f"{LINK}/{tag}"} for tag in "12"}
    links["00080018"] = {"vr": "UI", "Value": 7}  # type: ignore[dict-item]
    bulk = [("application/pdf", f"{LINK}/{tag}", b"%PDF") for tag in "12"]
    answer = send_json(world, [data_set(**links)], *bulk)
    assert (answer.status_code, reasons(answer, OTHERS)) == (409, [OUT_OF_RESOURCES])


def test_bulk_data_that_are_cut_off_leave_nothing(world: World) -> None:
    """A draft that waited for the rest of its data set is removed."""
    metadata = json.dumps([data_set(**PIXELS)]).encode()
    parts = [
        (["Content-Type: application/dicom+json"], metadata),
        (["Content-Type: image/jpeg", f"Content-Location: {LINK}"], bytes(100)),
    ]
    headers = {"Content-Type": JSON_RELATED}
    body = message(parts)[:-60]
    answer = world.request(ALICE, "POST", "/studies", headers=headers, body=body)
    assert answer.status_code == 400
    assert list((world.service.settings.data / "blobs").glob(".*")) == []


def test_the_answer_to_a_long_message_takes_little_memory(world: World) -> None:
    """It is sent while it is made: what became of 20,000 parts takes no multiple of the answer."""
    body = message([(["Content-Type: text/plain"], b"x")] * 20_000)
    send(world, ALICE, ct())
    tracemalloc.start()
    try:
        headers = {"Content-Type": RELATED}
        answer = world.request(ALICE, "POST", "/studies", headers=headers, body=body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.status_code, len(reasons(answer, OTHERS))) == (409, 20_000)
    assert peak < len(body) + 16 * 1024 * 1024


def test_a_message_has_a_number_of_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became of each part is in memory; the answer says that those before may be stored."""
    monkeypatch.setattr(stow, "MAX_PARTS", 2)
    answer = send(world, ALICE, ct(1), ct(2), ct(3))
    assert (answer.status_code, answer.json["message"]) == (413, "Content Too Large")


@pytest.mark.parametrize("syntax", [b"1.2\r\nX-Header: 1", b'1.2;type="text/html', b"1.2\\1.2.3"])
def test_a_transfer_syntax_that_is_no_uid_is_refused(world: World, syntax: bytes) -> None:
    """It would be in the headers of responses."""
    named = b"1.2.840.10008.1.2.1"
    assert len(syntax) <= len(named)
    content = ct().replace(named, syntax.ljust(len(named), b"\0"), 1)
    answer = send(world, ALICE, content)
    assert (answer.status_code, reasons(answer, OTHERS)) == (409, [FAILURE])


def test_the_file_meta_information_of_a_data_set_is_left_out(world: World) -> None:
    """It is made anew; bulk data that were sent for it are dropped."""
    link = {"00020102": {"vr": "OB", "BulkDataURI": LINK}}
    answer = send_json(world, [data_set(**link)], ("application/octet-stream", LINK, b"ab"))
    assert answer.status_code == 200
    assert "PrivateInformation" not in read_back(world).file_meta


@pytest.mark.parametrize("limit", ["MAX_DATA_SETS", "MAX_METADATA"])
def test_data_sets_wait_in_bounded_memory(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """A part with too many, or with more than may wait beside those of other parts, is refused; those before stay."""
    waiting = json.dumps([data_set(**PIXELS)]).encode()
    most = {"MAX_DATA_SETS": 1, "MAX_METADATA": len(waiting) + 10}[limit]
    monkeypatch.setattr(composing, limit, most)
    metadata = ["Content-Type: application/dicom+json"]
    many = b"[" + b"{}," * 10 + b"{}]"
    image = ["Content-Type: image/jpeg", f"Content-Location: {LINK}"]
    body = message([(metadata, waiting), (metadata, many), (image, jpeg_of())])
    headers = {"Content-Type": JSON_RELATED}
    answer = world.request(ALICE, "POST", "/studies", headers=headers, body=body)
    assert (answer.status_code, reasons(answer, OTHERS)) == (202, [OUT_OF_RESOURCES])


def test_data_sets_count_as_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became of each is in memory as well."""
    monkeypatch.setattr(stow, "MAX_PARTS", 3)
    metadata = ["Content-Type: application/dicom+json"], b"[1, 2, 3]"
    headers = {"Content-Type": JSON_RELATED}
    body = message([metadata, ct()])
    answer = world.request(ALICE, "POST", "/studies", headers=headers, body=body)
    assert answer.status_code == 413


def test_an_instance_without_a_class(world: World) -> None:
    """The answer refers to it by its UID alone."""
    answer = send(world, ALICE, ct(1, SOPClassUID=None))
    assert answer.status_code == 200
    [stored] = items(answer, STORED)
    assert set(stored) == {"00081155", "00081190"}


HOSTILE: Mapping[str, Callable[[], bytes]] = {
    "nested sequences": lambda: hostile.nested(10_000),
    "many elements": lambda: hostile.many_elements(300_000),
    "a deflate bomb": lambda: hostile.deflated(512),
    "a length beyond the end": lambda: ct(1)[:-68] + b"\xff\xff\xff\x7f" + bytes(64),
    "a path as a UID": lambda: ct(1).replace(b"1.2.3.1.1", b"../../a/b"),
    "no end": lambda: ct(1)[:200],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(world: World, name: str) -> None:
    """In bounded time and memory, in a process of its own; the next instance is stored."""
    answer = send(world, ALICE, HOSTILE[name](), ct(2))
    assert answer.status_code == 202, answer.text
    assert reasons(answer, OTHERS) == [FAILURE]
    assert len(stored_bytes(world, STUDY, CT)) == 1
