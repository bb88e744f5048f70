"""Report providers of an album: what each route answers and records, case by case (Kheops API 8)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import falcon.testing
import pytest
from attrs import evolve

from albumcore import (
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
    create_album,
    create_report_provider,
    delete_report_provider,
    edit_report_provider,
)
from albumcore.ids import ReportProviderId
from albumcore_adapters.http.app import create_app
from albumcore_adapters.outbound import Outbound
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, NOWHERE, World, open_world, settle
from support.kheops_cases import (
    BAD_FORM,
    BAD_QUERY,
    FORBIDDEN,
    NO_ALBUM,
    Acts,
    Case,
    check,
    each,
    of_other,
)
from support.receiver import Answer, Receiver, receiving

COVERS = (
    "POST /albums/{album}/reportproviders",
    "GET /albums/{album}/reportproviders",
    "GET /albums/{album}/reportproviders/{client}",
    "PATCH /albums/{album}/reportproviders/{client}",
    "DELETE /albums/{album}/reportproviders/{client}",
    "POST /reportproviders/metadata",
)

HERE = f"/albums/{ALBUM}/reportproviders"
METADATA = "/reportproviders/metadata"
SCRIBE = ReportProviderId("s" * 22)
ONE = f"{HERE}/{SCRIBE}"
URL = "https://scribe.example/config"
NOT_HERE = "http://127.0.0.1:1/config"
"""Where nobody listens."""
NONE = "Client ID not found"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world that may send requests to this machine."""
    made = open_world(tmp_path, allow_private_addresses=True, start=settle)
    yield made
    made.service.close()


@pytest.fixture
def scribe() -> Iterator[Receiver]:
    """The web server of a report provider; what is not at ``/config`` is no configuration."""
    with receiving() as made:
        made.answer(Answer.json({"redirect_uri": "https://elsewhere.example"}))
        made.answer(Answer.json(configuration(made)), path="/config")
        yield made


def configuration(scribe: Receiver) -> dict[str, Any]:
    """What the report provider says of itself."""
    return {
        "redirect_uri": f"{scribe.address}/report",
        "response_type": "token",
        "client_name": "Scribe",
        "supported_modalities": ["CT", "MR"],
        "unheard_of": 1,
    }


def form_of(scribe: Receiver, **others: str) -> dict[str, str]:
    """The form that lets the report provider in."""
    return {"name": "Scribe", "url": f"{scribe.address}/config", **others}


# Letting in


def test_create(world: World, scribe: Receiver) -> None:
    """A report provider is let in once its address has answered; it is recorded and shown."""
    before = world.position()
    answer = world.request(ALICE, "POST", HERE, form=form_of(scribe))
    assert answer.status_code == 201
    client = answer.json["client_id"]
    assert list(answer.json.items()) == [
        ("name", "Scribe"),
        ("url", f"{scribe.address}/config"),
        ("client_id", client),
        ("created_time", "2026-03-01T12:00:04"),
    ]
    assert (len(client), client.isalnum()) == (22, True)
    assert world.news(before) == [
        ReportProviderCreated(client, "Scribe", f"{scribe.address}/config")
    ]
    assert scribe.paths == ["/config"]
    assert world.last_event_at() == world.clock.now
    assert world.get(BOB, f"{HERE}/{client}") == answer.json


def refused(about: str, by: str = ALICE, *told: Any, **form: str | None) -> Case:
    """A report provider that is not let in: for what is wrong with the form, unless told otherwise."""
    status, message = told or (400, BAD_FORM)
    sent = {"name": "Scribe", "url": URL} | form
    kept = {field: value for field, value in sent.items() if value is not None}
    return Case(about, by, f"POST {HERE}", status, message, form=kept)


NOT_LET_IN = [
    refused("no name", name=None),
    refused("empty name", name=""),
    refused("long name", name="x" * 1025),
    refused("name that is no text", name="a\0b"),
    refused("no url", url=None),
    refused("empty url", url=""),
    refused("long url", url=f"https://scribe.example/{'x' * 1002}"),
    refused("no web address", url="ftp://scribe.example/config"),
    refused("no address at all", url="scribe"),
    refused("nobody there", url=NOT_HERE),
    refused("member", BOB, 403, FORBIDDEN),
    refused("no right comes before bad form", BOB, 403, FORBIDDEN, name=""),
    refused("stranger", DAVE, 404, NO_ALBUM),
    refused("stranger comes before bad form", DAVE, 404, NO_ALBUM, url=""),
]

