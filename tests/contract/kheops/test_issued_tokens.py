"""Tokens that the service makes itself: how far each reaches, until when; none passes for another (Kheops API 1)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import falcon.testing
import orjson
import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc import jwe, jws

from albumcore import (
    create_album,
    create_report_provider,
    delete_album,
    delete_report_provider,
    import_series,
    remove_member,
)
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId, CapabilityTokenId, SeriesUID, StudyUID
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.callers import caller_of
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwks import embedded_key
from albumcore_adapters.identity.jwt_claims import MAX_TOKEN
from albumcore_adapters.identity.service_tokens import (
    READ,
    REPORT_CODE,
    REPORT_TOKEN,
    SEALED_WITH,
    VIEWER_TOKEN,
    WRITE,
    Issuer,
    Report,
    Viewer,
    read_report_code,
    read_report_token,
    read_viewer_token,
    report_code,
    report_token,
    viewer_token,
)
from albumcore_adapters.service import open_service
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
    Answer,
    Fields,
    World,
    open_world,
)
from support.scribe import ROOT, SCRIBE, bearing

COVERS = (
    "GET /albums/{album}",
    "GET /studies",
    "GET /studies/{study}/comments",
    "PUT /studies/{study}/series/{series}",
)

THERE = f"/albums/{ALBUM}"
UPLOAD = f"/studies/{STUDY}/series/{SR}"
HIDDEN, HIDDEN_SERIES = StudyUID("9.9"), SeriesUID("9.9.1")
"""A study of the same album that no token here is for."""


@pytest.fixture
def world(world: World) -> World:
    """The CT of the study is in the album, the MR in an album of Bob's own, and the whole study in Bob's inbox."""
    world.store({CT: "CT", MR: "MR"}, owner=BOB)
    world.store({HIDDEN_SERIES: "CT"}, study=HIDDEN, owner=BOB)
    world.act(ALICE, create_report_provider, SCRIBE, "Scribe", "https://scribe.example/config")
    world.act(ALICE, import_series, STUDY, CT)
    world.act(ALICE, import_series, HIDDEN, HIDDEN_SERIES)
    world.act(BOB, create_album, "Bob's", album=OTHER)
    world.act(BOB, import_series, STUDY, MR, album=OTHER)
    return world


def reporting(world: World, **others: Any) -> str:
    """An access token of the report provider, started by Bob on the study, unless told otherwise."""
    report = Report(BOB, SCRIBE, (STUDY,))
    return report_token(world.service.auth.issuer, evolve(report, **others), world.clock.now)


def viewing(world: World, by: str = BOB, *scope: str, **source: Any) -> str:
    """A viewer's token for the study, made of the token of somebody."""
    viewer = Viewer(world.token_of(by), STUDY, scope or (READ,), **source)
    return viewer_token(world.service.auth.issuer, viewer, world.clock.now)


def asked(
    world: World,
    token: str,
    operation: str,
    query: Fields | None = None,
    form: Fields | None = None,
) -> Answer:
    """What is answered to who shows a token."""
    method, path = operation.split()
    return world.request(None, method, path, form, query, headers=bearing(token))


def seen(world: World, token: str, **query: str) -> dict[str, int] | int:
    """The studies that who shows a token finds, each with the number of its series; or the status of a refusal."""
    answer = asked(world, token, "GET /studies", query)
    if answer.status_code == 204:
        return {}
    if answer.status_code != 200:
        return int(answer.status_code)
    found = orjson.loads(answer.content)
    return {one["0020000D"]["Value"][0]: one["00201206"]["Value"][0] for one in found}


# How far a report provider's token reaches


