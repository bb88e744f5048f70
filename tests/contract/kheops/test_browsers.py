"""What web pages of other origins need: CORS, preflight, HEAD, and the prefix that a proxy would cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from albumcore import import_series
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.kheops.all_routes import ROUTES
from albumcore_adapters.service import open_service
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CT,
    DAVE,
    NOBODY,
    STUDY,
    World,
    open_world,
    path_of,
    settle,
)

COVERS = (
    "GET /albums",
    "POST /albums",
    "GET /albums/{album}",
    "PATCH /albums/{album}",
    "POST /albums/{album}/comments",
    "GET /albums/{album}/users",
    "GET /albums/{album}/events",
    "GET /studies/{study}/comments",
    "PUT /studies/{study}/albums/{album}",
)

PATHS = sorted({route.path for route in ROUTES})

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "origin, content-type, accept, authorization, frontend,"
    " accept-charset, X-Authorization-Source, Idempotency-Key, Last-Event-ID, X-Request-Id, traceparent",
    "access-control-expose-headers": "X-Request-Id, traceparent",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, PATCH, POST, PUT, DELETE, OPTIONS, HEAD",
    "access-control-max-age": "86400",
}
"""What every answer says."""

EXPOSED = "access-control-expose-headers"

EVENTS = f"/albums/{ALBUM}/events"
LISTS = ["/albums", f"/albums/{ALBUM}/users", EVENTS, f"/studies/{STUDY}/comments"]
"""Addresses that answer with a page of a list."""

READ = [*LISTS, f"/albums/{ALBUM}"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world with a study in the album, and all routes under /api too."""
    made = open_world(tmp_path_factory.mktemp("data"), kheops_prefix="/api", start=settle)
    made.store({CT: "CT"}, owner=BOB)
    made.act(ALICE, import_series, STUDY, CT)
    yield made
    made.service.close()


def cors_of(headers: dict[str, str]) -> dict[str, str]:
    """The headers of an answer that are about CORS."""
    return {name: headers[name] for name in headers if name.startswith("access-control-")}


@pytest.mark.parametrize(
    ("by", "operation", "status"),
    [
        (ALICE, f"GET /albums/{ALBUM}", 200),
        (ALICE, f"PATCH /albums/{ALBUM}", 200),
        (DAVE, f"PUT /studies/{STUDY}/albums/{ALBUM}", 404),
        (ALICE, f"PUT /studies/{STUDY}/albums/{ALBUM}", 400),
        (BOB, f"DELETE /albums/{ALBUM}", 403),
        (None, f"GET /albums/{ALBUM}", 401),
        (ALICE, "GET /nothing", 404),
        (ALICE, "GET /albums/a%2fb", 404),
        (ALICE, "POST /albums/x", 405),
        (None, "GET /healthz", 200),
    ],
)
def test_cors(by: str | None, operation: str, status: int, world: World) -> None:
    """Every answer may be read by pages of any origin, errors too, and what is no address at all."""
    method, path = operation.split()
    answer = world.request(by, method, path, headers={"Origin": "https://viewer.example"})
    assert answer.status_code == status
    assert cors_of({**answer.headers}) == CORS


@pytest.mark.parametrize("prefix", ["/albums", "/studies/x", "/token", "/.well-known", "/link"])
def test_a_prefix_that_would_hide_routes_is_refused(prefix: str, tmp_path: Path) -> None:
    """It is said at the start, by the name of the setting."""
    service = open_service(Settings(data=tmp_path, kheops_prefix=prefix))
    with pytest.raises(SettingsError, match="ALBUMCORE_KHEOPS_PREFIX"):
        create_app(service)
    service.close()


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("path", LISTS)
def test_total_is_exposed(path: str, prefix: str, world: World) -> None:
    """Where there is a total, pages may read it."""
    answer = world.request(BOB, "GET", prefix + path)
    assert answer.headers["x-total-count"]
    of_list = "X-Total-Count, X-Next-Cursor" if path == EVENTS else "X-Total-Count"
    assert cors_of({**answer.headers}) == CORS | {EXPOSED: f"{of_list}, {CORS[EXPOSED]}"}


def test_other_api_has_no_cors(world: World) -> None:
    """The TSCharts API says nothing about origins."""
    answer = world.request(None, "GET", "/tscharts/v1/image/")
    assert (answer.status_code, cors_of({**answer.headers})) == (401, {})


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("path", PATHS)
def test_preflight(path: str, prefix: str, world: World) -> None:
    """OPTIONS is answered without credentials on every address, and says which methods it takes."""
    headers = {
        "Origin": "https://viewer.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, x-authorization-source",
    }
    answer = world.request(None, "OPTIONS", prefix + path, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert cors_of({**answer.headers}) == CORS
    methods = {route.method for route in ROUTES if route.path == path}
    methods |= {"HEAD"} if "GET" in methods else set()
    assert sorted(answer.headers["allow"].split(", ")) == sorted(methods)


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json"])
def test_allow_of_what_is_no_route(path: str, world: World) -> None:
    """Where GET is answered HEAD is too, and both are told of."""
    assert world.request(None, "HEAD", path).status_code == 200
    assert world.request(None, "OPTIONS", path).headers["allow"] == "GET, HEAD"
    assert world.request(None, "POST", path).headers["allow"] == "GET, HEAD, OPTIONS"


def test_preflight_of_nothing(world: World) -> None:
    """OPTIONS on what is no address is 404, and may be read."""
    answer = world.request(None, "OPTIONS", "/nothing")
    assert (answer.status_code, cors_of({**answer.headers})) == (404, CORS)


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("path", READ)
def test_head(path: str, prefix: str, world: World) -> None:
    """HEAD is answered as GET, with its headers and without its body."""
    query = {"limit": "1"}
    got = world.request(BOB, "GET", prefix + path, query=query)
    head = world.request(BOB, "HEAD", prefix + path, query=query)
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers} == {**got.headers}
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers.get("x-total-count") == got.headers.get("x-total-count")


