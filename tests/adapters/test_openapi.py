"""The OpenAPI document: sound, equal to what there is, and true of what is answered."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import falcon.testing
import pytest
import schemathesis
from attrs import field, frozen
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from albumcore import (
    Grants,
    WebhookEvent,
    add_favorite,
    create_report_provider,
    create_webhook,
    import_study,
    issue_capability_token,
    post_comment,
)
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http import tscharts
from albumcore_adapters.http.description import OpenApi, document
from albumcore_adapters.http.kheops.all_routes import ROUTES as KHEOPS_ROUTES
from albumcore_adapters.outbound import Outbound
from albumcore_adapters.outbound.addresses import parse_url
from support.dicom_files import dicom_file
from support.kheops import ALBUM, ALICE, BOB, CT, MR, STUDY, World, digest_of, open_world, settle
from support.stored_files import store_file

DOCUMENT = document(None)
_SERVED = falcon.App()
_SERVED.add_route("/openapi.json", OpenApi(Settings()))
SCHEMA: Any = schemathesis.openapi.from_wsgi("/openapi.json", _SERVED)
# Every request has credentials that are good; a check tries what happens without them.
SCHEMA.config.generation.update(with_security_parameters=False)
OPERATIONS = [
    (method.upper(), path) for path, by_method in DOCUMENT["paths"].items() for method in by_method
]
KNOWN = {
    "album": ALBUM,
    "study": STUDY,
    "series": CT,
    "instance": f"{CT}.1",
    "frames": "1",
    "bulk": "7FE00010",
    "user": BOB,
    "client": "scribe",
    "capability": "key",
    "webhook": "hook",
    "version": "2",
    "key": "1",
}
"""Parts of addresses that name something there is."""

EXAMPLES = 6
"""Drawn requests to each operation, beside those that reach for the limits of each value."""

load_all_checks()
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "positive_data_acceptance",
        "negative_data_rejection",
        "missing_required_header",
        "unsupported_method",
        "allow_header_conformance",
        "ignored_auth",
    )
]
"""Of the checks that there are, those that look at one request at a time."""

EXCEPTIONS: Mapping[tuple[str, str], Mapping[str, str]] = {
    # Whether a token is good is no matter of how it looks, and one that is not is 400 here (Kheops API 1.1).
    ("POST", "/register"): {"positive_data_acceptance": "access_token: the token "},
    # Filters name what the album has, and no schema knows that. They are not read at all unless mutations alone
    # are asked for (Kheops API 7.1), and no schema of a query says that.
    ("GET", "/albums/{album}/events"): {
        "positive_data_acceptance": "user|studies|series|reportProvider|capabilityToken",
        "negative_data_rejection": "",
    },
    # ``exact`` is read with a filter that it changes, and nothing else is with ``name``.
    ("GET", "/tscharts/v1/patient"): {"negative_data_rejection": ""},
}
"""What a check finds fault with on purpose: by the check, how the detail of the answer begins (a pattern)."""

OF_A_HISTORY = re.compile(
    "version: the history has no such version|after: it is no cursor"
    "|(at|from|to): a time of the past is expected|[a-z]+: it does not go with after|wait: it needs after"
)
"""What no schema can say of a moment: whether the history has it, whether it is past, and what goes with it."""


def test_the_document_is_sound() -> None:
    """By the rules of OpenAPI 3.1."""
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_has_every_route_and_no_other() -> None:
    """What is in the route tables is in the document, by method and address, and what is refused everywhere."""
    routes = [
        (route.method, route.path)
        for route in (*KHEOPS_ROUTES, *tscharts.ROUTES, *tscharts.REFUSED_ROUTES)
    ]
    paths = dict.fromkeys(path for _, path in routes)
    expected = [*routes, *(("OPTIONS", path) for path in paths)]
    assert sorted(OPERATIONS) == sorted(expected)


def test_the_document_says_what_parts_an_address_has() -> None:
    """Each part in braces is a parameter, and each parameter of an address is a part of it."""
    for path, by_method in DOCUMENT["paths"].items():
        parts = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        for operation in by_method.values():
            named = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
            assert named == parts


def _arrays(schema: Any) -> Iterator[Mapping[str, Any]]:
    for one in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(one, dict | list):
            yield from _arrays(one)
    if isinstance(schema, dict) and schema.get("type") == "array":
        yield schema


LISTS = ("clinic", "station", "patient", "image", "events")
"""What the paths of the TSCharts API end with that answer with a list."""


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if "/tscharts/" in path])
def test_every_list_says_what_is_in_it(path: str) -> None:
    """A client that is generated from the document drops what the document does not describe."""
    lists = list(_arrays(DOCUMENT["paths"][path]))
    assert [one for one in lists if not one.get("items")] == []
    assert bool(lists) == (path.rpartition("/")[2] in LISTS)


def _content(method: str, path: str, status: str = "200") -> Mapping[str, Any]:
    response = DOCUMENT["paths"][path][method.lower()]["responses"].get(status, {})
    return {media: one["schema"] for media, one in response.get("content", {}).items()}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_bytes_are_of_the_type_that_they_are_sent_with(method: str, path: str) -> None:
    """Of each media type of a response, the schema names this."""
    for status in DOCUMENT["paths"][path][method.lower()]["responses"]:
        for media_type, schema in _content(method, path, status).items():
            assert schema.get("contentMediaType", media_type) == media_type


_INSTANCE = "/studies/{study}/series/{series}/instances/{instance}"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        (f"{_INSTANCE}/rendered", "application/pdf"),
        (f"{_INSTANCE}/bulkdata/{{bulk}}", "application/pdf"),
        (f"{_INSTANCE}/bulkdata/{{bulk}}", "image/jpeg"),
        (f"{_INSTANCE}/frames/{{frames}}", "image/jp2"),
        ("/wado", "application/pdf"),
    ],
)
def test_what_is_sent_as_stored_is_of_its_own_type(path: str, media_type: str) -> None:
    """A document or a compressed frame, also of which a range is asked for."""
    assert media_type in _content("GET", path)
    assert media_type in _content("GET", path, "206")


def test_the_document_is_served_to_anybody(tmp_path: Path) -> None:
    """As JSON, the prefix of the settings in it, without a token."""
    world = open_world(tmp_path, kheops_prefix="/api")
    answer = world.request(None, "GET", "/openapi.json")
    assert answer.status_code == 200
    assert answer.json == document("/api")
    assert [server["url"] for server in answer.json["servers"]] == ["/", "/api"]
    world.service.close()


@frozen
class Furnished:
    """A world with one of everything in it, and what it takes to ask it."""

    world: World
    headers: Mapping[str, Mapping[str, str]]
    turns: Iterator[int] = field(factory=itertools.count)

    def place(self, case: Any) -> None:
        """Have the address name something there is, unless it is the address that is tried."""
        tried = case.meta.phase.data.parameter_location is ParameterLocation.PATH
        drawn = case.meta.phase.name is TestPhase.FUZZING and next(self.turns) % 3 == 0
        if not (tried or drawn) and not case.meta.is_negative_at(ParameterLocation.PATH):
            case.path_parameters = {name: KNOWN[name] for name in case.path_parameters or {}}

    def headers_for(self, path: str) -> Mapping[str, str]:
        """The header of somebody who may ask there."""
        return self.headers["/tscharts" if path.startswith("/tscharts") else "/"]


def furnish(world: World) -> None:
    """One of everything; the account is a nurse's."""
    settle(world)
    world.store({CT: "CT", MR: "MR"}, owner=ALICE, description="Thorax", instances=2)
    store_file(world.service, None, dicom_file(STUDY, CT, f"{CT}.1"))
    world.act(ALICE, import_study, STUDY, [CT])
    world.act(ALICE, add_favorite, STUDY)
    world.act(BOB, post_comment, "for Alice", ALICE)
    world.act(ALICE, create_report_provider, "scribe", "Scribe", "https://scribe.example")
    world.act(ALICE, issue_capability_token, "key", digest_of("s" * 22), "Key", Grants(read=True))
    events = [WebhookEvent.NEW_USER]
    world.act(ALICE, create_webhook, "hook", "Hook", "http://127.0.0.1:9/", events)
    accounts = world.service.accounts
    token = accounts.token(accounts.add("nurse", "correct horse"))
    _furnish_clinic(world.client, {"Authorization": f"Token {token}"})