def test_report_token_reads_its_studies(world: World) -> None:
    """It sees the studies that it is for, as they are in the provider's album, and nothing else."""
    token = reporting(world)
    assert seen(world, token) == {STUDY: 1}
    assert seen(world, token, album=ALBUM) == {STUDY: 1}
    assert seen(world, token, album=OTHER) == 404
    assert asked(world, token, f"GET {THERE}").json["name"] == "Trial"
    assert asked(world, token, f"GET /albums/{OTHER}").status_code == 404
    assert asked(world, token, f"GET /studies/{STUDY}/comments").status_code == 200
    assert asked(world, token, f"GET /studies/{HIDDEN}/comments").status_code == 403


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (f"PUT {UPLOAD}", 201),
        (f"PUT /studies/{STUDY}/series/{CT}", 201),
        (f"PUT /studies/{HIDDEN}/series/9.9.2", 404),
        (f"PUT /studies/{STUDY}/series/{MR}", 404),
        (f"PUT /studies/{STUDY}", 400),
        (f"DELETE /studies/{STUDY}", 403),
        (f"DELETE /studies/{STUDY}/series/{CT}", 403),
        (f"DELETE /studies/{STUDY}/albums/{ALBUM}", 403),
        (f"DELETE {THERE}", 403),
        (f"PATCH {THERE}", 403),
        (f"GET {THERE}/events", 403),
        (f"GET {THERE}/users", 403),
        ("GET /albums", 403),
        ("GET /inboxinfo", 403),
        ("GET /capabilities", 401),
        (f"PUT /studies/{STUDY}/users/{DAVE}", 403),
    ],
)
def test_report_token_adds_series_and_nothing_else(
    operation: str, status: int, world: World
) -> None:
    """It brings new series of its studies, and does nothing else that a user or a capability token might."""
    assert asked(world, reporting(world), operation).status_code == status


def test_report_token_that_only_reads(world: World) -> None:
    """Without the scope to write it brings nothing, not even what is there."""
    token = reporting(world, scope=(READ,))
    assert asked(world, token, f"PUT {UPLOAD}").status_code == 404
    assert asked(world, token, f"PUT /studies/{STUDY}/series/{CT}").status_code == 403
    assert seen(world, token) == {STUDY: 1}


def test_report_token_that_only_writes(world: World) -> None:
    """Without the scope to read it sees nothing."""
    token = reporting(world, scope=(WRITE,))
    assert seen(world, token) == 403
    assert asked(world, token, f"GET /studies/{STUDY}/comments").status_code == 403
    assert asked(world, token, f"PUT {UPLOAD}").status_code == 201


def test_report_token_of_a_removed_provider(world: World) -> None:
    """It is 403 everywhere, even where any token will do."""
    token = reporting(world)
    world.act(ALICE, delete_report_provider, SCRIBE)
    assert asked(world, token, f"GET {THERE}").status_code == 403
    assert asked(world, token, "GET /studies").status_code == 403


def test_report_token_of_a_former_member(world: World) -> None:
    """So it is once the user in whose name it acts is a member no more."""
    token = reporting(world)
    world.act(BOB, remove_member, BOB)
    assert asked(world, token, f"GET {THERE}").status_code == 403
    assert asked(world, token, f"PUT {UPLOAD}").status_code == 403


def test_report_token_of_a_deleted_album(world: World) -> None:
    """With the album, its tokens are gone: 401."""
    token = reporting(world)
    world.act(ALICE, delete_album)
    assert asked(world, token, "GET /studies").status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(3658, 200), (3661, 401), (-58, 200), (-63, 401)])
def test_life_of_a_report_token(seconds: int, status: int, world: World) -> None:
    """It lives for an hour from when it was made, give or take a minute for clocks that differ."""
    token = reporting(world)
    world.clock.tick(seconds)
    assert asked(world, token, f"GET {THERE}").status_code == status


def test_report_token_for_another_address(world: World) -> None:
    """A token that the same secret made for a service at another address is not good at this one."""
    report = Report(BOB, SCRIBE, (STUDY,))
    other = evolve(world.service.auth.issuer, root="https://other.example")
    token = report_token(other, report, world.clock.now)
    assert asked(world, token, f"GET {THERE}").status_code == 401


