"""The study list, as a public client reads it and in its details (Kheops API 9 and 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file

from albumcore import (
    Grants,
    Source,
    add_favorite,
    create_album,
    import_series,
    import_study,
    issue_capability_token,
    post_study_comment,
    study_stream,
)
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.dicom.files import import_files
from albumcore_adapters.directory.instances import InstanceRecord
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    OTHER,
    SR,
    STUDY,
    World,
    digest_of,
)
from support.served import served

COVERS = (
    "GET /inboxinfo",
    "GET /studies",
    "GET /studies/{study}/series",
    "GET /studies/{study}/metadata",
    "POST /studies/{study}/fetch",
    "POST /studies/{study}/series/fetch",
)
FILES = ("CT_small.dcm", "MR_small.dcm", "693_J2KI.dcm", "JPEG2000.dcm", "rtplan.dcm")
SECRET = "readsTheAlbum123456789"


def _path(name: str) -> Path:
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str)
    return Path(found)


@pytest.fixture
def headers(world: World) -> dict[str, pydicom.Dataset]:
    """Real instances in Alice's inbox, by their SOP instance UID."""
    import_files(world.service.catalogue, world.user(ALICE), map(_path, FILES))
    read = [pydicom.dcmread(_path(name), stop_before_pixels=True) for name in FILES]
    return {str(one.SOPInstanceUID): one for one in read}


def test_a_public_client_finds_the_studies(
    world: World, headers: Mapping[str, pydicom.Dataset]
) -> None:
    """Every study, in DICOM JSON that pydicom reads, with what the files say."""
    with served(world, ALICE) as client:
        found = [pydicom.Dataset.from_json(one) for one in client.search_for_studies()]
    assert {one.StudyInstanceUID for one in found} == {
        one.StudyInstanceUID for one in headers.values()
    }
    for one in found:
        [named, *_] = [h for h in headers.values() if h.StudyInstanceUID == one.StudyInstanceUID]
        assert (one.PatientName, one.PatientID) == (named.PatientName, named.PatientID)
        assert (one.StudyDate, one.StudyTime) == (named.StudyDate, named.StudyTime)
        assert one.InstanceAvailability == "ONLINE"


def test_a_public_client_filters_and_pages(
    world: World, headers: Mapping[str, pydicom.Dataset]
) -> None:
    """By attributes and wildcards, some at a time, and to the end of the list."""
    del headers
    with served(world, ALICE) as client:
        every = client.search_for_studies(fields=["StudyDescription"])
        modality = client.search_for_studies(search_filters={"ModalitiesInStudy": "CT"})
        named = client.search_for_studies(search_filters={"PatientName": "compressed*mr1"})
        pages = client.search_for_studies(limit=1, get_remaining=True)
        nothing = client.search_for_studies(search_filters={"PatientID": "nobody"})
    assert all("CT" in one["00080061"]["Value"] for one in modality)
    assert 0 < len(modality) < len(every)
    assert [one["00100020"]["Value"] for one in named] == [["4MR1"]]
    assert [one["0020000D"] for one in pages] == [one["0020000D"] for one in every]
    assert nothing == []


def test_a_public_client_reads_series_and_headers(
    world: World, headers: Mapping[str, pydicom.Dataset]
) -> None:
    """The series of a study, and the headers of its instances, without pixels."""
    uid, header = next(iter(headers.items()))
    with served(world, ALICE) as client:
        [series] = client.search_for_series(header.StudyInstanceUID)
        [instance] = client.retrieve_study_metadata(header.StudyInstanceUID)
    shown = pydicom.Dataset.from_json(series)
    assert shown.SeriesInstanceUID == header.SeriesInstanceUID
    assert shown.NumberOfSeriesRelatedInstances == 1
    assert shown.RetrieveURL == (
        f"http://127.0.0.1:8000/studies/{header.StudyInstanceUID}/series/{header.SeriesInstanceUID}"
    )
    read = pydicom.Dataset.from_json(instance)
    assert read.SOPInstanceUID == uid
    assert read.PatientName == header.PatientName
    assert "PixelData" not in read


# Who sees what, where


def _settle(world: World) -> None:
    """CT is in the album, MR in Bob's inbox, SR in another album, of Dave's."""
    world.store({CT: "CT", MR: "MR", SR: "SR"}, instances=2, description="Thorax")
    world.act(ALICE, import_study, STUDY, [CT])
    world.service.inbox.add(world.user(BOB), STUDY, [MR])
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, import_series, STUDY, SR, album=OTHER)


def _uids(answer: Any) -> list[str]:
    return [one["0020000E"]["Value"][0] for one in answer.json]