@pytest.fixture
def furnished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Furnished]:
    """A new one for each operation: some of them delete what is there."""
    # What is at an address is not the document's to say: a report provider is at each that is one.
    monkeypatch.setattr(Outbound, "get_json", _of_provider)
    world = open_world(tmp_path, start=furnish, log_level="error")
    accounts = world.service.accounts
    nurse = accounts.named("nurse")
    assert nurse is not None
    headers = {
        "/": {"Authorization": f"Bearer {world.token(ALICE)}"},
        "/tscharts": {"Authorization": f"Token {accounts.token(nurse)}"},
    }
    yield Furnished(world, headers)
    world.service.close()


def _of_provider(outbound: Outbound, url: str) -> dict[str, str]:
    return {"redirect_uri": parse_url(url).text, "response_type": "token"}


def _furnish_clinic(client: falcon.testing.TestClient, headers: Mapping[str, str]) -> None:
    names = (
        "paternal_last maternal_last first middle suffix prefix street1 street2 city colonia state"
    )
    names += " phone1 phone2 email emergencyfullname emergencyphone emergencyemail curp"
    texts = dict.fromkeys(names.split(), "x")
    days = {"start": "04/18/2017", "end": "04/20/2017"}
    data = base64.b64encode(b"an image").decode()
    for path, body in (
        ("clinic", {"location": "Ensenada", **days}),
        ("station", {"name": "Dental"}),
        ("patient", {**texts, "dob": "04/01/2012", "gender": "Female"}),
        ("image", {"clinic": 1, "station": 1, "patient": 1, "type": "Xray", "data": data}),
    ):
        answer = client.simulate_post(f"/tscharts/v1/{path}/", json=body, headers=headers)
        assert answer.json == {"id": 1}