# How far a viewer's token reaches


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ({}, {"": {STUDY: 2}, ALBUM: {STUDY: 1}, "inbox": {STUDY: 2}}),
        ({"album": ALBUM}, {"": {STUDY: 1}, ALBUM: {STUDY: 1}, OTHER: 404, "inbox": 403}),
        ({"album": OTHER}, {"": {STUDY: 1}, ALBUM: 404, OTHER: {STUDY: 1}}),
        ({"inbox": True}, {"": {STUDY: 2}, ALBUM: 404, OTHER: 404, "inbox": {STUDY: 2}}),
    ],
)
def test_viewer_token_reads_one_study(
    source: Mapping[str, Any], found: Mapping[str, Any], world: World
) -> None:
    """It sees its study in its source, or wherever the user does, and no other study anywhere."""
    token = viewing(world, **source)
    for place, expected in found.items():
        query = {"inbox": {"inbox": "true"}, "": {}}.get(place, {"album": place})
        assert seen(world, token, **query) == expected, place
    assert asked(world, token, f"GET /studies/{HIDDEN}/comments").status_code == 403


def test_viewer_token_without_a_source_finds_what_is_in_albums_alone(world: World) -> None:
    """The user's albums count also where the inbox holds nothing of the study."""
    world.service.inbox.remove(world.user(BOB), STUDY, [CT, MR])
    assert seen(world, viewing(world)) == {STUDY: 2}
    assert seen(world, viewing(world, CAROL)) == {STUDY: 1}
    assert seen(world, viewing(world, inbox=True)) == {}
    assert seen(world, viewing(world, DAVE)) == {}


VIEWERS: Mapping[str, Mapping[str, Any]] = {
    "of one album": {"album": ALBUM},
    "of all there is": {},
    "of the inbox": {"inbox": True},
}
LOOKING = (
    # what is asked, and the status for each kind of viewer
    (f"GET {THERE}", 200, 200, 404),
    (f"GET {THERE}/events", 403, 403, 404),
    (f"GET {THERE}/users", 403, 403, 403),
    (f"GET {THERE}?includeUsers", 403, 403, 404),
    (f"DELETE {THERE}", 403, 403, 404),
    (f"PATCH {THERE}", 403, 403, 403),
    (f"DELETE /studies/{STUDY}", 403, 403, 403),
    (f"DELETE /studies/{STUDY}/series/{CT}", 403, 403, 403),
    (f"DELETE /studies/{STUDY}/albums/{ALBUM}", 403, 403, 404),
    (f"PUT /studies/{STUDY}/users/{DAVE}", 403, 403, 403),
    (f"PUT /studies/{STUDY}/series/{CT}/users/{DAVE}", 403, 403, 403),
    (f"PUT {UPLOAD}", 404, 403, 403),
    ("GET /albums", 403, 403, 403),
    ("GET /users", 403, 403, 403),
    ("GET /inboxinfo", 403, 403, 403),
    ("GET /capabilities", 401, 401, 401),
    (f"POST /studies/{STUDY}/comments", 403, 403, 403),
    (f"PUT /studies/{STUDY}/favorites", 403, 403, 403),
)


@pytest.mark.parametrize("kind", VIEWERS)
def test_viewer_token_does_nothing_else(kind: str, world: World) -> None:
    """Made of the token of an admin, it still does nothing but show the study."""
    world.service.inbox.add(world.user(ALICE), STUDY, [CT])
    token = viewing(world, ALICE, **VIEWERS[kind])
    before = world.position()
    for operation, *statuses in LOOKING:
        path, with_users, _ = operation.partition("?includeUsers")
        answer = asked(world, token, path, {"includeUsers": "true"} if with_users else None)
        assert answer.status_code == statuses[list(VIEWERS).index(kind)], operation
    assert world.news(before) == []
    assert world.service.inbox.contents(world.user(ALICE)) == {STUDY: {CT}}


@pytest.mark.parametrize(
    ("by", "scope", "status"),
    [
        (BOB, (WRITE,), 201),
        (BOB, (READ, WRITE), 201),
        (BOB, (READ,), 404),
        ("writes", (READ, WRITE), 201),
        ("reads", (READ, WRITE), 404),
    ],
)
def test_viewer_token_adds_what_both_may(
    by: str, scope: tuple[str, ...], status: int, world: World
) -> None:
    """It adds a series to its album if its scope says so, and if the token it is made of may."""
    world.album_token("writes", read=True, write=True)
    world.album_token("reads", read=True)
    token = viewing(world, by, *scope, album=ALBUM)
    assert asked(world, token, f"PUT {UPLOAD}").status_code == status
    assert asked(world, token, f"PUT /studies/{HIDDEN}/series/9.9.2").status_code == 404