OTHER_ONE: Acts = [
    of_other(create_album, ALICE, name="Other"),
    of_other(create_report_provider, ALICE, provider_id=SCRIBE, name="Scribe", url=URL),
]
HAD: Acts = [(ALICE, create_report_provider, {"provider_id": SCRIBE, "name": "Scribe", "url": URL})]
GONE: Acts = [*HAD, (ALICE, delete_report_provider, {"provider_id": SCRIBE})]
KEPT = [ReportProviderEdited(SCRIBE, "Scribe", URL)]
TURNED_AWAY = [ReportProviderDeleted(SCRIBE)]
BAD_URL = {"url": NOT_HERE}

OTHERS = [
    Case("list to a stranger", DAVE, f"GET {HERE}", 404, NO_ALBUM),
    Case("list with a bad limit", BOB, f"GET {HERE}", 400, BAD_QUERY, query={"limit": "x"}),
    Case("list with a bad offset", BOB, f"GET {HERE}", 400, BAD_QUERY, query={"offset": "-1"}),
    Case("get unknown", BOB, f"GET {ONE}", 404, NONE),
    Case("get deleted", ALICE, f"GET {ONE}", 404, NONE, given=GONE),
    Case("get of another album", ALICE, f"GET {ONE}", 404, NONE, given=OTHER_ONE),
    Case("get by a stranger", DAVE, f"GET {ONE}", 404, NO_ALBUM, given=HAD),
    Case("edit unknown", ALICE, f"PATCH {ONE}", 404, NONE, form={"name": "x"}),
    Case("edit deleted", ALICE, f"PATCH {ONE}", 404, NONE, form={"name": "x"}, given=GONE),
    Case("edit of another album", ALICE, f"PATCH {ONE}", 404, NONE, given=OTHER_ONE),
    Case("edit by a member", BOB, f"PATCH {ONE}", 403, FORBIDDEN, form={"name": ""}, given=HAD),
    Case("edit by a stranger", DAVE, f"PATCH {ONE}", 404, NO_ALBUM, given=HAD),
    Case("long name", ALICE, f"PATCH {ONE}", 400, BAD_FORM, form={"name": "x" * 1025}, given=HAD),
    Case("long url", ALICE, f"PATCH {ONE}", 400, BAD_FORM, form={"url": "x" * 1025}, given=HAD),
    Case("nobody there", ALICE, f"PATCH {ONE}", 400, BAD_FORM, form=BAD_URL, given=HAD),
    Case("unknown comes before nobody there", ALICE, f"PATCH {ONE}", 404, NONE, form=BAD_URL),
    Case("delete", CAROL, f"DELETE {ONE}", 204, events=TURNED_AWAY, given=HAD),
    Case("delete unknown", ALICE, f"DELETE {ONE}", 404, NONE),
    Case("delete deleted", ALICE, f"DELETE {ONE}", 404, NONE, given=GONE),
    Case("delete of another album", ALICE, f"DELETE {ONE}", 404, NONE, given=OTHER_ONE),
    Case("delete by a member", BOB, f"DELETE {ONE}", 403, FORBIDDEN, given=HAD),
    Case("delete by a stranger", DAVE, f"DELETE {ONE}", 404, NO_ALBUM, given=HAD),
    Case("metadata of nothing", DAVE, f"POST {METADATA}", 400, BAD_FORM),
    Case("metadata of an empty url", DAVE, f"POST {METADATA}", 400, BAD_FORM, form={"url": ""}),
]


@pytest.mark.parametrize("case", each([*NOT_LET_IN, *OTHERS]))
def test_case(case: Case, world: World) -> None:
    """Admins let in, edit and turn away, members read, and strangers are told of no album; what is gone is 404."""
    check(case, world)


@pytest.mark.parametrize("field", ["name", "url"])
def test_longest(field: str, world: World, scribe: Receiver) -> None:
    """A name and an address have up to 1024 characters."""
    path = "/" + "x" * (1023 - len(scribe.address))
    scribe.answer(Answer.json(configuration(scribe)), path=path)
    longest = {"name": "x" * 1024, "url": f"{scribe.address}{path}"}[field]
    answer = world.request(ALICE, "POST", HERE, form=form_of(scribe, **{field: longest}))
    assert (answer.status_code, len(answer.json[field])) == (201, 1024)


