"""Refusals: who is not authenticated, what is not understood, and the one shape of every error."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from albumcore_adapters.http.kheops.all_routes import ROUTES
from albumcore_adapters.http.kheops.forms import MAX_FORM_OF_ANYBODY
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.jwt import JwtClaims, JwtVerifier, issue_token
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    HELP,
    NOBODY,
    Answer,
    World,
    email_of,
    open_world,
    path_of,
)
from support.logs import written

COVERS = (
    "GET /albums",
    "GET /albums/{album}/events",
    "PUT /albums/{album}/users/{user}",
)

THERE = f"/albums/{ALBUM}"
EVENTS = f"{THERE}/events"
FORM = "application/x-www-form-urlencoded"


def told(answer: Answer) -> tuple[int, str]:
    """Status and message of an error, which has the three fields every error has."""
    assert list(answer.json) == ["message", "detail", "help"]
    assert answer.json["help"] == HELP
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json["message"]


# 401


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def _expired(world: World) -> str:
    token = world.token(ALICE, ttl=60)
    world.clock.tick(3600)
    return f"Bearer {token}"


def _unsigned(world: World) -> str:
    claims = {"iss": "albumcore", "aud": "albumcore", "sub": ALICE, "exp": 4_000_000_000}
    return f"Bearer {_segment({'alg': 'none', 'typ': 'JWT'})}.{_segment(claims)}."


def _unsigned_with_signature(world: World) -> str:
    _, claims, signature = world.token(ALICE).split(".")
    return f"Bearer {_segment({'alg': 'none'})}.{claims}.{signature}"


def _of_another_key(world: World) -> str:
    return f"Bearer {issue_token(bytes(range(32)), ALICE, None, None, 600, world.clock.now)}"


def _tampered(world: World) -> str:
    header, claims, signature = world.token(BOB).split(".")
    payload = orjson.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"Bearer {header}.{_segment(payload | {'sub': ALICE})}.{signature}"


def _of_another_audience(world: World) -> str:
    secret, now = world.service.secret, world.clock.now
    return f"Bearer {issue_token(secret, ALICE, None, None, 600, now, audience='x')}"


UNAUTHORIZED: dict[str, Callable[[World], str | None]] = {
    "missing": lambda world: None,
    "empty": lambda world: "",
    "no_scheme": lambda world: world.token(ALICE),
    "other_scheme": lambda world: f"Token {world.token(ALICE)}",
    "empty_token": lambda world: "Bearer ",
    "no_jwt": lambda world: "Bearer x.y.z",
    "capability_token": lambda world: f"Bearer {'a' * 22}",
    "bad_base64": lambda world: "Basic !!!",
    "no_colon": lambda world: f"Basic {base64.b64encode(b'x').decode()}",
    "expired": _expired,
    "unsigned": _unsigned,
    "unsigned_with_signature": _unsigned_with_signature,
    "of_another_key": _of_another_key,
    "of_another_audience": _of_another_audience,
    "tampered": _tampered,
}


@pytest.mark.parametrize("name", UNAUTHORIZED)
def test_unauthorized(name: str, world: World) -> None:
    """A token that is missing, malformed, expired, unsigned, forged or altered is 401, with ways to authenticate."""
    header = UNAUTHORIZED[name](world)
    headers = {} if header is None else {"Authorization": header}
    answer = world.client.simulate_get(EVENTS, headers=headers)
    assert told(answer) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Basic, Bearer"


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "operation",
    [
        f"{route.method} {route.path.replace('{', '').replace('}', '')}"
        for route in ROUTES
        if route.callers is not Callers.ANYBODY
    ],
)
def test_authentication_comes_first(operation: str, world: World) -> None:
    """Without a token a route that needs one is 401, whatever else is wrong with the request."""
    headers = {"X-Authorization-Source": "x", "Admin-Action": "permanent", "Accept": "image/png"}
    method, path = operation.split()
    answer = world.request(None, method, path, query={"limit": "x"}, headers=headers)
    assert answer.status_code == 401


def test_basic_with_the_token_as_password(world: World) -> None:
    """A token is also taken as the password of Basic."""
    password = base64.b64encode(f"x:{world.token(ALICE)}".encode()).decode()
    answer = world.client.simulate_get(EVENTS, headers={"Authorization": f"Basic {password}"})
    assert answer.status_code == 200


# Who is known


def test_first_sight_registers(world: World) -> None:
    """Who comes with a name or an address is known from then on, and can be found by his address."""
    token = world.token(NOBODY, email="Nobody@Example.org", name=None)
    headers = {"Authorization": f"Bearer {token}"}
    assert world.client.simulate_get("/albums", headers=headers).json == []
    assert world.request(ALICE, "PUT", f"{THERE}/users/{email_of(NOBODY)}").status_code == 201


def test_claims_refresh_name_and_address(world: World) -> None:
    """A token with another name or address changes what is shown of the person."""
    token = world.token(BOB, email="robert@example.org", name="Robert")
    world.client.simulate_get("/albums", headers={"Authorization": f"Bearer {token}"})
    shown = world.events(ALICE)[1]["target"]
    assert (shown["email"], shown["name"]) == ("robert@example.org", "Robert")


def test_token_without_name_and_address(world: World) -> None:
    """A token that tells neither name nor address serves who is known already, and changes nothing of him."""
    token = world.token(BOB, email=None, name=None)
    answer = world.client.simulate_get("/albums", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert world.events(ALICE)[1]["target"]["email"] == email_of(BOB)


@pytest.mark.parametrize("sub", [CAROL, NOBODY])
def test_taken_address_locks_nobody_out(sub: str, world: World) -> None:
    """Who comes with the address of somebody else is served all the same; the address stays where it was."""
    token = world.token(sub, email=email_of(BOB), name="New name")
    answer = world.client.simulate_get("/albums", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    people = world.service.people
    found, taken_from = people.with_sub(sub), people.find(email_of(BOB))
    assert found is not None
    assert found.person.name == "New name"
    assert taken_from is not None
    assert taken_from.person.sub == BOB


def test_unknown_subject(world: World) -> None:
    """A sound token of somebody unknown, with nothing to know him by, is 404."""
    token = world.token(NOBODY)
    answer = world.client.simulate_get(EVENTS, headers={"Authorization": f"Bearer {token}"})
    assert told(answer) == (404, "User Not Found")


def test_unknown_subject_upstream(upstream: World) -> None:
    """Upstream, a sound token of somebody unknown is 401."""
    headers = {"Authorization": f"Bearer {upstream.token(NOBODY)}"}
    answer = upstream.client.simulate_get(EVENTS, headers=headers)
    assert told(answer) == (401, "Unauthorized")


# What HTTP itself refuses


def test_unknown_address(world: World) -> None:
    """An address that is no route is 404, in the same shape."""
    answer = world.request(ALICE, "GET", f"{THERE}/nothing")
    assert told(answer) == (404, "Not Found")
    assert answer.json["detail"] == "there is no resource at this address"


def test_method_not_taken(world: World) -> None:
    """A method that a route does not take is 405, and Allow says which it takes."""
    answer = world.request(ALICE, "PUT", "/albums")
    assert told(answer) == (405, "Method Not Allowed")
    assert answer.json["detail"] == "this address does not support the method"
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert world.request(ALICE, "PATCH", f"{THERE}/comments").headers["allow"] == "POST, OPTIONS"


def test_help_leads_to_the_documentation(tmp_path: Path) -> None:
    """An error tells where the service describes itself, as clients reach it; it is there without a token."""
    world = open_world(tmp_path, public_url="https://albums.example/a", kheops_prefix="/api")
    shown = world.request(None, "GET", "/api/albums").json["help"]
    assert shown == "https://albums.example/a/api/openapi.json"
    answer = world.request(None, "GET", shown.removeprefix(world.service.settings.root))
    assert (answer.status_code, answer.json["info"]["title"]) == (200, "albumcore")
    world.service.close()


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "route",
    [one for one in ROUTES if one.media_types and not one.negotiates],
    ids=lambda route: route.path,
)
def test_answer_not_accepted(route: Route, world: World) -> None:
    """Where an answer has a body, an Accept header that leaves no room for it is 406, and nothing is done."""
    before = world.position()
    path = path_of(route.path)
    refused = ",".join(f"{one.upper()};Q=0" for one in route.media_types)
    for accept in (
        "image/png",
        f"{route.media_types[0]};q=0, image/*",
        f"{refused}, */*",
        "rubbish",
    ):
        query = {"name": "x"} if route.method == "POST" else {}
        answer = world.request(ALICE, route.method, path, query=query, headers={"Accept": accept})
        assert told(answer) == (406, "Not Acceptable")
        assert answer.json["detail"].startswith(f"the response is {route.media_types[0]}")
    assert world.news(before) == []


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "APPLICATION/JSON",
        "Application/Json; Q=0.5",
        "*/*",
        "text/html, application/*;q=0.1",
        "TEXT/HTML, APPLICATION/*;q=0.1",
        "",
    ],
)
def test_json_accepted(accept: str, world: World) -> None:
    """An Accept header that leaves room for JSON is satisfied, and so is an empty one."""
    assert world.request(ALICE, "GET", EVENTS, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"comment": "x"}'),
        ("application/json", b""),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b"comment=x"),
        (f"{FORM}; charset=utf-16", b"comment=x"),
        (f'{FORM}; charset="zip"', b"comment=x"),
        ("", b"comment=x"),
    ],
)
def test_body_that_is_no_form(content_type: str, body: bytes, world: World) -> None:
    """A body that does not say it is a form, in a character set that is taken, is 415."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = world.request(BOB, "POST", f"{THERE}/comments", headers=headers, body=body)
    assert told(answer) == (415, "Unsupported Media Type")


