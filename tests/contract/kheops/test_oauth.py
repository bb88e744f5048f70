"""Registering, redeeming, exchanging and judging tokens, and what is refused and how (Kheops API 1.1 to 1.4)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws

from albumcore import create_album, delete_report_provider
from albumcore_adapters.identity.jwks import embedded_key
from albumcore_adapters.identity.service_tokens import REPORT_TOKEN
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    NOBODY,
    OTHER,
    STUDY,
    Answer,
    World,
    email_of,
    open_world,
    settle,
)
from support.kheops_cases import BAD_FORM
from support.receiver import Answer as Sent
from support.receiver import receiving
from support.scribe import (
    ACCESS_TOKEN,
    EXCHANGE,
    JWT_BEARER,
    ROOT,
    SCRIBE,
    Scribe,
    bearing,
    exchange,
    key_of,
    open_reporting_world,
    refusal,
    scribing,
)

COVERS = (
    "POST /register",
    "GET /userinfo",
    "POST /token",
    "POST /token/introspect",
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world to ask for tokens in."""
    made = open_reporting_world(tmp_path)
    yield made
    made.service.close()


@pytest.fixture
def scribe(world: World) -> Iterator[Scribe]:
    """A report provider of the album."""
    with scribing() as made:
        made.join(world)
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which nothing happens, with an album that only Carol sees, and a capability token."""
    made = open_world(tmp_path_factory.mktemp("shared"), start=settle)
    made.act(CAROL, create_album, "Carol's", album=OTHER)
    made.album_token("key", read=True)
    yield made
    made.service.close()


# Registering


def register(world: World, token: str | None) -> Answer:
    """Register by a token."""
    return world.request(
        None, "POST", "/register", form={} if token is None else {"access_token": token}
    )


def test_register_somebody_new(world: World) -> None:
    """Whoever shows a sound token is known from then on, by the name and address in it; once is as good as twice."""
    token = world.token(NOBODY, email="Nobody@Example.ORG", name="No Body")
    for _ in range(2):
        answer = register(world, token)
        assert answer.status_code == 200
        assert answer.json == {"email": "nobody@example.org", "name": "No Body", "sub": NOBODY}
    added = world.request(ALICE, "PUT", f"/albums/{ALBUM}/users/nobody@example.org")
    assert added.status_code == 201


def test_register_somebody_without_a_name(world: World) -> None:
    """A token that tells nothing but who it is of is enough, where any other request would not know him."""
    before = world.request(None, "GET", "/albums", headers=bearing(world.token(NOBODY)))
    assert register(world, world.token(NOBODY)).json == {"sub": NOBODY}
    after = world.request(None, "GET", "/albums", headers=bearing(world.token(NOBODY)))
    assert (before.status_code, after.status_code) == (404, 200)


def test_register_again_refreshes(world: World) -> None:
    """A later token brings name and address up to date; what it leaves out stays."""
    renamed = register(world, world.token(BOB, email="bob@new.example", name="Robert")).json
    assert renamed == {"email": "bob@new.example", "name": "Robert", "sub": BOB}
    assert register(world, world.token(BOB, email=None, name=None)).json == renamed


def test_register_does_not_change_the_kind_of_a_token(world: World) -> None:
    """A JWT that claims to be a report provider's token is none of the user's, before and after it is verified."""
    at = int(world.clock.now.timestamp())
    claims = {"iss": "albumcore", "aud": "albumcore", "sub": ALICE, "iat": at, "exp": at + 60}
    token = jws.serialize_compact(
        {"alg": "HS256", "typ": "JWT"},
        orjson.dumps(claims | {"type": REPORT_TOKEN.name}),
        embedded_key(world.service.secret),
    )
    headers = {"Authorization": f"Bearer {token}"}
    assert world.request(None, "GET", "/albums", headers=headers).status_code == 401
    assert register(world, token).status_code == 200
    assert world.request(None, "GET", "/albums", headers=headers).status_code == 401


def test_register_with_the_address_of_somebody_else(world: World) -> None:
    """Two users do not share an address: 409, and nothing of it is stored, not even the user."""
    answer = register(world, world.token(NOBODY, email=email_of(ALICE), name="Alice"))
    assert (answer.status_code, answer.json["message"]) == (409, "E-mail Taken")
    assert world.service.people.with_sub(NOBODY) is None
    assert world.service.people.find(email_of(ALICE)) == world.service.people.with_sub(ALICE)


@pytest.mark.parametrize("kind", ["missing", "empty", "garbage", "expired", "key", "report"])
def test_register_refused(kind: str, world: World, scribe: Scribe) -> None:
    """No token, and one that is not the identity provider's or not good, is 400."""
    world.user_token("key", BOB)
    tokens = {
        "missing": None,
        "empty": "",
        "garbage": "x.y.z",
        "expired": world.token(BOB, ttl=60),
        "key": world.token_of("key"),
        "report": scribe.token(world),
    }
    world.clock.tick(3600)
    answer = register(world, tokens[kind])
    assert (answer.status_code, answer.json["message"]) == (400, BAD_FORM)
    assert "access_token" in answer.json["detail"]


