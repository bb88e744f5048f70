"""A report provider's token for its code: the code, and who it is that redeems it (Kheops API 1.3)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import field, frozen
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jws
from joserfc.jwk import OctKey

from albumcore import create_report_provider, delete_report_provider, remove_member
from albumcore.ids import ReportProviderId
from support.kheops import ALBUM, ALICE, BOB, STUDY, World
from support.receiver import HANG_UP
from support.receiver import Answer as Sent
from support.scribe import (
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

COVERS = ("POST /token",)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that the tests share: nothing that they do to it outlives them."""
    made = open_reporting_world(tmp_path_factory.mktemp("codes"))
    yield made
    made.service.close()


@pytest.fixture(scope="module")
def joined(world: World) -> Iterator[Scribe]:
    """A report provider of the album."""
    with scribing() as made:
        made.join(world)
        yield made


@pytest.fixture
def scribe(joined: Scribe) -> Scribe:
    """The report provider, in good order."""
    joined.says()
    joined.shows("first")
    return joined


# A token for a code


def test_code_is_redeemed(world: World, scribe: Scribe) -> None:
    """A code is good for a token of an hour."""
    answer = scribe.redeem(world, scribe.code(world))
    assert answer.status_code == 200
    token = answer.json.pop("access_token")
    assert answer.json | {"access_token": None} == {
        "access_token": None,
        "token_type": "bearer",
        "expires_in": 3600,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert world.request(None, "GET", f"/albums/{ALBUM}", headers=bearing(token)).status_code == 200


def test_code_is_good_for_one_token(world: World, scribe: Scribe) -> None:
    """It is refused the second time; another one of the same report is not."""
    code, other = scribe.code(world), scribe.code(world)
    assert scribe.redeem(world, code).status_code == 200
    assert refusal(scribe.redeem(world, code)) == "invalid_grant"
    assert scribe.redeem(world, other).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(597, 200), (600, 400)])
def test_life_of_a_code(seconds: int, status: int, world: World, scribe: Scribe) -> None:
    """A code lives for ten minutes."""
    code = scribe.code(world)
    world.clock.tick(seconds)
    answer = scribe.redeem(world, code)
    assert answer.status_code == status
    if status == 400:
        assert refusal(answer) == "invalid_grant"


def test_code_of_a_report_that_may_not_be_any_more(scribe: Scribe, tmp_path: Path) -> None:
    """A code is good as long as the user is a member and the provider is there."""
    world = open_reporting_world(tmp_path)
    scribe.join(world)
    code = scribe.code(world, BOB)
    world.act(BOB, remove_member, BOB)
    assert refusal(scribe.redeem(world, code)) == "invalid_grant"
    code = scribe.code(world, ALICE)
    world.act(ALICE, delete_report_provider, SCRIBE)
    assert refusal(scribe.redeem(world, code)) == "invalid_client"
    world.service.close()


@pytest.mark.parametrize(
    ("others", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": ["authorization_code", "authorization_code"]}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"code": "x.y.z"}, "invalid_grant"),
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "t" * 22}, "invalid_client"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://elsewhere.example/"}, "invalid_grant"),
        ({"client_assertion_type": None}, "invalid_client"),
        ({"client_assertion_type": "urn:other"}, "invalid_client"),
        ({"client_assertion": None}, "invalid_request"),
        ({"client_assertion": "x.y.z"}, "invalid_client"),
        ({"client_assertion": "a" * 17_000}, "invalid_client"),
    ],
)
def test_code_is_refused(
    others: Mapping[str, Any], error: str, world: World, scribe: Scribe
) -> None:
    """Every field of the form is needed once and must be right; nothing wrong here has the provider asked."""
    code = scribe.code(world)
    asked = len(scribe.receiver.requests)
    assert refusal(scribe.redeem(world, code, **others)) == error
    assert len(scribe.receiver.requests) == asked
    assert scribe.redeem(world, code).status_code == 200


def test_token_is_no_code(world: World, scribe: Scribe) -> None:
    """Neither the token that came of a code nor a user's own is taken for one."""
    for token in (
        scribe.token(world),
        world.token_of(BOB),
        exchange(world, BOB).json["access_token"],
    ):
        assert refusal(scribe.redeem(world, token)) == "invalid_grant"


# Who the client is


@frozen
class Wrong:
    """An assertion that lacks one thing; ``keys`` where it takes the client's keys to see that."""

    name: str
    claims: Mapping[str, Any] = field(factory=dict)
    header: Mapping[str, Any] = field(factory=dict)
    signed_by: str = "first"
    keys: bool = False