@pytest.mark.parametrize(
    ("by", "query", "expected"),
    [
        (BOB, {}, [CT, MR]),
        (BOB, {"album": ALBUM}, [CT]),
        (BOB, {"inbox": "true"}, [MR]),
        (BOB, {"inbox": "false"}, [MR]),
        (ALICE, {}, [CT]),
        (DAVE, {}, [SR]),
    ],
)
def test_series_are_those_one_may_see(
    by: str, query: Mapping[str, str], expected: Sequence[str], world: World
) -> None:
    """In an album, in the inbox, or in all of them; presence counts of inbox, its value does not."""
    _settle(world)
    answer = world.request(by, "GET", f"/studies/{STUDY}/series", query=query)
    assert (answer.status_code, _uids(answer)) == (200, expected)
    [study] = world.request(by, "GET", "/studies", query=query).json
    assert study["00201206"]["Value"] == [len(expected)]
    assert study["00201208"]["Value"] == [2 * len(expected)]
    read = world.request(by, "GET", f"/studies/{STUDY}/metadata", query=query).json
    assert {one["0020000E"]["Value"][0] for one in read} == set(expected)


@pytest.mark.parametrize("path", [f"/studies/{STUDY}/series", f"/studies/{STUDY}/metadata"])
@pytest.mark.parametrize(("by", "query"), [(CAROL, {"inbox": "true"}), (ALICE, {"inbox": ""})])
def test_a_study_one_cannot_see_is_not_there(
    path: str, by: str, query: Mapping[str, str], world: World
) -> None:
    """Not in that place."""
    _settle(world)
    assert world.request(by, "GET", path, query=query).status_code == 404


def test_nothing_is_204(world: World) -> None:
    """With the total, and without a body; in an empty inbox, or where filters keep nothing."""
    _settle(world)
    for query in ({"inbox": "true"}, {"PatientName": "nobody"}):
        answer = world.request(ALICE, "GET", "/studies", query=query)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["x-total-count"] == "0"
    answer = world.request(ALICE, "GET", f"/studies/{STUDY}/series", query={"Modality": "MR"})
    assert (answer.status_code, answer.headers["x-total-count"]) == (204, "1")


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/studies", {"album": ALBUM, "inbox": "true"}, "album"),
        ("/studies", {"favorite": "true"}, "favorite"),
        ("/studies", {"favorite": "false", "album": ALBUM}, "favorite"),
        ("/studies", {"includefield": "favorite"}, "favorite"),
        ("/studies", {"includefield": "comments,00012345"}, "favorite"),
        ("/studies", {"sort": "Modality"}, "sort"),
        ("/studies", {"limit": "0"}, "limit"),
        ("/studies", {"offset": "-1"}, "offset"),
        ("/studies", {"StudyDate": "2004"}, "StudyDate"),
        ("/studies", {"00080030": "25"}, "StudyTime"),
        ("/studies", {"StudyInstanceUID": "1.02"}, "study"),
        ("/studies", {"StudyInstanceUID": ","}, "StudyInstanceUID"),
        (f"/studies/{STUDY}/series", {"SeriesInstanceUID": "\\"}, "SeriesInstanceUID"),
        (f"/studies/{STUDY}/series", {"album": ALBUM, "inbox": ""}, "album"),
        (f"/studies/{STUDY}/series", {"favorite": "true"}, "favorite"),
        (f"/studies/{STUDY}/series", {"sort": "StudyDate"}, "sort"),
        (f"/studies/{STUDY}/metadata", {"album": ALBUM, "inbox": ""}, "album"),
    ],
)
def test_bad_query(path: str, query: Mapping[str, str], field: str, world: World) -> None:
    """It is 400, and the detail names the parameter."""
    _settle(world)
    answer = world.request(BOB, "GET", path, query=query)
    assert (answer.status_code, answer.json["message"]) == (400, "Bad Query Parameter")
    assert answer.json["detail"].startswith(f"{field}:")


def test_more_than_asked_for_is_warned_of(world: World) -> None:
    """Only where a limit left something out; the total is of all."""
    world.store({"1.1.1": "CT"}, study="1.1", owner=ALICE)
    world.store({"1.2.1": "CT"}, study="1.2", owner=ALICE)
    cut = world.request(ALICE, "GET", "/studies", query={"limit": "1"})
    assert cut.headers["warning"].startswith("299 ")
    assert cut.headers["x-total-count"] == "2"
    for query in ({"limit": "2"}, {"offset": "1"}, {"limit": "1", "offset": "1"}):
        assert "warning" not in world.request(ALICE, "GET", "/studies", query=query).headers