@pytest.mark.parametrize(
    ("by", "path", "status"),
    [
        (None, EVENTS, 401),
        (DAVE, EVENTS, 404),
        (ALICE, "/nothing", 404),
        (ALICE, f"/albums/{ALBUM}/comments", 405),
        (ALICE, f"{EVENTS}?limit=x", 400),
    ],
)
def test_head_refused(by: str | None, path: str, status: int, world: World) -> None:
    """HEAD is refused where GET is, without a body too."""
    path, _, limit = path.partition("?limit=")
    query = {"limit": limit} if limit else {}
    head = world.request(by, "HEAD", path, query=query)
    assert (head.status_code, head.content) == (status, b"")
    assert cors_of({**head.headers}) == CORS


def test_head_changes_nothing(world: World) -> None:
    """HEAD is no way around the method: where GET is not taken, it does nothing."""
    before = world.position()
    for route in ROUTES:
        world.request(ALICE, "HEAD", path_of(route.path))
    assert world.position() == before


FORMS = [
    ("POST /albums", {"name": "Über uns"}, 201),
    (f"PATCH /albums/{ALBUM}", {"description": "x y", "addUser": "true"}, 200),
    (f"POST /albums/{ALBUM}/comments", {"comment": "x", "to_user": BOB}, 204),
    (f"POST /studies/{STUDY}/comments", {"comment": "x"}, 204),
    ("POST /reportproviders/metadata", {"url": "http://127.0.0.1:1/"}, 200),
    ("POST /capabilities", {"title": "x", "scope_type": "user"}, 201),
    (f"POST /albums/{ALBUM}/webhooks", {"name": "x", "url": "https://hook.example"}, 201),
    (f"POST /studies/{STUDY}/series/fetch", {"SeriesInstanceUID": CT}, 200),
    ("POST /token/introspect", {"token": "x"}, 200),
]
"""A form that each form route takes."""


@pytest.mark.parametrize("body", ["empty form", "form", "nothing"])
@pytest.mark.parametrize(("operation", "fields", "status"), FORMS, ids=str)
def test_fields_in_the_query_string(
    body: str, operation: str, fields: dict[str, str], status: int, world: World
) -> None:
    """The fields of a form may stand in the query string where the body is empty, and count there alone."""
    method, path = operation.split()
    if body == "form":
        query = dict.fromkeys(fields, "\0")
        answer = world.request(ALICE, method, path, form=fields, query=query)
    else:
        form: dict[str, str] | None = {} if body == "empty form" else None
        answer = world.request(ALICE, method, path, form=form, query=fields)
    assert answer.status_code == status, answer.text


def test_without_prefix(tmp_path: Path) -> None:
    """Unless a prefix is set, no route answers under one."""
    made = open_world(tmp_path, start=settle)
    assert made.request(ALICE, "GET", "/api/albums").status_code == 404
    made.service.close()


def test_prefix(world: World) -> None:
    """Under the prefix the same routes answer alike, with the same errors."""
    same = ["/albums", f"/albums/{ALBUM}", f"/albums/{NOBODY}", f"/albums/{ALBUM}/", "/nothing"]
    for path in same:
        plain, prefixed = (world.request(BOB, "GET", prefix + path) for prefix in ("", "/api"))
        assert (prefixed.status_code, prefixed.content) == (plain.status_code, plain.content)
        assert {**prefixed.headers} == {**plain.headers}
    told = [
        world.request(ALICE, "DELETE", f"{prefix}/albums/{ALBUM}/users/{DAVE}/admin").json[
            "message"
        ]
        for prefix in ("", "/api")
    ]
    assert told == ["User not a member"] * 2


def test_prefix_to_change_things(world: World) -> None:
    """Under the prefix things can be changed, and are seen without it."""
    made = world.request(BOB, "POST", "/api/albums", form={"name": "Mine"})
    path = f"/albums/{made.json['album_id']}"
    added = world.request(BOB, "PUT", f"/api/studies/{STUDY}{path}", query={"inbox": "true"})
    assert (made.status_code, added.status_code) == (201, 201)
    assert world.get(BOB, path)["number_of_series"] == 1
    assert world.request(BOB, "DELETE", f"/api{path}").status_code == 204
    assert world.request(BOB, "GET", path).status_code == 404


@pytest.mark.parametrize("path", ["/api", "/api/api/albums", "/api/healthz", "/apialbums"])
def test_prefix_is_of_the_routes_alone(path: str, world: World) -> None:
    """The prefix is no address itself, and nothing else answers under it."""
    assert world.request(ALICE, "GET", path).status_code == 404