@pytest.mark.parametrize("path", ["/register", "/token", "/token/introspect", "/report"])
def test_form_of_anybody_too_large(path: str, world: World) -> None:
    """Where no token is asked for, 64 KiB are enough."""
    form = {"access_token": "x" * MAX_FORM_OF_ANYBODY}
    assert world.request(None, "POST", path, form).status_code == 413


def test_form_too_large(world: World) -> None:
    """A form of more than 1 MiB is 413."""
    large = b"comment=x&pad=" + b"x" * 1024 * 1024
    headers = {"Content-Type": FORM}
    answer = world.request(BOB, "POST", f"{THERE}/comments", headers=headers, body=large)
    assert told(answer) == (413, "Content Too Large")


@pytest.mark.parametrize("body", [b"comment=%zz", b"comment=%", b"comment=%ff", b"comment=\xff"])
def test_malformed_form(body: bytes, world: World) -> None:
    """A form with a bad percent code, or one that is no UTF-8, is 400."""
    headers = {"Content-Type": FORM}
    answer = world.request(BOB, "POST", f"{THERE}/comments", headers=headers, body=body)
    assert told(answer) == (400, "Bad Form Parameter")


# Parameters


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        (EVENTS, "types=comment", "types"),
        (EVENTS, "types=", "types"),
        (EVENTS, "types=comments,", "types"),
        (EVENTS, "types=comments&types=Mutations", "types"),
        (EVENTS, "limit=-1", "limit"),
        (EVENTS, "limit=", "limit"),
        (EVENTS, "limit=x&limit=1", "limit"),
        (EVENTS, "limit=2147483648", "limit"),
        (EVENTS, "limit=1e3", "limit"),
        (EVENTS, "limit=%D9%A1", "limit"),
        (EVENTS, f"offset={'9' * 5000}", "offset"),
        (EVENTS, "offset=%2B1", "offset"),
        (EVENTS, "offset=%", "query string"),
        (EVENTS, "offset=%ff", "query string"),
        (EVENTS, "&".join(f"x{number}" for number in range(10_001)), "query string"),
        (f"{THERE}/users", "limit=x", "limit"),
        (f"{THERE}/users", "offset=-0", "offset"),
        ("/albums", "limit=0", "limit"),
        ("/albums", "limit=ten", "limit"),
        ("/albums", "offset=-1", "offset"),
        ("/albums", "sort=size", "sort"),
        ("/albums", "sort=", "sort"),
        ("/albums", "sort=--name", "sort"),
        ("/albums", "created_time=2026", "created_time"),
        ("/albums", "created_time=20260230", "created_time"),
        ("/albums", "created_time=202601012", "created_time"),
        ("/albums", "created_time=2026+1+1", "created_time"),
        ("/albums", "created_time=00000101", "created_time"),
        ("/albums", "created_time=", "created_time"),
        ("/albums", "last_event_time=-", "last_event_time"),
        ("/albums", "last_event_time=20260101-20260102-20260103", "last_event_time"),
        ("/albums", "last_event_time=20260101-x", "last_event_time"),
    ],
)
def test_bad_parameter(path: str, query: str, named: str, world: World) -> None:
    """A parameter that breaks its rule is 400, and the detail names it."""
    headers = {"Authorization": f"Bearer {world.token(ALICE)}"}
    answer = world.client.simulate_get(path, query_string=query, headers=headers)
    assert told(answer) == (400, "Bad Query Parameter")
    assert answer.json["detail"].startswith(f"{named}: ")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/studies/1.a/albums/none", "study"),
        ("/studies/1.a/series/1.2/albums/none", "study"),
        ("/studies/1.2/series/1.a/albums/none", "series"),
    ],
)
def test_bad_uid_comes_before_the_album(method: str, path: str, named: str, world: World) -> None:
    """A UID in the path that is none is 400, which names it, even where the album is not there."""
    answer = world.request(ALICE, method, path)
    assert told(answer) == (400, "Bad Query Parameter")
    assert answer.json["detail"].startswith(f"{named}: a UID has at most 64 characters")