def test_attributes_are_filters_by_keyword_and_by_tag(world: World) -> None:
    """Several UIDs may stand in one value, or the parameter come again."""
    for uid in ("1.1", "1.2", "1.3"):
        world.store({f"{uid}.1": "CT"}, study=uid, owner=ALICE)
    for query in (
        {"StudyInstanceUID": "1.1,1.3"},
        {"0020000d": "1.1\\1.3"},
        {"0020000D": ["1.1", "1.3"]},
    ):
        found = world.get(ALICE, "/studies", sort="StudyInstanceUID", **query)
        assert [one["0020000D"]["Value"][0] for one in found] == ["1.1", "1.3"]


# What is told on request


def test_favorites_and_comments_are_counted_on_request(world: World) -> None:
    """How many favourite series the study has in that place, and how many comments the caller may see."""
    _settle(world)
    world.act(ALICE, import_series, STUDY, MR)
    world.act(ALICE, add_favorite, STUDY, MR)
    stream, alice, bob = study_stream(STUDY), world.user(ALICE), world.user(BOB)
    for by, target in ((alice, None), (alice, bob), (bob, bob)):
        world.service.albums.handle(
            stream, post_study_comment, Source(by), {alice, bob}, "x", target
        )
    asked = {"album": ALBUM, "includefield": ["favorite", "00012346", "StudyDescription"]}
    [study] = world.get(ALICE, "/studies", **asked)
    assert study["00012345"] == {"vr": "IS", "Value": [1]}
    assert study["00012346"] == {"vr": "IS", "Value": [2]}
    assert study["00081030"] == {"vr": "LO", "Value": ["Thorax"]}
    [plain] = world.get(ALICE, "/studies", album=ALBUM)
    assert plain.keys().isdisjoint({"00012345", "00012346", "00081030"})
    path = f"/studies/{STUDY}/series"
    shown = world.get(BOB, path, album=ALBUM, includefield="favorite")
    assert {one["0020000E"]["Value"][0]: one["00012345"] for one in shown} == {
        CT: {"vr": "SH", "Value": ["false"]},
        MR: {"vr": "SH", "Value": ["true"]},
    }


def test_favorites_alone(world: World) -> None:
    """Studies with a favourite; series that are one, or are none; of an album, or of the inbox."""
    _settle(world)
    world.store({"1.9.1": "CT"}, study="1.9")
    world.act(ALICE, import_series, "1.9", "1.9.1")
    world.act(ALICE, import_series, STUDY, MR)
    assert (
        world.request(
            BOB, "GET", "/studies", query={"album": ALBUM, "favorite": "true"}
        ).status_code
        == 204
    )
    world.act(ALICE, add_favorite, STUDY, MR)
    [study] = world.get(BOB, "/studies", album=ALBUM, favorite="true")
    assert study["0020000D"]["Value"] == [STUDY]
    path = f"/studies/{STUDY}/series"
    for favorite, expected in (("true", [MR]), ("false", [CT])):
        answer = world.request(BOB, "GET", path, query={"album": ALBUM, "favorite": favorite})
        assert _uids(answer) == expected
        assert answer.headers["x-total-count"] == "2"
    world.service.inbox.set_favorites(world.user(BOB), STUDY, [MR], is_favorite=True)
    assert len(world.get(BOB, "/studies", inbox="true", favorite="true")) == 1


def test_tokens_see_their_album_alone(world: World) -> None:
    """One that may read: the album, named or not; neither the inbox nor another. One that may not: nothing."""
    _settle(world)
    for token_id, grants in (("reads", Grants(read=True)), ("writes", Grants(write=True))):
        secret = f"{token_id}{'x' * 22}"[:22]
        world.act(ALICE, issue_capability_token, token_id, digest_of(secret), "T", grants)
        bearer = {"Authorization": f"Bearer {secret}"}
        statuses = {
            str(query): world.request(
                None, "GET", "/studies", query=query, headers=bearer
            ).status_code
            for query in ({}, {"album": ALBUM}, {"album": OTHER}, {"inbox": "true"})
        }
        own = 200 if grants.read else 403
        assert [*statuses.values()] == [own, own, 404, 403]


@pytest.mark.parametrize(
    ("accept", "status", "media"),
    [
        (None, 200, "application/dicom+json"),
        ("application/json", 200, "application/json"),
        ("application/dicom+json, application/json", 200, "application/dicom+json"),
        ("APPLICATION/JSON, image/*", 200, "application/json"),
        ("Application/DICOM+JSON;Q=0.1, */*;q=0.2", 200, "application/json"),
        ("*/*", 200, "application/dicom+json"),
        ("text/html", 406, "application/json"),
        ('multipart/related; type="application/dicom+xml"', 406, "application/json"),
    ],
)
def test_media_types(accept: str | None, status: int, media: str, world: World) -> None:
    """DICOM JSON, by that name or as JSON; XML is not offered."""
    _settle(world)
    headers = {} if accept is None else {"Accept": accept}
    answer = world.request(BOB, "GET", "/studies", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, media)