def in_seconds(seconds: float) -> Any:
    """A claim that is to be a moment from when the assertion is made."""
    return lambda now: now + seconds


WRONG = [
    Wrong("no issuer", {"iss": None}),
    Wrong("another issuer", {"iss": "t" * 22}),
    Wrong("no subject", {"sub": None}),
    Wrong("another subject", {"sub": "t" * 22}),
    Wrong("no audience", {"aud": None}),
    Wrong("another audience", {"aud": ROOT}),
    Wrong("another address", {"aud": f"{ROOT}/token/introspect"}),
    Wrong("other audiences", {"aud": ["https://other.example/token"]}),
    Wrong("no number", {"jti": None}),
    Wrong("empty number", {"jti": ""}),
    Wrong("number that is a number", {"jti": 7}),
    Wrong("no end", {"exp": None}),
    Wrong("end that is a text", {"exp": "4000000000"}),
    Wrong("end that is true", {"exp": True}),
    Wrong("end past the calendar", {"exp": 1e300}),
    Wrong("end at the end of the calendar", {"exp": 253_402_300_799}),
    Wrong("beginning at the end of the calendar", {"nbf": 253_402_300_799}),
    Wrong("end at the start of the calendar", {"exp": -62_135_596_800}),
    Wrong("end too far ahead", {"exp": in_seconds(603)}),
    Wrong("ended", {"exp": in_seconds(-60)}),
    Wrong("not valid yet", {"nbf": in_seconds(63)}),
    Wrong("valid from a text on", {"nbf": "0"}),
    Wrong("valid from true on", {"nbf": True}),
    Wrong("no key named", {}, {"kid": None}),
    Wrong("empty name of a key", {}, {"kid": ""}),
    Wrong("another key named", {}, {"kid": "second"}, keys=True),
    Wrong("signed with another key", {}, {}, "second", keys=True),
    Wrong("signed with another key and named so", {}, {"kid": "second"}, "second", keys=True),
    Wrong("another algorithm", {}, {"alg": "PS256"}),
    Wrong("a stronger algorithm", {}, {"alg": "RS512"}),
    Wrong("something critical", {}, {"alg": "RS256", "crit": ["exp"], "exp": 1}, keys=True),
]


def moments(claims: Mapping[str, Any], world: World) -> dict[str, Any]:
    """Claims with their moments reckoned from now on."""
    now = int(world.clock.now.timestamp())
    return {name: value(now) if callable(value) else value for name, value in claims.items()}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name.replace(" ", "_"))
def test_client_is_not_who_it_says(wrong: Wrong, world: World, scribe: Scribe) -> None:
    """An assertion of or for somebody else, too old, too new, or signed by nobody known is refused."""
    code = scribe.code(world)
    assertion = (
        forged(scribe, world, wrong)
        if wrong.header.get("alg")
        else scribe.assertion(world, wrong.header, wrong.signed_by, **moments(wrong.claims, world))
    )
    asked = len(scribe.receiver.requests)
    assert refusal(scribe.redeem(world, code, client_assertion=assertion)) == "invalid_client"
    assert (len(scribe.receiver.requests) > asked) is wrong.keys
    assert scribe.redeem(world, code).status_code == 200


def forged(scribe: Scribe, world: World, wrong: Wrong) -> str:
    """A good assertion whose header was replaced by another one, signed with the very key."""
    payload = scribe.assertion(world).split(".")[1]
    signed = f"{_segment(orjson.dumps({'kid': 'first', **wrong.header}))}.{payload}"
    key = key_of("first").private_key
    assert key is not None
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_segment(signature)}"


def _segment(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _payload(token: str) -> bytes:
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize("claim", ["unsigned", "by the key they know"])
def test_client_that_needs_no_key(claim: str, world: World, scribe: Scribe) -> None:
    """An unsigned assertion is refused, and one that takes the public key for a secret."""
    code, good = scribe.code(world), scribe.assertion(world)
    if claim == "unsigned":
        _, payload, signature = good.split(".")
        header = _segment(b'{"alg":"none","kid":"first"}')
        assertion = f"{header}.{payload}.{signature}"
    else:
        public = OctKey.import_key(orjson.dumps(key_of("first").as_dict(private=False)))
        assertion = jws.serialize_compact({"alg": "HS256", "kid": "first"}, _payload(good), public)
    assert refusal(scribe.redeem(world, code, client_assertion=assertion)) == "invalid_client"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": in_seconds(599)},
        {"exp": in_seconds(-57)},
        {"nbf": in_seconds(59)},
        {"aud": ["https://other.example", f"{ROOT}/token"]},
        {"jti": "\U0001f600" * 500},
    ],
)
def test_client_is_who_it_says(claims: Mapping[str, Any], world: World, scribe: Scribe) -> None:
    """Up to its bounds, an assertion is good."""
    code = scribe.code(world)
    assertion = scribe.assertion(world, **moments(claims, world))
    assert scribe.redeem(world, code, client_assertion=assertion).status_code == 200