def test_viewer_token_takes_no_other_study(world: World) -> None:
    """Not even where another token lends it."""
    world.act(DAVE, create_album, "Lender", album=AlbumId("Lender0001"))
    world.act(DAVE, import_series, "2.2", "2.2.1", album=AlbumId("Lender0001"))
    world.album_token("lends", DAVE, "Lender0001", read=True, appropriate=True)
    token, before = viewing(world, BOB, READ, WRITE, album=ALBUM), world.position()
    headers = bearing(token) | world.lent_by("lends")
    for path in ("/studies/2.2", "/studies/2.2/series/2.2.1"):
        assert world.request(None, "PUT", path, headers=headers).status_code == 404
    assert world.news(before) == []


def test_viewer_token_shows_no_album_without_its_study(world: World) -> None:
    """Of the user's albums, those that hold the study are there, and no other."""
    world.act(BOB, create_album, "Without", album=AlbumId("Without001"))
    token = viewing(world)
    assert asked(world, token, f"GET {THERE}").status_code == 200
    assert asked(world, token, "GET /albums/Without001").status_code == 404


def test_viewer_token_that_only_writes(world: World) -> None:
    """Without the scope to read it sees nothing, anywhere."""
    for source, found in (({}, {}), ({"inbox": True}, {}), ({"album": ALBUM}, 403)):
        token = viewing(world, BOB, WRITE, **source)
        assert seen(world, token) == found
        assert asked(world, token, f"GET /studies/{STUDY}/comments").status_code == 403


def test_viewer_token_of_a_capability_token(world: World) -> None:
    """It sees what the capability token sees: its album alone, in whose name it adds; a user's, all that is his."""
    world.album_token("shared", read=True, write=True)
    world.user_token("own", BOB)
    token = viewing(world, "shared", READ, WRITE)
    assert seen(world, token) == {STUDY: 1}
    assert asked(world, token, f"PUT {UPLOAD}").status_code == 201
    [shown] = world.events(ALICE, types="mutations", limit="1")
    assert shown["source"]["capability_token"]["id"] == "shared"
    assert seen(world, viewing(world, "own")) == {STUDY: 2}


def test_viewer_token_of_a_report_token(world: World) -> None:
    """It sees no more than the report provider does, in no other study, and what it adds is a report."""
    made, issuer = reporting(world), world.service.auth.issuer
    token = viewer_token(issuer, Viewer(made, STUDY, (READ, WRITE)), world.clock.now)
    assert seen(world, token) == {STUDY: 1}
    other = viewer_token(issuer, Viewer(made, HIDDEN, (READ, WRITE)), world.clock.now)
    assert seen(world, other) == {}
    reads = reporting(world, scope=(READ,))
    viewer = viewer_token(issuer, Viewer(reads, STUDY, (READ, WRITE)), world.clock.now)
    assert asked(world, viewer, f"PUT {UPLOAD}").status_code == 404
    assert asked(world, token, "GET /userinfo").status_code == 403
    assert asked(world, token, f"PUT {UPLOAD}").status_code == 201
    assert world.mutations()[0] == "NEW_REPORT"


@pytest.mark.parametrize(("seconds", "status"), [(17_998, 200), (18_000, 401)])
def test_life_of_a_viewer_token(seconds: int, status: int, world: World) -> None:
    """It lives for five hours, and not longer."""
    token = viewing(world)
    world.clock.tick(seconds)
    assert asked(world, token, f"GET {THERE}").status_code == status


