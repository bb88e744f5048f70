"""The OpenAPI document: sound, equal to what there is, and true of what is answered."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import falcon.testing
import pytest
import schemathesis
from attrs import frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from adapters.http import kheops, tscharts
from adapters.http.openapi import document
from albumcore import Album, Grants, WebhookEvent
from support.kheops import ALBUM, ALICE, BOB, CT, MR, STUDY, World, digest_of, open_world, settle

DOCUMENT = document(None)
OPERATIONS = [
    (method.upper(), path) for path, by_method in DOCUMENT["paths"].items() for method in by_method
]
KNOWN = {
    "album": ALBUM,
    "study": STUDY,
    "series": CT,
    "user": BOB,
    "client": "scribe",
    "capability": "key",
    "webhook": "hook",
    "key": "1",
}
"""Parts of addresses that name something there is."""

EXAMPLES = 8
"""Requests to each operation, of what the document allows and of what it does not."""

load_all_checks()
_CHECKS = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]


def test_the_document_is_sound() -> None:
    """By the rules of OpenAPI 3.1."""
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_has_every_route_and_no_other() -> None:
    """What is in the route tables is in the document, by method and address."""
    routes = [
        *((route.method, route.path) for route in kheops.ROUTES),
        *((route.method, route.path) for route in tscharts.ROUTES),
    ]
    assert sorted(OPERATIONS) == sorted(routes)


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


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if "/tscharts/" in path])
def test_every_list_says_what_is_in_it(path: str) -> None:
    """A client that is generated from the document drops what the document does not describe."""
    lists = list(_arrays(DOCUMENT["paths"][path]))
    assert [one for one in lists if not one.get("items")] == []
    assert bool(lists) == (path.rpartition("/")[2] in ("clinic", "station", "patient", "image"))


def test_the_document_is_served_to_anybody(tmp_path: Path) -> None:
    """As JSON, the prefix of the settings in it, without a token."""
    world = open_world(tmp_path, kheops_prefix="/api")
    answer = world.ask(None, "GET", "/openapi.json")
    assert answer.status_code == 200
    assert answer.json == document("/api")
    assert [server["url"] for server in answer.json["servers"]] == ["/", "/api"]
    world.deployment.close()


@frozen
class Furnished:
    """A world with one of everything in it, and what it takes to ask it."""

    world: World
    schema: Any
    headers: Mapping[str, Mapping[str, str]]

    def headers_for(self, path: str) -> Mapping[str, str]:
        """The header of somebody who may ask there."""
        return self.headers["/tscharts" if path.startswith("/tscharts") else "/"]


def furnish(world: World) -> None:
    """One of everything; the account is a nurse's."""
    settle(world)
    world.store({CT: "CT", MR: "MR"}, owner=ALICE, description="Thorax", instances=2)
    world.act(ALICE, Album.import_study, STUDY, [CT])
    world.act(ALICE, Album.add_favorite, STUDY)
    world.act(BOB, Album.post_comment, "for Alice", ALICE)
    world.act(ALICE, Album.create_report_provider, "scribe", "Scribe", "https://scribe.example")
    world.act(
        ALICE, Album.issue_capability_token, "key", digest_of("s" * 22), "Key", Grants(read=True)
    )
    events = [WebhookEvent.NEW_USER]
    world.act(ALICE, Album.create_webhook, "hook", "Hook", "http://127.0.0.1:9/", events)
    accounts = world.deployment.accounts
    token = accounts.token(accounts.add("nurse", "correct horse"))
    _furnish_clinic(world.client, {"Authorization": f"Token {token}"})


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The document as it is served, read once."""
    world = open_world(tmp_path_factory.mktemp("schema"))
    yield schemathesis.openapi.from_wsgi("/openapi.json", world.client.app)
    world.deployment.close()


@pytest.fixture
def furnished(tmp_path: Path, schema: Any) -> Iterator[Furnished]:
    """A new one for each operation: some of them delete what is there."""
    world = open_world(tmp_path, start=furnish, log_level="error")
    accounts = world.deployment.accounts
    nurse = accounts.named("nurse")
    assert nurse is not None
    headers = {
        "/": {"Authorization": f"Bearer {world.token(ALICE)}"},
        "/tscharts": {"Authorization": f"Token {accounts.token(nurse)}"},
    }
    schema.app = world.client.app
    yield Furnished(world, schema, headers)
    world.deployment.close()


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


@pytest.mark.parametrize(
    ("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS]
)
def test_answers_are_as_documented(method: str, path: str, furnished: Furnished) -> None:
    """Whatever is sent: no fault of ours, no status, media type, header or body but those of the document."""
    operation = furnished.schema[path][method]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.sampled_from(["known", "known", "any"]), st.booleans())
    def ask(case: Any, named: str, somebody: bool) -> None:
        if named == "known":
            case.path_parameters = {name: KNOWN[name] for name in case.path_parameters or {}}
        headers = furnished.headers_for(path) if somebody else {}
        case.validate_response(case.call(headers=headers), checks=_CHECKS)

    ask()