# What is stored by DICOMweb has tests of its own.
@pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload media types")
@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,  # What it finds is found in every run.
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_documented(case: Any, furnished: Furnished) -> None:
    """What the document allows is taken, what it does not is refused, and both are answered as it says."""
    case.operation.app = furnished.world.client.app
    furnished.place(case)
    headers = furnished.headers_for(case.path)
    answer = case.call(headers=headers)
    case.validate_response(
        answer, checks=CHECKED, excluded_checks=excluded(case, answer), headers=headers
    )


@pytest.mark.parametrize(
    ("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS]
)
def test_strangers_are_answered_as_documented(method: str, path: str, furnished: Furnished) -> None:
    """Without credentials, an operation that asks for some is 401; no other is."""
    operation = SCHEMA[path][method]
    parts = {name: KNOWN[name] for name in KNOWN if f"{{{name}}}" in path}
    operation.app = furnished.world.client.app
    case = operation.Case(path_parameters=parts)
    answer = case.call()
    assert (answer.status_code == 401) == bool(operation.definition.raw["security"])
    case.validate_response(answer, checks=CHECKED)


def excluded(case: Any, answer: Any) -> list[Any]:
    """The checks that find fault with this answer, and should."""
    names = set()
    if case.operation.definition.raw.get("deprecated"):
        # It is there to be refused, whatever is sent.
        names.add("positive_data_acceptance")
    if answer.status_code == 406 and "accept" in (case.query or {}):
        # Which media types there are depends on what is stored.
        names.add("positive_data_acceptance")
    told = answer.json().get("detail", "") if answer.status_code >= 400 and answer.content else ""
    if OF_A_HISTORY.match(told):
        names.add("positive_data_acceptance")
    for name, detail in EXCEPTIONS.get((case.method, case.path), {}).items():
        if re.match(detail, told):
            names.add(name)
    return [CHECKS.get_one(name) for name in names]
