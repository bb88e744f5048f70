"""Whatever is sent, no route of the Kheops album API answers 5xx, and what is refused changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import falcon.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from albumcore import add_admin, add_member, create_album, import_series
from albumcore.ids import AlbumId
from support.kheops import ALBUM, ALICE, BOB, CAROL, CT, STUDY, World, email_of

ROUTES = [
    "GET /albums",
    "POST /albums",
    "GET /albums/{album}",
    "PATCH /albums/{album}",
    "DELETE /albums/{album}",
    "GET /albums/{album}/users",
    "PUT /albums/{album}/users/{user}",
    "DELETE /albums/{album}/users/{user}",
    "PUT /albums/{album}/users/{user}/admin",
    "DELETE /albums/{album}/users/{user}/admin",
    "POST /albums/{album}/comments",
    "GET /albums/{album}/events",
    "PUT /studies/{study}/albums/{album}",
    "DELETE /studies/{study}/albums/{album}",
    "PUT /studies/{study}/series/{series}/albums/{album}",
    "DELETE /studies/{study}/series/{series}/albums/{album}",
]

LATIN = st.text(st.characters(max_codepoint=255), max_size=30)
"""Bytes, in the dress WSGI puts on them."""

SEGMENT = LATIN.filter(lambda text: "/" not in text)
ANY = st.text(max_size=30) | st.text(st.characters(codec="utf-8"), max_size=2100)
VALUE = st.sampled_from(
    [
        *("true", "false", "-1", "0", "1", "2147483647", "9" * 30),
        *("comments", "mutations", "comments,mutations", "20260101-", "-name", "number_of_users"),
        *(ALBUM, BOB, email_of(CAROL), "*", "%"),
    ]
)
FIELD = st.sampled_from(
    [
        *("name", "description", "addUser", "sendSeries", "notificationNewSeries"),
        *("comment", "to_user", "limit", "offset", "types", "album", "inbox", "includeUsers"),
        *("sort", "modality", "created_time", "last_event_time"),
        *("fuzzymatching", "favorite", "canAddSeries"),
    ]
)
FIELDS = st.lists(st.tuples(FIELD, VALUE | ANY), max_size=6).map(
    lambda pairs: urlencode(pairs, errors="surrogatepass")
)
BODY = FIELDS.map(str.encode) | st.binary(max_size=200)
FORM = "application/x-www-form-urlencoded"
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "HTTP_ACCEPT": st.sampled_from(["application/json", "*/*"]) | LATIN,
        "CONTENT_TYPE": st.sampled_from([FORM, f"{FORM}; charset=iso-8859-1"]) | LATIN,
        "CONTENT_LENGTH": st.sampled_from(["", "-1", "70000", "x"]) | LATIN,
        "HTTP_X_AUTHORIZATION_SOURCE": LATIN,
        "HTTP_HOST": LATIN,
        "wsgi.input_terminated": st.booleans(),
    },
)


def send(
    world: World, method: str, path: str, query: str, body: bytes, environ: Mapping[str, Any]
) -> tuple[int, bytes]:
    """Send a request as a server hands it over, without a client's good manners."""
    made = falcon.testing.create_environ(method=method, body=body)
    made |= {"PATH_INFO": path, "QUERY_STRING": query, **environ}
    begun: list[str] = []

    def start_response(
        status: str, headers: object, error: object = None, /
    ) -> Callable[..., None]:
        begun.append(status)
        return begun.clear

    sent = b"".join(world.client.app(made, start_response))
    return int(begun[-1].split()[0]), sent


def fresh_album(world: World) -> AlbumId:
    """An album of Alice's with Bob, Carol and a series in it, that no request before has met."""
    album = AlbumId(f"Fresh{world.position():05d}")
    world.act(ALICE, create_album, "Fresh", album=album)
    world.act(ALICE, add_member, BOB, album=album)
    world.act(ALICE, add_admin, CAROL, album=album)
    world.act(ALICE, import_series, STUDY, CT, album=album)
    return album


def check(world: World, status: int, sent: bytes, before: int) -> None:
    """No 5xx; an error has its three fields, and leaves nothing behind."""
    assert status < 500
    if status >= 400:
        assert list(json.loads(sent)) == ["message", "detail", "help"]
        assert world.news(before) == []


@settings(max_examples=300, deadline=None)
@given(
    route=st.sampled_from(ROUTES),
    by=st.sampled_from([ALICE, BOB, CAROL]),
    album=st.none() | SEGMENT,
    user=st.sampled_from([BOB, email_of(CAROL)]) | SEGMENT,
    study=st.just(STUDY) | SEGMENT,
    series=st.just(CT) | SEGMENT,
    query=FIELDS | LATIN,
    body=BODY,
    environ=HEADERS,
)
def test_arbitrary_request(
    world: World,
    route: str,
    by: str,
    album: str | None,
    user: str,
    study: str,
    series: str,
    query: str,
    body: bytes,
    environ: dict[str, Any],
) -> None:
    """Arbitrary paths, queries, forms and headers of somebody known are served or refused, never a fault."""
    mine = fresh_album(world)
    method, template = route.split()
    path = template.format(album=album or mine, user=user, study=study, series=series)
    token = {"HTTP_AUTHORIZATION": f"Bearer {world.token(by)}"}
    before = world.position()
    check(world, *send(world, method, path, query, body, token | environ), before)


@settings(max_examples=150, deadline=None)
@given(
    route=st.sampled_from(ROUTES),
    header=st.tuples(st.sampled_from(["", "Bearer ", "Basic ", "bearer  "]), LATIN).map("".join)
    | st.binary(max_size=40).map(lambda raw: "Bearer " + raw.hex()),
)
def test_arbitrary_authorization(world: World, route: str, header: str) -> None:
    """Whatever stands in Authorization, it is no fault; and what is no token is 401 on every route."""
    method, template = route.split()
    path = template.format(album=ALBUM, user=BOB, study=STUDY, series=CT)
    status, _ = send(world, method, path, "", b"", {"HTTP_AUTHORIZATION": header})
    assert status == 401