# Faults of ours


def test_no_keys(tmp_path: Path) -> None:
    """While the identity provider gives no keys, nobody can be authenticated: 503, which is not the caller's doing."""
    nobody_there = "http://127.0.0.1:9/"
    world = open_world(tmp_path, jwks_url=nobody_there, jwt_issuer="i", jwt_audience="a")
    token = f"{_segment({'alg': 'RS256'})}.{_segment({'sub': ALICE})}.AAAA"
    answer = world.client.simulate_get("/albums", headers={"Authorization": f"Bearer {token}"})
    world.service.close()
    assert told(answer) == (503, "Service Unavailable")
    assert answer.json["detail"] == (
        "tokens cannot be verified at present, or the store is busy; try again"
    )


def test_fault(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is 500 with a log id, under which the log has the traceback, and nothing of the request."""

    def broken(verifier: JwtVerifier, token: str) -> JwtClaims:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(JwtVerifier, "verify", broken)
    answer = world.request(ALICE, "GET", EVENTS, query={"limit": "secret"})
    assert told(answer) == (500, "Internal server error")
    log_id = answer.json["detail"].removeprefix("log id : ")
    assert len(log_id) == 20
    logged = written(caplog)
    assert log_id in logged
    assert "the disk is gone" in logged
    assert "callers.py" in logged
    assert "secret" not in logged
    assert world.token(ALICE)[:20] not in logged
    assert repr(world.service.secret) not in logged