def test_a_link_is_retrieved_through_the_link(world: World) -> None:
    """Where a proxy says that the request came through one."""
    _settle(world)
    world.act(ALICE, issue_capability_token, "t", digest_of(SECRET), "T", Grants(read=True))
    headers = {"Authorization": f"Bearer {SECRET}", "X-Link-Authorization": "true"}
    answer = world.request(None, "GET", f"/studies/{STUDY}/series", headers=headers)
    [url] = answer.json[0]["00081190"]["Value"]
    assert url == f"http://127.0.0.1:8000/link/{SECRET}/studies/{STUDY}/series/{CT}"


def test_the_inbox_is_told_in_numbers(world: World) -> None:
    """Of what is known of it: placeholders do not count."""
    _settle(world)
    world.store({"1.9.1": "US", "1.9.2": "CT"}, study="1.9", owner=BOB, instances=3)
    other = StudyUID("1.8"), SeriesUID("1.8.1")
    world.service.catalogue.add_placeholder(*other)
    world.service.inbox.add(world.user(BOB), other[0], [other[1]])
    assert world.get(BOB, "/inboxinfo") == {
        "modalities": ["CT", "MR", "US"],
        "number_of_studies": 2,
        "number_of_series": 3,
        "number_of_instances": 8,
    }


def test_headers_are_up_to_date(world: World) -> None:
    """To have them read anew is allowed to whoever sees the study, and changes nothing."""
    _settle(world)
    before = world.position()
    assert world.request(BOB, "POST", f"/studies/{STUDY}/fetch").status_code == 200
    assert world.request(CAROL, "POST", "/studies/1.99/fetch").status_code == 404
    path = f"/studies/{STUDY}/series/fetch"
    for by, form, status in (
        (BOB, {"SeriesInstanceUID": [CT, MR]}, 200),
        (ALICE, {"SeriesInstanceUID": CT, "album": ALBUM}, 200),
        (ALICE, {"SeriesInstanceUID": [CT, MR]}, 404),
        (BOB, {"SeriesInstanceUID": CT, "album": OTHER}, 404),
        (BOB, {"SeriesInstanceUID": "1.02"}, 400),
        (BOB, {}, 400),
    ):
        assert world.request(by, "POST", path, form=form).status_code == status
    assert world.news(before) == []


def test_fetch_of_a_thousand_series(world: World) -> None:
    """As many UIDs as a study of a thousand series has, of the longest kind, fit in one form."""
    series = [f"2.25.{number:059d}" for number in range(10**58, 10**58 + 1000)]
    world.store(dict.fromkeys(series, "MR"), owner=BOB)
    form = {"SeriesInstanceUID": series, "album": ALBUM}
    path = f"/studies/{STUDY}/series/fetch"
    world.act(ALICE, import_series, STUDY, series[0])
    assert {len(one) for one in series} == {64}
    assert world.request(BOB, "POST", path, form=form).status_code == 200
    form["SeriesInstanceUID"] = [*series, "1.2.3.4"]
    assert world.request(BOB, "POST", path, form=form).status_code == 404


def test_a_fuzzy_search_is_by_names_alone(world: World) -> None:
    """A name is found by a component of it that sounds alike; an identifier that sounds alike is another patient's."""
    for study, name, patient in (("3.1", "Okoye^Ngozi", "P001"), ("3.2", "Lind^Ben", "P003")):
        says = {
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]},
            "00100020": {"vr": "LO", "Value": [patient]},
        }
        instance = InstanceRecord(
            StudyUID(study), SeriesUID(f"{study}.1"), f"{study}.1.1", says, {}, {}
        )
        world.service.catalogue.store([instance], owner=world.user(BOB))

    def found(**query: str) -> list[str]:
        answer = world.request(BOB, "GET", "/studies", query={"fuzzymatching": "true", **query})
        return (
            []
            if answer.status_code == 204
            else [one["0020000D"]["Value"][0] for one in answer.json]
        )

    assert found(PatientName="Okoye") == found(PatientName="*Okoye*") == ["3.1"]
    assert found(**{"00100010": "ngosi"}) == found(PatientName="Ngozi^Okoie") == ["3.1"]
    assert found(PatientID="P001") == ["3.1"]
    assert found(PatientName="Okoye", PatientID="P003") == []