def test_address_of_no_provider(world: World, scribe: Receiver) -> None:
    """An address that says it is something else is refused, in words that say why; nothing is recorded."""
    before = world.position()
    answer = world.request(ALICE, "POST", HERE, form=form_of(scribe, url=f"{scribe.address}/x"))
    assert (answer.status_code, answer.json["message"]) == (400, BAD_FORM)
    assert answer.json["detail"] == (
        "url: it is not the address of a report provider."
        " Its redirect_uri is not an address at the root of the configuration's own."
    )
    assert world.news(before) == []


def test_nothing_is_sent_too_early(world: World, scribe: Receiver) -> None:
    """No address is asked for somebody without the right, or for a form that is no good."""
    world.act(ALICE, create_report_provider, SCRIBE, "Scribe", URL)
    url = f"{scribe.address}/config"
    for by, method, path, form in (
        (BOB, "POST", HERE, form_of(scribe)),
        (DAVE, "POST", HERE, form_of(scribe)),
        (ALICE, "POST", HERE, {"url": url}),
        (ALICE, "POST", f"/albums/{NOWHERE}/reportproviders", form_of(scribe)),
        (BOB, "PATCH", ONE, {"url": url}),
        (ALICE, "PATCH", ONE, {"url": url, "name": "x" * 1025}),
        (ALICE, "PATCH", f"{HERE}/unknown", {"url": url}),
        (ALICE, "PATCH", ONE, {"name": "New", "url": ""}),
    ):
        world.request(by, method, path, form=form)
    assert scribe.requests == []


def test_private_address(tmp_path: Path, scribe: Receiver) -> None:
    """Unless the settings allow it, no address of this machine or its network is asked."""
    world = open_world(tmp_path, start=settle)
    told = "It is not on the public internet."
    answer = world.request(ALICE, "POST", HERE, form=form_of(scribe))
    assert (answer.status_code, told in answer.json["detail"]) == (400, True)
    answer = world.request(ALICE, "POST", METADATA, form=form_of(scribe))
    assert answer.json == {"valid": False, "error_description": told}
    assert scribe.requests == []
    world.service.close()


# Reading, editing, turning away


def test_list(world: World) -> None:
    """Every member sees the report providers that are there, newest first and page by page."""
    for client in ("p1", "p2", "p3", "p4"):
        world.act(ALICE, create_report_provider, client, client.upper(), URL)
    world.act(ALICE, edit_report_provider, "p1", "First")
    world.act(ALICE, delete_report_provider, "p3")
    listed = world.get(BOB, HERE)
    assert [one["name"] for one in listed] == ["P4", "P2", "First"]
    assert listed[2] == world.get(BOB, f"{HERE}/p1")
    answer = world.request(BOB, "GET", HERE, query={"limit": "1", "offset": "1"})
    assert (answer.json, answer.headers["x-total-count"]) == ([listed[1]], "3")
    assert world.get(BOB, HERE, limit="0") == []


def test_edit(world: World, scribe: Receiver) -> None:
    """Name and address change apart from each other; an address that is given is asked, be it the same."""
    client = world.request(ALICE, "POST", HERE, form=form_of(scribe)).json["client_id"]
    made = world.get(ALICE, f"{HERE}/{client}")
    answer = world.request(CAROL, "PATCH", f"{HERE}/{client}", form={"name": "New"})
    assert (answer.status_code, answer.json) == (200, made | {"name": "New"})
    assert len(scribe.requests) == 1
    scribe.answer(Answer.json(configuration(scribe)), path="/moved")
    moved = f"{scribe.address}/moved"
    answer = world.request(ALICE, "PATCH", f"{HERE}/{client}", form={"name": "", "url": moved})
    assert answer.json == made | {"name": "New", "url": moved}
    scribe.answer(Answer(status=500), path="/moved")
    answer = world.request(ALICE, "PATCH", f"{HERE}/{client}", form={"name": "Newer", "url": moved})
    assert answer.status_code == 400
    assert world.get(BOB, f"{HERE}/{client}") == made | {"name": "New", "url": moved}
    assert scribe.paths == ["/config", "/moved", "/moved"]