def test_viewer_token_ends_with_what_it_is_made_of(world: World) -> None:
    """An expired JWT, a revoked capability token, a membership that ended: each ends the viewer's token too."""
    short = world.token(BOB, ttl=60)
    issuer = world.service.auth.issuer
    brief = viewer_token(issuer, Viewer(short, STUDY, (READ,)), world.clock.now)
    world.user_token("own", BOB)
    of_own, of_bob = viewing(world, "own"), viewing(world, album=ALBUM)
    assert [seen(world, token) for token in (brief, of_own, of_bob)] == [
        {STUDY: 2},
        {STUDY: 2},
        {STUDY: 1},
    ]
    world.clock.tick(180)
    world.request(BOB, "POST", "/capabilities/own/revoke")
    world.act(BOB, remove_member, BOB)
    assert [seen(world, token) for token in (brief, of_own)] == [401, 401]
    assert seen(world, of_bob) == 404
    assert asked(world, of_bob, f"GET {THERE}").status_code == 404


def test_viewer_token_is_sealed(world: World) -> None:
    """Nobody can read in it what it is made of."""
    token = viewing(world)
    assert [len(part) > 0 for part in token.split(".")] == [True] * 5
    header = orjson.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header == {"alg": "A128KW", "enc": "A128CBC-HS256"}
    assert world.token_of(BOB) not in token


def test_tokens_survive_a_restart(world: World) -> None:
    """Whatever one process made, the next one reads: nothing of it is kept in memory."""
    tokens = reporting(world), viewing(world)
    again = open_service(world.service.settings, clock=world.clock)
    client = falcon.testing.TestClient(create_app(again))
    answers = [client.simulate_get(THERE, headers=bearing(token)) for token in tokens]
    again.close()
    assert [answer.status_code for answer in answers] == [200, 200]


# No token passes for another


def _as_report(world: World, **claims: Any) -> dict[str, Any]:
    now = int(world.clock.now.timestamp())
    told: dict[str, Any] = {"iss": ROOT, "aud": ROOT, "type": REPORT_TOKEN.name}
    told |= {"sub": BOB, "azp": SCRIBE}
    told |= {"scope": "read write", "studyUID": [STUDY], "iat": now, "nbf": now, "exp": now + 60}
    return told | claims


def _signed(key: Any, claims: Mapping[str, Any], alg: str = "HS256") -> str:
    return jws.serialize_compact({"alg": alg}, orjson.dumps(dict(claims)), key, algorithms=[alg])


def _unsigned(claims: Mapping[str, Any]) -> str:
    parts = ({"alg": "none"}, claims)
    made = (base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in parts)
    return ".".join([*made, "e30"])


def _of_kind(world: World, kind: Any) -> Any:
    return world.service.auth.issuer.key(kind)