def test_register_by_the_token_of_an_identity_provider(tmp_path: Path) -> None:
    """Where a provider's keys judge tokens, the token alone tells name and address as well; nobody else is asked."""
    with receiving() as provider:
        key = key_of("first")
        provider.answer(Sent.json({"keys": [key.as_dict(private=False)]}))
        settings: dict[str, Any] = {"jwt_issuer": "https://id.example", "jwt_audience": "kheops"}
        made = open_world(tmp_path, jwks_url=f"{provider.address}/certs", **settings)
        claims = {"iss": "https://id.example", "aud": "kheops", "sub": NOBODY, "exp": 4_000_000_000}
        claims |= {"email": "nobody@example.org", "name": "No Body"}
        header = {"alg": "RS256", "kid": "first"}
        token = jws.serialize_compact(header, orjson.dumps(claims), key)
        answer = register(made, token)
        made.service.close()
    assert answer.json == {"email": "nobody@example.org", "name": "No Body", "sub": NOBODY}
    assert provider.paths == ["/certs"]


# In whose name


def test_userinfo(world: World, scribe: Scribe) -> None:
    """A report provider is told in whose name it acts."""
    answer = world.request(None, "GET", "/userinfo", headers=bearing(scribe.token(world, BOB)))
    assert answer.status_code == 200
    assert answer.json == {"sub": BOB, "name": "Bob", "email": email_of(BOB)}


def test_userinfo_for_others(world: World) -> None:
    """Other tokens are 403; none, and a bad one, 401."""
    world.album_token("shared", read=True)
    world.user_token("own", BOB)
    viewer = exchange(world, BOB).json["access_token"]
    for by in (BOB, "shared", "own"):
        assert world.request(by, "GET", "/userinfo").status_code == 403
    assert world.request(None, "GET", "/userinfo", headers=bearing(viewer)).status_code == 403
    assert world.request(None, "GET", "/userinfo").status_code == 401
    assert world.request(None, "GET", "/userinfo", headers=bearing("x.y.z")).status_code == 401


# A token for another token


@pytest.mark.parametrize("by", [BOB, "shared", "own"])
@pytest.mark.parametrize("scope", ["viewer", "viewer read", "read  viewer write"])
def test_exchange(by: str, scope: str, world: World) -> None:
    """The token of a user, or a capability token, is good for a viewer's token of five hours that shows the study."""
    world.album_token("shared", read=True, write=True)
    world.user_token("own", BOB)
    answer = exchange(world, by, scope=scope)
    assert answer.status_code == 200
    token = answer.json["access_token"]
    assert answer.json == {"access_token": token, "token_type": "bearer", "expires_in": 18000}
    assert answer.headers["cache-control"] == "no-store"
    shown = world.request(None, "GET", f"/studies/{STUDY}/comments", headers=bearing(token))
    assert shown.status_code == 200


@pytest.mark.parametrize(
    ("scope", "status"), [("viewer", 404), ("viewer read", 404), ("viewer write", 201)]
)
def test_exchange_for_what_the_scope_says(scope: str, status: int, world: World) -> None:
    """The viewer's token writes where the scope says so, in the source that was named."""
    answer = exchange(world, BOB, scope=scope, source_type="album", source_id=ALBUM)
    headers = bearing(answer.json["access_token"])
    uploaded = world.request(None, "PUT", f"/studies/{STUDY}/series/1.2.3.9", headers=headers)
    assert uploaded.status_code == status


def test_exchange_for_the_inbox(world: World) -> None:
    """With the inbox for its source, the viewer's token shows what is there, and not what is in albums."""
    answer = exchange(world, BOB, source_type="inbox")
    headers = bearing(answer.json["access_token"])
    path = f"/studies/{STUDY}/comments"
    before = world.request(None, "GET", path, headers=headers).status_code
    world.service.inbox.add(world.user(BOB), STUDY, [CT])
    assert (before, world.request(None, "GET", path, headers=headers).status_code) == (403, 200)