@pytest.mark.parametrize("form", [{}, {"name": "", "url": ""}])
def test_edit_of_nothing(form: dict[str, str], world: World) -> None:
    """An edit without anything to change is recorded all the same, and moves the time of the last event."""
    world.act(ALICE, create_report_provider, SCRIBE, "Scribe", URL)
    before = world.position()
    assert world.request(ALICE, "PATCH", ONE, form=form).status_code == 200
    assert world.news(before) == KEPT
    assert world.last_event_at() == world.clock.now


def test_deleted_provider(world: World) -> None:
    """A report provider that was turned away is not there any more; only old events still name it."""
    world.act(ALICE, create_report_provider, SCRIBE, "Scribe", URL)
    assert world.request(ALICE, "DELETE", ONE).status_code == 204
    assert world.last_event_at() == world.clock.now
    assert world.get(BOB, HERE) == []
    assert world.request(BOB, "GET", ONE).status_code == 404
    told = [event["report_provider"] for event in world.events(BOB, limit="2")]
    assert told == [{"name": "Scribe", "is_removed": True, "id": SCRIBE}] * 2


def test_upstream(upstream: World) -> None:
    """The report provider itself has one form, in both ways of answering."""
    upstream.act(ALICE, create_report_provider, SCRIBE, "Scribe", URL)
    [shown] = upstream.get(BOB, HERE)
    assert list(shown) == ["name", "url", "client_id", "created_time"]


def test_by_tokens(world: World) -> None:
    """A token that acts as an admin does what he may; one of the album does not even look."""
    user, album = world.user_token("asAlice", ALICE), world.album_token("ofAlbum", read=True)
    world.act(ALICE, create_report_provider, SCRIBE, "Scribe", URL)
    assert world.request(album, "GET", HERE).status_code == 403
    assert world.request(album, "GET", ONE).status_code == 403
    assert world.request(user, "PATCH", ONE, form={"name": "New"}).json["name"] == "New"


# Asking an address


def test_metadata(world: World, scribe: Receiver) -> None:
    """What an address says of itself is shown if it is a report provider's; else only what is wrong with it."""
    before = world.position()
    answer = world.request(DAVE, "POST", METADATA, form=form_of(scribe))
    said = configuration(scribe)
    said.pop("unheard_of")
    assert (answer.status_code, answer.json) == (200, {"valid": True, **said})
    answer = world.request(DAVE, "POST", METADATA, form=form_of(scribe, url=f"{scribe.address}/x"))
    assert (answer.status_code, list(answer.json)) == (200, ["valid", "error_description"])
    assert answer.json["valid"] is False
    for url in (NOT_HERE, "scribe", "x" * 2000):
        answer = world.request(DAVE, "POST", METADATA, form={"url": url})
        assert (answer.status_code, answer.json["valid"]) == (200, False)
    assert world.news(before) == []


def test_metadata_by_tokens(world: World, scribe: Receiver) -> None:
    """Any token will do, but none will not."""
    for token in (world.user_token("asDave", DAVE), world.album_token("ofAlbum")):
        assert world.request(token, "POST", METADATA, form=form_of(scribe)).json["valid"] is True
    assert world.request(None, "POST", METADATA, form=form_of(scribe)).status_code == 401
    assert len(scribe.requests) == 2


def test_two_threads_at_a_time_wait_for_other_servers(world: World, scribe: Receiver) -> None:
    """A third request is refused at once, whichever route it is for, and all is well once one of the two has ended."""
    scribe.answer(Answer(delay=60), path="/config")
    patient = evolve(world.service, outbound=Outbound(allow_private=True, read_seconds=2))
    world = evolve(world, client=falcon.testing.TestClient(create_app(patient)))

    def request(path: str = METADATA) -> falcon.testing.Result:
        return world.request(ALICE, "POST", path, form_of(scribe))

    with ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(request) for _ in range(2)]
        scribe.wait(2)
        refused = [request(), request(HERE)]
        assert not any(one.done() for one in slow)
    for answer in refused:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert "try again" in answer.json["detail"]
    assert len(scribe.requests) == 2
    assert [one.result().json["valid"] for one in slow] == [False, False]
    scribe.answer(Answer.json(configuration(scribe)), path="/config")
    assert request().json["valid"] is True