FORGED: Mapping[str, Callable[[World], str]] = {
    "a code": lambda world: report_code(
        world.service.auth.issuer,
        Report(BOB, SCRIBE, (STUDY,)),
        "http://x",
        "1",
        world.clock.now,
    ),
    "a report signed like a code": lambda world: _signed(
        _of_kind(world, REPORT_CODE), _as_report(world)
    ),
    "a report signed like a user's": lambda world: _signed(
        embedded_key(world.service.secret), _as_report(world)
    ),
    "a user signed like a report": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN),
        {"iss": "albumcore", "aud": "albumcore", "sub": BOB, "exp": 4_000_000_000},
    ),
    "a report of another secret": lambda world: report_token(
        Issuer(bytes(range(32)), ROOT), Report(BOB, SCRIBE, (STUDY,)), world.clock.now
    ),
    "a viewer of another secret": lambda world: viewer_token(
        Issuer(bytes(range(32)), ROOT), Viewer(world.token_of(BOB), STUDY, (READ,)), world.clock.now
    ),
    "an unsigned report": lambda world: _unsigned(_as_report(world)),
    "a report with another algorithm": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN), _as_report(world), "HS512"
    ),
    "a report that is a code": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN), _as_report(world, type=REPORT_CODE.name)
    ),
    "a report for somebody else": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN), _as_report(world, aud="https://other.example")
    ),
    "a report by somebody else": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN), _as_report(world, iss="https://other.example")
    ),
    "a report that never ends": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN),
        {name: value for name, value in _as_report(world).items() if name != "exp"},
    ),
    "a report on nothing": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN), _as_report(world, studyUID=None)
    ),
    "a report of nobody": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN), _as_report(world, azp="t" * 22)
    ),
    "a report of an unknown capability token": lambda world: _signed(
        _of_kind(world, REPORT_TOKEN), _as_report(world, cap_token="nowhere")
    ),
    "a sealed report": lambda world: jwe.encrypt_compact(
        {"alg": "A128KW", "enc": "A128CBC-HS256"},
        orjson.dumps(_as_report(world)),
        world.service.auth.issuer.key(VIEWER_TOKEN, 16),
    ),
    "a viewer sealed with another algorithm": lambda world: jwe.encrypt_compact(
        {"alg": "dir", "enc": "A128GCM"},
        b"{}",
        world.service.auth.issuer.key(VIEWER_TOKEN, 16),
        algorithms=["dir", "A128GCM"],
    ),
    "a viewer of nothing": lambda world: viewer_token(
        world.service.auth.issuer, Viewer("x.y.z", STUDY, (READ,)), world.clock.now
    ),
    "five parts": lambda world: "a.b.c.d.e",
    "five empty parts": lambda world: "....",
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_token(name: str, world: World) -> None:
    """Whatever is signed or sealed by another key, in another way, or lacks something, is 401."""
    answer = asked(world, FORGED[name](world), f"GET {THERE}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Basic, Bearer"


def test_forgeries_lack_but_one_thing(world: World) -> None:
    """What the forgeries are made of is good as it is."""
    token = _signed(_of_kind(world, REPORT_TOKEN), _as_report(world))
    assert asked(world, token, f"GET {THERE}").status_code == 200


def test_users_token_that_calls_itself_a_report(world: World) -> None:
    """A token that says it is a report provider's is judged as that, whoever signed it."""
    claims = {"iss": "albumcore", "aud": "albumcore", "type": REPORT_TOKEN.name}
    token = _signed(
        embedded_key(world.service.secret), _as_report(world, **claims, exp=4_000_000_000)
    )
    assert asked(world, token, f"GET {THERE}").status_code == 401


# Whatever is read, nothing breaks

AT = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
ISSUER = Issuer(bytes(range(32)), ROOT)
UIDS = st.from_regex(r"[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5}){0,5}", fullmatch=True).map(StudyUID)
SCOPES = st.lists(st.sampled_from([READ, WRITE]), unique=True).map(tuple)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
REPORTS = st.builds(
    Report,
    sub=NAMES,
    client_id=NAMES,
    studies=st.lists(UIDS, max_size=5).map(tuple),
    scope=SCOPES,
    capability_token=st.none() | NAMES.map(CapabilityTokenId),
)
SEGMENT = st.text("ABab01-_=.", max_size=30)
GARBAGE = st.text(max_size=60) | st.lists(SEGMENT, min_size=3, max_size=6).map(".".join)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
)
JSON = st.recursive(
    VALUES, lambda part: st.lists(part) | st.dictionaries(st.text(max_size=5), part)
)


def _segment(value: Any) -> str:
    text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@given(REPORTS)
def test_what_was_made_is_read(report: Report) -> None:
    """Tokens and codes of reports say again what they were made of; neither is read as the other."""
    token, code = (
        report_token(ISSUER, report, AT),
        report_code(ISSUER, report, "http://x/y", "7", AT),
    )
    read = read_report_token(ISSUER, token, AT + timedelta(seconds=3659))
    assert (read.report, read.expires_at - read.issued_at) == (report, 3600)
    redeemed = read_report_code(ISSUER, code, AT + timedelta(seconds=599))
    assert (redeemed.report, redeemed.redirect_uri, redeemed.number) == (report, "http://x/y", "7")
    assert redeemed.ends_at == AT + timedelta(seconds=600)
    with pytest.raises(Unauthorized):
        read_report_token(ISSUER, code, AT)
    for at, other in ((AT, token), (AT + timedelta(seconds=600), code)):
        with pytest.raises(Unauthorized):
            read_report_code(ISSUER, other, at)


