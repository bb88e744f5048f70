"""What a JWT proves, shown with embedded tokens (Kheops API 1)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import define
from hypothesis import example, given
from hypothesis import strategies as st

from albumcore.errors import Invalid
from albumcore.ids import UserId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwt import MAX_TTL, JwtClaims, JwtVerifier, issue_token

SECRET = bytes(range(32))
KEY = hmac.digest(SECRET, b"kheops-jwt", "sha256")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW = int(NOON.timestamp())
SOUND = {"iss": "albumcore", "aud": "albumcore", "sub": "ana", "exp": NOW + 600}


@define
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        """Return its time."""
        return self.at

    def move(self, seconds: float) -> None:
        """Move it forward, or back."""
        self.at += timedelta(seconds=seconds)


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _token(payload: bytes, header: bytes = b'{"alg":"HS256","typ":"JWT"}', key: bytes = KEY) -> str:
    """Sign by hand, so that the tests do not lean on the library that they test."""
    signed = f"{_part(header)}.{_part(payload)}"
    return f"{signed}.{_part(hmac.digest(key, signed.encode('ascii'), hashlib.sha256))}"


def _with(**claims: Any) -> str:
    """Return a well signed token of the sound claims with some of them changed; None removes one."""
    payload = {name: value for name, value in (SOUND | claims).items() if value is not None}
    return _token(json.dumps(payload).encode())


def _verifier(clock: Clock | None = None, **settings: Any) -> JwtVerifier:
    return JwtVerifier.of(Settings(**settings), SECRET, clock or Clock())


def test_issued_token_is_verified() -> None:
    """The embedded token says who its bearer is, from its first to its last second."""
    token = issue_token(SECRET, "ana", "ana@example.org", "Ana Ng", 600, NOON)
    clock = Clock()
    verifier = _verifier(clock, jwt_leeway=0)
    expected = JwtClaims(UserId("ana"), "ana@example.org", "Ana Ng")
    assert verifier.verify(token) == expected
    clock.move(599)
    assert verifier.verify(token) == expected
    clock.move(1)
    with pytest.raises(Unauthorized, match="expired"):
        verifier.verify(token)


sayable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=300)


addresses = sayable.filter(lambda text: "\u212a" not in text)


@given(
    st.builds(lambda text: text[:250] + "s", sayable), addresses | st.none(), sayable | st.none()
)
@example("s", "\xa0", "\xa0")
@example("\U0001f600" * 255, "\U0001f600" * 1024, "\U0001f600" * 1024)
def test_issued_token_of_any_person(sub: str, email: str | None, name: str | None) -> None:
    """The verifier reads what was issued for any person; a text of spaces alone counts as absent."""
    claims = _verifier().verify(issue_token(SECRET, sub, email, name, 60, NOON))
    assert claims.sub == sub
    assert claims.email == ((email or "").strip(" ") or None)
    assert claims.name == ((name or "").strip(" ") or None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sub": ""}, "user"),
        ({"sub": "a" * 256}, "user"),
        ({"sub": "a\nb"}, "user"),
        ({"email": "a\x00b"}, "email"),
        ({"email": "\u212aate@x"}, "email"),
        ({"name": "a" * 1025}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": MAX_TTL + 1}, "ttl"),
    ],
)
def test_issue_of_a_token_that_would_be_refused(change: dict[str, Any], field: str) -> None:
    """What the verifier would refuse is not issued."""
    values = {"sub": "ana", "email": None, "name": None, "ttl": 60} | change
    with pytest.raises(Invalid) as refused:
        issue_token(SECRET, now=NOON, **values)
    assert refused.value.field == field


def test_issued_token_for_other_parties() -> None:
    """Issuer and audience of the settings are those that count, also for embedded tokens."""
    token = issue_token(SECRET, "ana", None, None, 60, NOON, issuer="clinic", audience="albums")
    ours = _verifier(jwt_issuer="clinic", jwt_audience="albums")
    assert ours.verify(token) == JwtClaims(UserId("ana"))
    others: list[dict[str, Any]] = [{"jwt_issuer": "clinic"}, {"jwt_audience": "albums"}, {}]
    for settings in others:
        with pytest.raises(Unauthorized, match="another"):
            _verifier(**settings).verify(token)


def test_token_signed_with_the_secret_itself() -> None:
    """The key of JWTs is derived, so that the bare secret, or another one, signs none."""
    payload = json.dumps(SOUND).encode()
    assert _verifier().verify(_token(payload)).sub == "ana"
    for key in (SECRET, b"another" * 8):
        with pytest.raises(Unauthorized, match="signature"):
            _verifier().verify(_token(payload, key=key))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 59},
        {"exp": NOW + 0.5},
        {"nbf": NOW + 60},
        {"nbf": 0},
        {"aud": ["other", "albumcore"]},
        {"sub": "a" * 255},
        {"email": None, "name": ""},
        {"iat": "yesterday", "scope": ["x"]},
    ],
)
def test_token_that_is_just_sound(claims: dict[str, Any]) -> None:
    """Times within the leeway, one audience of several and unknown claims are all right."""
    assert _verifier().verify(_with(**claims)).sub == claims.get("sub", "ana")


@pytest.mark.parametrize(
    ("verified", "taken"),
    [
        (True, True),
        ("true", True),
        (False, False),
        ("false", False),
        ("True", False),
        ("", False),
        (0, False),
        (1, False),
        (None, False),
        ([True], False),
    ],
)
def test_address_that_the_provider_did_not_verify(verified: object, taken: bool) -> None:
    """It may belong to another person, and people are found by theirs: the claim must be true if it is there."""
    token = _token(
        json.dumps(SOUND | {"email": "boss@x.example", "email_verified": verified}).encode()
    )
    for setting in (False, True):
        claims = _verifier(require_verified_email=setting).verify(token)
        assert claims.email == ("boss@x.example" if taken else None)


def test_address_of_which_the_provider_says_nothing() -> None:
    """It is taken, unless the settings require more; the service vouches for those of its own tokens."""
    token, ours = _with(email="boss@x.example"), issue_token(SECRET, "ana", "a@x", None, 60, NOON)
    assert _verifier().verify(token).email == "boss@x.example"
    strict = _verifier(require_verified_email=True)
    assert strict.verify(token) == JwtClaims(UserId("ana"))
    assert strict.verify(ours).email == "a@x"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": None}, "exp is not a number"),
        ({"exp": str(NOW + 600)}, "exp is not a number"),
        ({"exp": True}, "exp is not a number"),
        ({"exp": [NOW]}, "exp is not a number"),
        ({"exp": float("nan")}, "JSON"),
        ({"exp": float("inf")}, "JSON"),
        ({"exp": 10**400}, "JSON"),
        ({"exp": 10**30}, "exp is not a date"),
        ({"exp": (NOW + 600) * 1000}, "exp is not a date"),
        ({"exp": -1}, "exp is not a date"),
        ({"exp": NOW - 60}, "expired"),
        ({"nbf": NOW + 61}, "not valid yet"),
        ({"nbf": "now"}, "nbf is not a number"),
        ({"iss": None}, "issuer"),
        ({"iss": "albumcore "}, "issuer"),
        ({"iss": ["albumcore"]}, "issuer"),
        ({"aud": None}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": "albumcore2"}, "audience"),
        ({"aud": {"albumcore": 1}}, "audience"),
        ({"sub": None}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "a" * 256}, "sub"),
        ({"sub": "a\x00"}, "sub"),
        ({"email": 7}, "email"),
        ({"name": ["Ana"]}, "name"),
        ({"name": "a" * 1025}, "name"),
    ],
)
def test_token_with_a_bad_claim(claims: dict[str, Any], reason: str) -> None:
    """A well signed token is refused for any claim that is missing, malformed or not for us."""
    with pytest.raises(Unauthorized, match=reason) as refused:
        _verifier().verify(_with(**claims))
    assert "albumcore2" not in refused.value.detail


@pytest.mark.parametrize(
    "payload",
    [b"[]", b"7", b"null", b'"sub"', b"", b"{", b"\xff{}", b'{"sub":"\\ud800"}', b"[" * 9000],
)
def test_token_whose_claims_are_no_object(payload: bytes) -> None:
    """A well signed token of something else than a JSON object is refused."""
    with pytest.raises(Unauthorized):
        _verifier().verify(_token(payload))


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none"}',
        b'{"alg":"HS512"}',
        b'{"alg":"RS256"}',
        b'{"alg":["HS256"]}',
        b'{"alg":null}',
        b"{}",
        b'"alg"',
        b'["alg"]',
        b"alg",
        b"\xff",
        b'{"alg":"HS256","kid":7}',
        b'{"alg":"HS256","crit":["exp"],"exp":1}',
        b'{"alg":"HS256","b64":false,"crit":["b64"]}',
        b'{"alg":"HS256","typ":7}',
    ],
)
def test_token_with_a_bad_header(header: bytes) -> None:
    """Only HS256 counts under the secret, and a header that is not understood is refused."""
    with pytest.raises(Unauthorized):
        _verifier().verify(_token(json.dumps(SOUND).encode(), header))


def test_token_with_a_deep_header() -> None:
    """How deep JSON may go differs between versions of Python; too deep is refused, never a fault."""
    header = b'{"alg":"HS256","x":' + b"[" * 2900 + b"]" * 2900 + b"}"
    with contextlib.suppress(Unauthorized):
        assert _verifier().verify(_token(json.dumps(SOUND).encode(), header)).sub == "ana"


def test_token_with_a_header_that_says_more() -> None:
    """Parameters of the header that are not known, even long ones, are ignored."""
    header = {"alg": "HS256", "kid": "any", "nonce": "n", "x5c": ["A" * 4000]}
    token = _token(json.dumps(SOUND).encode(), json.dumps(header).encode())
    assert _verifier().verify(token).sub == "ana"


def test_token_that_is_malformed() -> None:
    """A token that lacks a part, holds other characters or is too long is refused."""
    sound = _with()
    head, body, signature = sound.split(".")
    unsigned = _part(b'{"alg":"none"}') + f".{body}."
    for token in (
        "",
        "..",
        head,
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{sound}.{signature}",
        f"{head}..{signature}",
        f"{head}=.{body}.{signature}",
        f"{sound}\n",
        f" {sound}",
        f"{sound[:-2]}é",
        f"{sound}A",
        f"{head}.{body}.A",
        f"{head}.{body[:-1]}.{signature}",
        unsigned,
        f"{unsigned}A",
        "\ud800",
        _with(name="n" * 1000, more="x" * 12_000),
    ):
        with pytest.raises(Unauthorized):
            _verifier().verify(token)


@given(st.text() | st.from_regex(r"\A[\w-]{1,30}(\.[\w-]{1,30}){2}\Z"))
def test_token_of_any_text(token: str) -> None:
    """Any text that is no token is refused."""
    with pytest.raises(Unauthorized):
        _verifier().verify(token)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jku", "x5c"]), json_values),
    st.dictionaries(st.sampled_from(["exp", "nbf", "iss", "aud", "sub", "email"]), json_values),
)
def test_token_of_any_header_and_claims(header: dict[str, Any], claims: dict[str, Any]) -> None:
    """Header and claims of any shape, well signed, give claims or are refused, and never raise another error."""
    payload = json.dumps(SOUND | claims).encode()
    token = _token(payload, json.dumps({"alg": "HS256"} | header).encode())
    with contextlib.suppress(Unauthorized):
        assert isinstance(_verifier().verify(token), JwtClaims)


def test_verified_token_still_expires_on_time() -> None:
    """A token that was verified before is refused from the moment its leeway ends."""
    clock = Clock()
    verifier = _verifier(clock)
    token = _with(exp=NOW + 100)
    for seconds in (0, 100, 59.9):
        clock.move(seconds)
        assert verifier.verify(token).sub == "ana"
    clock.move(0.1)
    for _ in range(2):
        with pytest.raises(Unauthorized, match="expired"):
            verifier.verify(token)


class _CountedKeys:
    """Keys that count how often they are asked for."""

    algorithms = ("HS256",)

    def __init__(self) -> None:
        self.asked = 0
        self._inner = _verifier().keys

    def find(self, alg: str, kid: str | None, at: datetime) -> Any:
        """Find the key."""
        self.asked += 1
        return self._inner.find(alg, kid, at)


def test_verified_token_is_remembered_for_a_while() -> None:
    """A token is verified once in five minutes, so that a key that is withdrawn stops counting."""
    clock, keys = Clock(), _CountedKeys()
    verifier = JwtVerifier(keys, "albumcore", "albumcore", 60, clock)
    token = _with()
    for seconds, asked in ((0, 1), (299, 1), (1, 2), (299, 2)):
        clock.move(seconds)
        verifier.verify(token)
        assert keys.asked == asked


def test_verified_tokens_are_remembered_up_to_a_number() -> None:
    """Only the tokens used last are remembered: the memory they take is bounded."""
    keys = _CountedKeys()
    verifier = JwtVerifier(keys, "albumcore", "albumcore", 60, Clock())
    often = _with()
    verifier.verify(often)
    tokens = [_with(sub=f"user-{number}") for number in range(1100)]
    for token in tokens:
        verifier.verify(token)
        verifier.verify(often)
    assert keys.asked == 1101
    verifier.verify(tokens[0])
    assert keys.asked == 1102


@pytest.mark.parametrize("header", [{"alg": "RS256"}, {"alg": "none"}, {"kid": 7}, {"crit": []}])
def test_token_with_a_bad_header_asks_for_no_key(header: dict[str, Any]) -> None:
    """No key is looked for on behalf of a header that is refused."""
    keys = _CountedKeys()
    token = _token(json.dumps(SOUND).encode(), json.dumps({"alg": "HS256"} | header).encode())
    with pytest.raises(Unauthorized):
        JwtVerifier(keys, "albumcore", "albumcore", 60, Clock()).verify(token)
    assert keys.asked == 0


def test_refused_token_is_not_remembered() -> None:
    """A token that comes too early is accepted once its time has come."""
    clock = Clock()
    verifier = _verifier(clock)
    token = _with(nbf=NOW + 100)
    with pytest.raises(Unauthorized):
        verifier.verify(token)
    clock.move(40)
    assert verifier.verify(token).sub == "ana"
