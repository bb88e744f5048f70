"""Searches for series in all studies and for instances (DICOM PS3.18 section 10.6), as public clients send them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from albumcore import Grants, create_album, import_series, import_study, issue_capability_token
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.http.dicomweb import instance_search
from albumcore_adapters.http.kheops.study_query import MOST_UIDS
from support.encoded_files import reader
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
from support.searching import attribute, record
from support.stored_files import pydicom_file, store_file

COVERS = (
    "GET /series",
    "GET /instances",
    "GET /studies/{study}/instances",
    "GET /studies/{study}/series/{series}/instances",
)
SECRET = "readsTheAlbum123456789"
OF_STUDY = f"/studies/{STUDY}/instances"
OF_SERIES = f"/studies/{STUDY}/series/{CT}/instances"
CT_IMAGE, KEY_OBJECT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.59"


@pytest.fixture(autouse=True)
def _settled(world: World) -> None:
    """CT is in the album, MR in Bob's inbox, SR in another album, of Dave's; each has three instances."""
    world.service.catalogue.store(
        record(
            STUDY,
            series,
            f"{series}.{number}",
            {"00100010": attribute("PN", {"Alphabetic": "Okoye^Ngozi"})},
            {"00080060": attribute("CS", modality)},
            {
                "00080016": attribute("UI", KEY_OBJECT if number == 3 else CT_IMAGE),
                "00200013": attribute("IS", -number),
                "00280010": attribute("US", 64),
            },
        )
        for series, modality in ((CT, "CT"), (MR, "MR"), (SR, "SR"))
        for number in (1, 2, 3)
    )
    world.act(ALICE, import_study, STUDY, [CT])
    world.service.inbox.add(world.user(BOB), STUDY, [MR])
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, import_series, STUDY, SR, album=OTHER)


def uids(answer: Any, tag: str = "00080018") -> list[str]:
    """The UIDs of what was found."""
    return [one[tag]["Value"][0] for one in answer.json]


def all_of(*series: SeriesUID) -> list[str]:
    """The instances of some series, by number, which falls as the UID rises."""
    return [f"{uid}.{number}" for uid in series for number in (3, 2, 1)]


@pytest.mark.parametrize(
    ("by", "query", "expected"),
    [
        (BOB, {}, [CT, MR]),
        (BOB, {"album": ALBUM}, [CT]),
        (BOB, {"inbox": "true"}, [MR]),
        (ALICE, {}, [CT]),
        (DAVE, {}, [SR]),
    ],
)
def test_found_is_what_the_caller_may_read(
    by: str, query: Mapping[str, str], expected: Sequence[SeriesUID], world: World
) -> None:
    """In an album, in the inbox, or in all of them."""
    series = world.request(by, "GET", "/series", query=query)
    assert (series.status_code, uids(series, "0020000E")) == (200, expected)
    for path in ("/instances", OF_STUDY):
        answer = world.request(by, "GET", path, query=query)
        assert (answer.status_code, uids(answer)) == (200, all_of(*expected))
        assert answer.headers["x-total-count"] == str(3 * len(expected))
    for uid in (CT, MR, SR):
        path = f"/studies/{STUDY}/series/{uid}/instances"
        answer = world.request(by, "GET", path, query=query)
        if uid in expected:
            assert (answer.status_code, uids(answer)) == (200, all_of(uid))
        else:
            assert (answer.status_code, answer.json["message"]) == (404, "Series Not Found")


def test_what_the_caller_does_not_see(world: World) -> None:
    """A study that is not seen is 404; a search in all studies finds nothing."""
    for path in (OF_STUDY, OF_SERIES):
        answer = world.request(CAROL, "GET", path, query={"inbox": "true"})
        assert (answer.status_code, answer.json["message"]) == (404, "Study Not Found")
    for path in ("/series", "/instances"):
        answer = world.request(CAROL, "GET", path, query={"inbox": "true"})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["x-total-count"] == "0"


def test_a_claim_shows_no_instances(world: World) -> None:
    """A series that a user names by its UID alone stays hidden from them."""
    path = f"/studies/{STUDY}/series/{SR}"
    world.service.catalogue.add_placeholder(StudyUID("1.9"), SeriesUID("1.9.1"))
    assert world.request(CAROL, "PUT", "/studies/1.9/series/1.9.1").status_code == 201
    assert world.request(CAROL, "GET", "/studies/1.9/series/1.9.1/instances").status_code == 404
    assert world.request(CAROL, "GET", f"{path}/instances").status_code == 404


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (OF_STUDY, {"SOPClassUID": KEY_OBJECT}, [f"{CT}.3", f"{MR}.3"]),
        (OF_STUDY, {"00080016": f"{KEY_OBJECT}\\9", "Modality": "MR"}, [f"{MR}.3"]),
        (OF_STUDY, {"SOPInstanceUID": f"{MR}.1,{CT}.2"}, [f"{CT}.2", f"{MR}.1"]),
        (OF_STUDY, {"00080018": [f"{MR}.1", f"{SR}.2"]}, [f"{MR}.1"]),
        (OF_STUDY, {"InstanceNumber": "-2", "0020000E": CT}, [f"{CT}.2"]),
        (OF_STUDY, {"InstanceNumber": "7"}, []),
        (OF_STUDY, {"InstanceNumber": "", "Modality": "c*"}, all_of(CT)),
        (OF_STUDY, {"Modality": "CT", "PatientName": "nobody"}, all_of(CT)),
        (OF_SERIES, {"00200013": "+1"}, []),
        (OF_SERIES, {"00200013": " -1 ", "Modality": "MR"}, [f"{CT}.1"]),
        ("/instances", {"PatientName": "ngosi", "fuzzymatching": "true"}, all_of(CT, MR)),
        ("/instances", {"PatientName": "ngosi"}, []),
        ("/instances", {"StudyInstanceUID": f"9\\{STUDY}", "Modality": "MR"}, all_of(MR)),
        ("/instances", {"ModalitiesInStudy": "US"}, []),
    ],
)
def test_attributes_are_filters(
    path: str, query: Mapping[str, Any], expected: Sequence[str], world: World
) -> None:
    """By keyword or by tag, of the levels that the path does not name; several UIDs in one value, or one in each."""
    answer = world.request(BOB, "GET", path, query=query)
    assert answer.status_code == (200 if expected else 204)
    assert (uids(answer) if expected else []) == expected
    assert answer.headers["x-total-count"] == str(len(expected))


def test_pages(world: World) -> None:
    """With the number of all, and a warning where a limit left some out."""
    for path, total in (("/instances", 6), (OF_STUDY, 6), (OF_SERIES, 3), ("/series", 2)):
        tag = "0020000E" if path == "/series" else "00080018"
        every = uids(world.request(BOB, "GET", path), tag)
        for offset in range(total):
            query = {"limit": "2", "offset": str(offset)}
            answer = world.request(BOB, "GET", path, query=query)
            assert uids(answer, tag) == every[offset:][:2]
            assert answer.headers["x-total-count"] == str(total)
            assert ("warning" in answer.headers) == (offset + 2 < total)
        for query in ({"limit": "0"}, {"offset": str(total)}):
            assert world.request(BOB, "GET", path, query=query).status_code == 204


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/series", {"album": ALBUM, "inbox": "true"}, "album"),
        ("/series", {"StudyDate": "2004"}, "StudyDate"),
        ("/series", {"limit": "some"}, "limit"),
        ("/instances", {"StudyInstanceUID": "1.02"}, "study"),
        ("/instances", {"limit": "-1"}, "limit"),
        (OF_STUDY, {"InstanceNumber": "1*"}, "InstanceNumber"),
        (OF_SERIES, {"SOPInstanceUID": "\\"}, "SOPInstanceUID"),
        (OF_SERIES, {"SOPClassUID": ["1.2"] * (MOST_UIDS + 1)}, "SOPClassUID"),
    ],
)
def test_bad_query(path: str, query: Mapping[str, Any], field: str, world: World) -> None:
    """It is 400, and the detail names the parameter."""
    answer = world.request(BOB, "GET", path, query=query)
    assert (answer.status_code, answer.json["message"]) == (400, "Bad Query Parameter")
    assert answer.json["detail"].startswith(f"{field}:")


def test_attributes_of_every_level_that_the_path_does_not_name(world: World) -> None:
    """Each instance has its own attributes and its address, through the link that the request came through."""
    world.act(ALICE, issue_capability_token, "t", digest_of(SECRET), "T", Grants(read=True))
    headers = {"Authorization": f"Bearer {SECRET}", "X-Link-Authorization": "true"}
    root = f"http://127.0.0.1:8000/link/{SECRET}"
    for path, has_series, has_study in (
        (OF_SERIES, False, False),
        (OF_STUDY, True, False),
        ("/instances", True, True),
    ):
        [one, *_] = world.request(None, "GET", path, headers=headers).json
        assert list(one) == sorted(one)
        assert one["00081190"]["Value"] == [f"{root}{OF_SERIES}/{CT}.3"]
        assert one["00080016"]["Value"] == [KEY_OBJECT]
        assert one["00280010"] == {"vr": "US", "Value": [64]}
        assert one["0020000D"]["Value"] + one["0020000E"]["Value"] == [STUDY, CT]
        assert ("00080060" in one) == has_series
        assert ("00100010" in one) == has_study
    [series] = world.request(None, "GET", "/series", headers=headers).json
    assert series["00081190"]["Value"] == [f"{root}/studies/{STUDY}/series/{CT}"]
    assert series["00100010"]["Value"] == [{"Alphabetic": "Okoye^Ngozi"}]
    assert series["00201209"]["Value"] == [3]


@pytest.mark.parametrize("field", ["all", "00080070"])
@pytest.mark.usefixtures("shared_decoder")
def test_headers_of_a_long_list_are_read_in_groups(
    field: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more of them are in memory than those of a group; the response is the same."""
    content = pydicom_file("CT_small.dcm")
    uid = read_header(reader(content)).record.sop_instance_uid
    for number in range(5):
        other = content.replace(uid.encode(), f"{uid[:-1]}{number}".encode())
        stored = store_file(world.service, world.user(ALICE), other)
    path = stored.path.rpartition("/")[0]
    query = {"includefield": field, "limit": "4"}
    whole = world.request(ALICE, "GET", path, query=query)
    asked: list[int] = []
    headers_of = StoredInstances.headers_of

    def counted(self: StoredInstances, uids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        asked.append(len(uids))
        return headers_of(self, uids)

    monkeypatch.setattr(StoredInstances, "headers_of", counted)
    monkeypatch.setattr(instance_search, "HEADERS_AT_ONCE", 3)
    again = {**query, "includefield": [field, field]}  # so that it is not from the cache
    in_groups = world.request(ALICE, "GET", path, query=again)
    assert in_groups.content == whole.content
    assert asked == [3, 1]
    for name in ("content-type", "x-total-count", "warning"):
        assert in_groups.headers[name] == whole.headers[name]
    assert in_groups.headers["x-total-count"] == "5"


@pytest.mark.parametrize(
    ("includefield", "expected"),
    [
        (None, set()),
        (["PatientID"], {"00100020"}),
        (["00180060,Manufacturer"], {"00180060", "00080070"}),
        (["0018103f", "NoSuchKeyword", "Columns"], set()),
        (["KVP", "00431029"], {"00180060", "00431029"}),
    ],
)
@pytest.mark.usefixtures("shared_decoder")
def test_further_attributes(
    includefield: Sequence[str] | None, expected: set[str], world: World
) -> None:
    """Of the header, by keyword or tag, several in one value too; bulk data by their address; all on request."""
    stored = store_file(world.service, world.user(ALICE), pydicom_file("CT_small.dcm"))
    path = stored.path.rpartition("/")[0]
    [plain] = world.request(ALICE, "GET", path).json
    query = {} if includefield is None else {"includefield": includefield}
    [found] = world.request(ALICE, "GET", path, query=query).json
    assert found.keys() - plain.keys() == expected - plain.keys()
    assert expected <= found.keys()
    assert {tag: found[tag] for tag in plain} == plain
    [whole] = world.request(ALICE, "GET", path, query={"includefield": "all"}).json
    assert list(whole) == sorted(whole)
    assert {tag: whole[tag] for tag in found} == found
    assert whole["7FE00010"]["BulkDataURI"].startswith(f"http://127.0.0.1:8000{stored.path}/")