@pytest.mark.parametrize(
    ("by", "others", "error"),
    [
        (None, {}, "invalid_request"),
        (BOB, {"subject_token": "x.y.z"}, "invalid_request"),
        (BOB, {"subject_token": "a" * 22}, "invalid_request"),
        (BOB, {"subject_token": "a" * 16_000}, "invalid_request"),
        (NOBODY, {}, "invalid_request"),
        (BOB, {"subject_token_type": None}, "invalid_request"),
        (BOB, {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        (BOB, {"studyUID": None}, "invalid_request"),
        (BOB, {"studyUID": "1..2"}, "invalid_request"),
        (BOB, {"studyUID": [STUDY, STUDY]}, "invalid_request"),
        (BOB, {"scope": None}, "invalid_request"),
        (BOB, {"scope": " "}, "invalid_scope"),
        (BOB, {"scope": "read"}, "invalid_scope"),
        (BOB, {"scope": "viewer admin"}, "invalid_scope"),
        (BOB, {"scope": "pep", "seriesUID": CT}, "unauthorized_client"),
        (BOB, {"source_type": "study"}, "invalid_request"),
        (BOB, {"source_type": "album"}, "invalid_request"),
        (BOB, {"source_id": ALBUM}, "invalid_request"),
        (BOB, {"source_type": "inbox", "source_id": ALBUM}, "invalid_request"),
        (BOB, {"source_type": "album", "source_id": OTHER}, "invalid_request"),
        (BOB, {"source_type": "album", "source_id": "no/album"}, "invalid_request"),
        (DAVE, {"source_type": "album", "source_id": ALBUM}, "invalid_request"),
        ("key", {"source_type": "inbox"}, "invalid_request"),
        ("key", {"source_type": "album", "source_id": OTHER}, "invalid_request"),
    ],
)
def test_exchange_refused(
    by: str | None, others: Mapping[str, Any], error: str, shared: World
) -> None:
    """What is missing, malformed, or not there for the token that is exchanged is refused."""
    assert refusal(exchange(shared, by, **others)) == error


def test_exchange_of_a_viewers_token(world: World) -> None:
    """No viewer's token is made of another one."""
    token = exchange(world, BOB).json["access_token"]
    assert refusal(exchange(world, None, subject_token=token)) == "invalid_request"


def test_exchange_of_a_token_that_is_too_long(world: World) -> None:
    """A token so long that the one made of it could not be shown is refused here, and not later."""
    token = world.token(BOB, name="n" * 1024, email=f"{'e' * 1000}@example.org")
    assert exchange(world, None, subject_token=token).status_code == 200
    padded = pad(world, 13_000)
    assert world.request(None, "GET", "/albums", headers=bearing(padded)).status_code == 200
    assert refusal(exchange(world, None, subject_token=padded)) == "invalid_request"


def pad(world: World, length: int) -> str:
    """A good token of a user, with a claim that nobody knows and that makes it this long."""
    claims = {"iss": "albumcore", "aud": "albumcore", "sub": BOB, "exp": 4_000_000_000}
    claims["padding"] = "x" * (length * 3 // 4)
    key = embedded_key(world.service.secret)
    return jws.serialize_compact({"alg": "HS256"}, orjson.dumps(claims), key)


# Judging tokens


def judged(world: World, token: str | None) -> Any:
    """What anybody is told of a token."""
    answer = world.request(
        None, "POST", "/token/introspect", form={} if token is None else {"token": token}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json


def test_introspect_an_albums_token(world: World) -> None:
    """Of a capability token of an album it is told what it is for, in the words of viewers."""
    words = {"read": "read", "write": "write", "download": "downloadbutton", "appropriate": "send"}
    world.album_token("all", read=True, write=True, download=True, appropriate=True)
    issued = int(world.clock.now.timestamp())
    told = judged(world, world.token_of("all"))
    expires = told.pop("exp")
    assert (expires - issued) // 86_400 == 92
    assert told == {
        "active": True,
        "sub": ALICE,
        "scope": "read write downloadbutton send",
        "iss": ROOT,
        "cap_token": "all",
        "iat": issued,
        "nbf": issued,
        "album_id": ALBUM,
    }
    for word, shown in words.items():
        grants: dict[str, Any] = {"read": True, word: True}
        world.album_token(f"with{word}", **grants)
        expected = "read" if word == "read" else f"read {shown}"
        assert judged(world, world.token_of(f"with{word}"))["scope"] == expected
    world.album_token("none")
    assert judged(world, world.token_of("none"))["scope"] == ""


def test_introspect_a_users_token(world: World) -> None:
    """A capability token that acts as a user is for everything, and for no album."""
    world.user_token("own", BOB)
    told = judged(world, world.token_of("own"))
    assert (told["sub"], told["scope"]) == (BOB, "user read write downloadbutton send")
    assert "album_id" not in told


def test_introspect_a_reports_token(world: World, scribe: Scribe) -> None:
    """Of a report provider's token it is told whose it is, in whose name, and for which studies."""
    token = scribe.token(world, BOB)
    made = int(world.clock.now.timestamp())
    assert judged(world, token) == {
        "active": True,
        "sub": BOB,
        "scope": "read write",
        "iss": ROOT,
        "aud": ROOT,
        "azp": SCRIBE,
        "client_id": SCRIBE,
        "exp": made + 3600,
        "iat": made,
        "nbf": made,
        "album_id": ALBUM,
        "studyUID": [STUDY],
    }
    world.act(ALICE, delete_report_provider, SCRIBE)
    assert judged(world, token) == {"active": False}


def test_introspect_is_no_use(world: World) -> None:
    """To ask about a token is not to use it."""
    world.user_token("own", BOB)
    judged(world, world.token_of("own"))
    assert "last_used" not in world.get(BOB, "/capabilities/own")


@pytest.mark.parametrize("token", [None, "", "x", "x.y.z", "a" * 22, "a.b.c.d.e", "x" * 20_000])
def test_introspect_what_is_none(token: str | None, shared: World) -> None:
    """Whatever is no token, or none that is good, is not active; and no more is told."""
    assert judged(shared, token) == {"active": False}


def test_introspect_what_was_good_once(world: World) -> None:
    """Expired, revoked, and of somebody unknown: not active."""
    world.user_token("own", BOB)
    short = world.token(BOB, ttl=60)
    world.request(BOB, "POST", "/capabilities/own/revoke")
    world.clock.tick(300)
    for token in (short, world.token_of("own"), world.token_of(NOBODY)):
        assert judged(world, token) == {"active": False}


def test_introspect_the_tokens_of_others(world: World) -> None:
    """A good token of a user, or of a viewer, is for internal clients alone to judge: 401."""
    viewer = exchange(world, BOB).json["access_token"]
    for token in (world.token_of(BOB), viewer):
        answer = world.request(None, "POST", "/token/introspect", form={"token": token})
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"] == "Basic"


def test_introspect_two_tokens(world: World) -> None:
    """One at a time."""
    answer = world.request(None, "POST", "/token/introspect", form={"token": ["x", "y"]})
    assert refusal(answer) == "invalid_request"


# Whatever is sent


def test_clients_with_a_password(world: World) -> None:
    """There are no internal clients: whoever comes with a password is refused, whatever he asks."""
    basic = {"Authorization": "Basic " + base64.b64encode(b"client:secret").decode()}
    for path, form in (("/token", {"grant_type": EXCHANGE}), ("/token/introspect", {"token": "x"})):
        answer = world.request(None, "POST", path, form=form, headers=basic)
        assert refusal(answer) == "invalid_client"


@pytest.mark.parametrize("path", ["/token", "/token/introspect"])
def test_malformed_form(path: str, world: World) -> None:
    """A form that cannot be read is refused in the way of OAuth too; what is no form is 415."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (
        refusal(world.request(None, "POST", path, body=b"a=%zz", headers=headers))
        == "invalid_request"
    )
    json = {"Content-Type": "application/json"}
    assert world.request(None, "POST", path, body=b"{}", headers=json).status_code == 415


FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *("grant_type", "code", "client_id", "redirect_uri", "client_assertion"),
            *("subject_token", "subject_token_type", "studyUID", "scope", "source_type"),
            *("source_id", "token", "access_token"),
        ]
    ),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=2)
    | st.sampled_from([[ACCESS_TOKEN], ["viewer"], ["album"], [ALBUM], [STUDY], [SCRIBE]]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["/token", "/token/introspect", "/register", "/report"]),
    st.sampled_from(["authorization_code", EXCHANGE, None]),
    st.sampled_from([JWT_BEARER, None]),
    FIELDS,
)
def test_arbitrary_form(
    shared: World,
    path: str,
    grant: str | None,
    assertion: str | None,
    fields: dict[str, list[str]],
) -> None:
    """No form is a fault of ours, whatever is in it; nor does it lead to an event."""
    chosen = {"grant_type": grant, "client_assertion_type": assertion}
    form = {name: value for name, value in chosen.items() if value is not None} | fields
    before = shared.position()
    answer = shared.request(None, "POST", path, form=form)
    assert answer.status_code in (200, 400, 401, 403, 404)
    assert shared.news(before) == []