def test_assertion_is_good_once(world: World, scribe: Scribe) -> None:
    """The same assertion is refused the second time, and so is another one of the same number, also at the very end."""
    ends = int(world.clock.now.timestamp()) + 300
    number: dict[str, Any] = {"jti": "the same", "exp": ends}
    first = scribe.assertion(world, **number)
    assert scribe.redeem(world, scribe.code(world), client_assertion=first).status_code == 200
    again = scribe.redeem(world, scribe.code(world), client_assertion=first)
    assert refusal(again) == "invalid_client"
    world.clock.tick(340)
    late = scribe.assertion(world, **number)
    assert (
        refusal(scribe.redeem(world, scribe.code(world), client_assertion=late)) == "invalid_client"
    )


def test_numbers_of_two_clients(world: World, scribe: Scribe) -> None:
    """Two clients may number their assertions alike."""
    other = ReportProviderId("t" * 22)
    url = f"{scribe.receiver.address}/config"
    world.act(ALICE, create_report_provider, other, "Other", url)
    mine = scribe.assertion(world, jti="one")
    assert scribe.redeem(world, scribe.code(world), client_assertion=mine).status_code == 200
    answer = world.request(
        None,
        "POST",
        "/report",
        form={"access_token": world.token_of(ALICE), "client_id": other, "studyUID": STUDY},
    )
    code = answer.text.partition("code=")[2].partition("&")[0]
    assertion = scribe.assertion(world, jti="one", iss=other, sub=other)
    redeemed = scribe.redeem(world, code, client_id=other, client_assertion=assertion)
    assert redeemed.status_code == 200


def test_bad_assertion_uses_up_no_number(world: World, scribe: Scribe) -> None:
    """A stranger who guesses the number of the next assertion does not spoil it."""
    code = scribe.code(world)
    bad = scribe.assertion(world, jti="next", signed_by="second")
    assert refusal(scribe.redeem(world, code, client_assertion=bad)) == "invalid_client"
    good = scribe.assertion(world, jti="next")
    assert scribe.redeem(world, code, client_assertion=good).status_code == 200


@pytest.mark.parametrize(
    "keys", ["gone", "hang up", "none", "no set", "two alike", "too many", "weak"]
)
def test_keys_that_cannot_be_had(keys: str, world: World, scribe: Scribe) -> None:
    """Without the provider's keys, nobody is who he says he is; with them the code is good again."""
    code = scribe.code(world)
    first = key_of("first").as_dict(private=False)
    answers = {
        "gone": Sent(status=404),
        "hang up": HANG_UP,
        "none": Sent.json({"keys": []}),
        "no set": Sent.json([first]),
        "two alike": Sent.json(
            {"keys": [first, key_of("second").as_dict(private=False) | {"kid": "first"}]}
        ),
        "too many": Sent.json({"keys": [first], "more": "x" * 65_536}),
        "weak": Sent.json({"keys": [first | {"n": "AQAB"}]}),
    }
    scribe.receiver.answer(answers[keys], path="/keys")
    assert refusal(scribe.redeem(world, code)) == "invalid_client"
    scribe.shows("first")
    assert scribe.redeem(world, code).status_code == 200


def test_keys_are_those_of_now(world: World, scribe: Scribe) -> None:
    """A key that the provider took back signs nothing any more; the new one does."""
    scribe.token(world)
    scribe.shows("second")
    code = scribe.code(world)
    assert refusal(scribe.redeem(world, code)) == "invalid_client"
    signed = scribe.assertion(world, {"kid": "second"}, "second")
    assert scribe.redeem(world, code, client_assertion=signed).status_code == 200


@pytest.mark.parametrize(
    "says",
    [
        {"response_type": "token"},
        {"jwks_uri": "https://elsewhere.example/keys"},
        {"token_endpoint_auth_signing_alg": "HS256"},
    ],
)
def test_configuration_that_changed(says: Mapping[str, str], world: World, scribe: Scribe) -> None:
    """A provider whose configuration has no keys of its own any more redeems no code."""
    code = scribe.code(world)
    scribe.says(**says)
    assert refusal(scribe.redeem(world, code)) == "invalid_client"