@given(NAMES, UIDS, SCOPES, st.none() | NAMES.map(AlbumId), st.booleans())
def test_what_was_sealed_is_read(
    subject: str, study: StudyUID, scope: tuple[str, ...], album: AlbumId | None, inbox: bool
) -> None:
    """A viewer's token says again what it was made of, to us alone."""
    viewer = Viewer(subject, study, scope, album, inbox)
    token = viewer_token(ISSUER, viewer, AT)
    assert read_viewer_token(ISSUER, token, AT) == viewer
    with pytest.raises(Unauthorized):
        read_viewer_token(evolve(ISSUER, secret=bytes(32)), token, AT)


def refuse(token: str) -> None:
    """Every kind refuses it."""
    for read in (read_report_token, read_viewer_token, read_report_code):
        with pytest.raises(Unauthorized):
            read(ISSUER, token, AT)


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"7", b"{}", b"\xff"])
def test_signed_or_sealed_garbage(payload: bytes) -> None:
    """Even what another release may have signed or sealed is refused where it is not what it must be."""
    alg, enc = SEALED_WITH
    sealed = jwe.encrypt_compact({"alg": alg, "enc": enc}, payload, ISSUER.key(VIEWER_TOKEN, 16))
    refuse(sealed)
    for kind in (REPORT_TOKEN, REPORT_CODE):
        refuse(jws.serialize_compact({"alg": "HS256"}, payload, ISSUER.key(kind)))


@given(GARBAGE)
@example("." * MAX_TOKEN)
@example("a." * 4 + "a" * MAX_TOKEN)
@example("\ud800.e30.e30")
@example("e30.bnVsbA.e30")
def test_garbage(token: str) -> None:
    """Whatever it is, it is of another kind or not good."""
    refuse(token)


@given(JSON, JSON, SEGMENT, st.sampled_from([REPORT_TOKEN.name, REPORT_CODE.name, "viewer"]))
@settings(max_examples=60)
def test_garbage_in_the_form_of_a_token(header: Any, payload: Any, rest: str, name: str) -> None:
    """Nor does it help that it decodes to something."""
    claims = {"type": name, "exp": 4_000_000_000, "payload": payload}
    headers = {"alg": "HS256"} | (header if isinstance(header, dict) else {"x": header})
    for token in (
        f"{_segment(headers)}.{_segment(claims)}.{rest}",
        f"{_segment(header)}.{_segment(claims)}.{rest}",
        f"{_segment({'alg': 'A128KW', 'enc': 'A128CBC-HS256', 'x': header})}.{rest}.AA.{rest}.AA",
        f"{_segment(header)}.AA.AA.{rest}.AA",
    ):
        refuse(token)


@given(st.text(max_size=60) | st.lists(SEGMENT, min_size=3, max_size=6).map(".".join))
@settings(max_examples=100, deadline=None)
def test_garbage_is_nobody(nobody: World, token: str) -> None:
    """Read by all readers, one after the other, it is nobody's, and no fault of ours."""
    with pytest.raises((Unauthorized, AlbumcoreError)):
        caller_of(nobody.service.auth, token)


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that many examples share: nothing happens in it."""
    made = open_world(tmp_path_factory.mktemp("nobody"))
    yield made
    made.service.close()


def test_errors_tell_nothing_of_the_token(world: World) -> None:
    """An error repeats nothing of what was sent, nor of what is inside."""
    for token in (f"{viewing(world)}x", reporting(world, sub=DAVE), FORGED["a code"](world)):
        answer = asked(world, token, f"GET {THERE}")
        assert answer.status_code in (401, 403)
        assert not any(part in answer.text for part in token.split("."))


def test_secret_is_in_no_repr(world: World) -> None:
    """What may end up in a traceback shows neither the secret nor a token."""
    issuer = world.service.auth.issuer
    viewer = Viewer(world.token_of(BOB), STUDY, (READ,))
    assert repr(issuer.secret) not in repr(issuer)
    assert viewer.subject not in repr(viewer)
