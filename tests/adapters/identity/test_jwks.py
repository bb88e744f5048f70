"""The keys of an identity provider: fetched from a real server, kept through its outages."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.identity import provider_request
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwks import JwksKeys, KeysUnavailable
from albumcore_adapters.identity.jwt import JwtVerifier, issue_token

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET = bytes(range(32))
RSA_1 = RSAKey.generate_key(2048)
RSA_2 = RSAKey.generate_key(2048)
EC_1 = ECKey.generate_key("P-256")
WEAK = (
    base64.urlsafe_b64encode(
        rsa.generate_private_key(65537, 1024).public_key().public_numbers().n.to_bytes(128)
    )
    .decode()
    .rstrip("=")
)
EC_384 = ECKey.generate_key("P-384")


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


@define
class Provider:
    """An identity provider: what it answers now, and how often it was asked."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(factory=dict)
    asked: int = 0
    paths: list[str] = field(factory=list)
    pause: float = 0.0
    hold: threading.Event = field(factory=threading.Event)
    reached: threading.Event = field(factory=threading.Event)
    url: str = ""

    def publish(self, *entries: Any) -> None:
        """Answer with these keys from now on."""
        self.status, self.body = 200, json.dumps({"keys": entries}).encode()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Start a provider on a free port of this machine; stop it afterwards."""
    provider = Provider()
    provider.hold.set()
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked += 1
            provider.paths.append(self.path)
            provider.reached.set()
            provider.hold.wait(5)
            self.send_response(provider.status)
            for name, value in provider.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(provider.body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                if not provider.pause:
                    self.wfile.write(provider.body)
                for byte in provider.body if provider.pause else b"":
                    self.wfile.write(bytes([byte]))
                    stopped.wait(provider.pause)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}/jwks"
    yield provider
    stopped.set()
    provider.hold.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> Clock:
    """Return a clock at noon."""
    return Clock()


@pytest.fixture
def verifier(provider: Provider, clock: Clock) -> JwtVerifier:
    """Return a verifier of the provider's tokens, for the audience "albums"."""
    settings = Settings(jwks_url=provider.url, jwt_issuer="https://idp", jwt_audience="albums")
    return JwtVerifier.of(settings, SECRET, clock)


def _jwk(key: RSAKey | ECKey, kid: str, **members: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, **members}


_serial = iter(range(10**9))


def _sign(key: Any, alg: str = "RS256", kid: str | None = None, **header: Any) -> str:
    """Return a token that is new each time, so that none is remembered."""
    claims = {
        "iss": "https://idp",
        "aud": "albums",
        "sub": "ana",
        "exp": int(NOON.timestamp()) + 10**7,
        "jti": next(_serial),
    }
    named = {} if kid is None else {"kid": kid}
    return jwt.encode({"alg": alg, **named, **header}, claims, key, algorithms=[alg])


def test_jwks_keys_of_both_kinds(provider: Provider, verifier: JwtVerifier) -> None:
    """RS256 and ES256 tokens are verified by the key they name, with one fetch for all."""
    provider.publish(_jwk(RSA_1, "r1"), _jwk(RSA_2, "r2", alg="RS256", use="sig"), _jwk(EC_1, "e1"))
    for key, alg, kid in ((RSA_1, "RS256", "r1"), (RSA_2, "RS256", "r2"), (EC_1, "ES256", "e1")):
        assert verifier.verify(_sign(key, alg, kid=kid)).sub == "ana"
    assert provider.asked == 1


def test_jwks_token_of_another_algorithm(provider: Provider, verifier: JwtVerifier) -> None:
    """Under a JWKS no shared secret counts, be it ours or the public key taken as one."""
    provider.publish(_jwk(RSA_1, "r1"))
    public = OctKey.import_key(json.dumps(_jwk(RSA_1, "r1")).encode())
    ours = issue_token(
        SECRET, "ana", None, None, 600, NOON, issuer="https://idp", audience="albums"
    )
    for token in (ours, _sign(public, "HS256", kid="r1"), _sign(RSA_1, "RS512", kid="r1")):
        with pytest.raises(Unauthorized, match="algorithm"):
            verifier.verify(token)
    assert provider.asked == 0


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(EC_1, "ES256", "r1"), (RSA_1, "RS256", "e1"), (RSA_2, "RS256", "r1")]
)
def test_jwks_token_signed_with_another_key(
    provider: Provider, verifier: JwtVerifier, key: Any, alg: str, kid: str
) -> None:
    """A token must be signed by the very key it names, and that key be of its algorithm."""
    provider.publish(_jwk(RSA_1, "r1"), _jwk(EC_1, "e1"))
    with pytest.raises(Unauthorized):
        verifier.verify(_sign(key, alg, kid=kid))


def test_jwks_token_that_brings_its_own_key(provider: Provider, verifier: JwtVerifier) -> None:
    """A key, or the address of one, in the token's own header is not looked at."""
    provider.publish(_jwk(RSA_1, "r1"))
    address = provider.url.replace("/jwks", "/mine")
    for header in ({"jwk": _jwk(RSA_2, "r1")}, {"jku": address}, {"x5u": address}):
        with pytest.raises(Unauthorized, match="signature"):
            verifier.verify(_sign(RSA_2, kid="r1", **header))
    assert provider.paths == ["/jwks"]


def test_jwks_token_for_another_service(provider: Provider, clock: Clock) -> None:
    """A token that the provider made for another audience is refused."""
    provider.publish(_jwk(RSA_1, "r1"))
    settings = Settings(jwks_url=provider.url, jwt_issuer="https://idp", jwt_audience="wiki")
    with pytest.raises(Unauthorized, match="audience"):
        JwtVerifier.of(settings, SECRET, clock).verify(_sign(RSA_1, kid="r1"))


def test_jwks_token_without_kid(provider: Provider, verifier: JwtVerifier, clock: Clock) -> None:
    """Without a kid, the key is the single one of the right kind; of two, none is guessed."""
    provider.publish(_jwk(RSA_1, "r1"), _jwk(EC_1, "e1"), _jwk(EC_384, "e2"))
    assert verifier.verify(_sign(RSA_1)).sub == "ana"
    assert verifier.verify(_sign(EC_1, "ES256")).sub == "ana"
    provider.publish(_jwk(RSA_1, "r1"), _jwk(RSA_2, "r2"))
    clock.move(300)
    with pytest.raises(Unauthorized, match="unknown key"):
        verifier.verify(_sign(RSA_1))


def test_jwks_rotation(provider: Provider, verifier: JwtVerifier, clock: Clock) -> None:
    """A token of a new key has the keys fetched; one of the old key, when it is gone, is refused."""
    provider.publish(_jwk(RSA_1, "r1"))
    old = _sign(RSA_1, kid="r1")
    verifier.verify(old)
    provider.publish(_jwk(RSA_2, "r2"))
    clock.move(10)
    assert verifier.verify(_sign(RSA_2, kid="r2")).sub == "ana"
    assert provider.asked == 2
    with pytest.raises(Unauthorized, match="unknown key"):
        verifier.verify(_sign(RSA_1, kid="r1"))
    clock.move(290)
    with pytest.raises(Unauthorized, match="unknown key"):
        verifier.verify(old)


def test_jwks_unknown_kids_are_limited(
    provider: Provider, verifier: JwtVerifier, clock: Clock
) -> None:
    """However many unknown keys tokens name, the provider is asked once in ten seconds."""
    provider.publish(_jwk(RSA_1, "r1"))
    for seconds, asked in ((0, 1), (9.9, 1), (0.1, 2), (9.9, 2), (0.1, 3)):
        clock.move(seconds)
        for number in range(3):
            with pytest.raises(Unauthorized, match="unknown key"):
                verifier.verify(_sign(RSA_1, kid=f"x{number}"))
        assert provider.asked == asked


def test_jwks_keys_are_fetched_anew(
    provider: Provider, verifier: JwtVerifier, clock: Clock
) -> None:
    """After 300 seconds the keys are fetched again, and the same when the clock was set back."""
    provider.publish(_jwk(RSA_1, "r1"))
    for seconds, asked in ((0, 1), (299, 1), (1, 2), (-3000, 3)):
        clock.move(seconds)
        verifier.verify(_sign(RSA_1, kid="r1"))
        assert provider.asked == asked


BAD_ANSWERS = {
    "error": (500, b'{"keys":[]}', {}),
    "moved": (302, b"", {"Location": "/elsewhere"}),
    "html": (200, b"<html>", {}),
    "list": (200, b"[]", {}),
    "empty": (200, b"", {}),
    "no keys": (200, b'{"keys":[]}', {}),
    "keys of no use": (200, b'{"keys":{"kty":"RSA"}}', {}),
    "too long": (200, json.dumps({"keys": [RSA_1.as_dict(kid="r1")]}).encode() + b" " * 2**20, {}),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_jwks_outage_keeps_the_last_keys(
    provider: Provider,
    verifier: JwtVerifier,
    clock: Clock,
    answer: tuple[int, bytes, dict[str, str]],
) -> None:
    """While the provider fails, the last keys serve for a day; then no token can be judged."""
    provider.publish(_jwk(RSA_1, "r1"))
    verifier.verify(_sign(RSA_1, kid="r1"))
    provider.status, provider.body, provider.headers = answer
    for seconds, asked in ((300, 2), (59, 2), (1, 3), (86_039, 4)):
        clock.move(seconds)
        assert verifier.verify(_sign(RSA_1, kid="r1")).sub == "ana"
        assert provider.asked == asked
    clock.move(1)
    with pytest.raises(KeysUnavailable):
        verifier.verify(_sign(RSA_1, kid="r1"))
    provider.headers = {}
    provider.publish(_jwk(RSA_2, "r2"))
    clock.move(9)
    assert verifier.verify(_sign(RSA_2, kid="r2")).sub == "ana"
    assert set(provider.paths) == {"/jwks"}


def test_jwks_that_was_never_there(provider: Provider, verifier: JwtVerifier, clock: Clock) -> None:
    """Without any keys no token is judged, nor is the provider asked at each; it may come later."""
    provider.status = 503
    for seconds, asked in ((0, 1), (9, 1), (1, 2)):
        clock.move(seconds)
        with pytest.raises(KeysUnavailable):
            verifier.verify(_sign(RSA_1, kid="r1"))
        assert provider.asked == asked
    provider.publish(_jwk(RSA_1, "r1"))
    clock.move(10)
    assert verifier.verify(_sign(RSA_1, kid="r1")).sub == "ana"


def test_jwks_outage_is_no_excuse_for_a_malformed_token(verifier: JwtVerifier) -> None:
    """A malformed token is refused, whether or not there are keys."""
    with pytest.raises(Unauthorized):
        verifier.verify("a.b.c")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/jwks", "http://127.0.0.1:1/\x00"])
def test_jwks_of_an_address_that_does_not_answer(url: str) -> None:
    """A refused connection, or an address that is none, leaves us without keys, and no more."""
    with pytest.raises(KeysUnavailable):
        JwksKeys(url).find("RS256", None, NOON)


def test_jwks_that_is_slow(
    provider: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that does not answer in time, or byte by byte, counts as one that fails."""
    monkeypatch.setattr(provider_request, "_TIMEOUT", 0.2)
    provider.publish(_jwk(RSA_1, "r1"))
    provider.hold.clear()
    with pytest.raises(KeysUnavailable):
        JwksKeys(provider.url).find("RS256", None, clock())
    provider.hold.set()
    provider.pause = 0.05
    with pytest.raises(KeysUnavailable):
        JwksKeys(provider.url).find("RS256", None, clock())


def test_jwks_entries_that_are_not_for_us(provider: Provider, verifier: JwtVerifier) -> None:
    """Entries of other kinds, for other uses, weak or broken are passed over, one by one."""
    other = _jwk(RSA_2, "r2")
    provider.publish(
        7,
        None,
        {},
        {"kty": ["RSA"]},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "ed"},
        {"kty": "RSA", "kid": "r2"},
        other | {"alg": "RS512"},
        other | {"use": "enc"},
        other | {"key_ops": ["encrypt"]},
        other | {"key_ops": 7},
        other | {"n": 7},
        other | {"n": "é"},
        other | {"n": "AQAB"},
        other | {"n": WEAK},
        other | {"e": "*"},
        _jwk(EC_1, "r2") | {"x": "AA"},
        _jwk(RSA_1, "r1", key_ops=["verify"]),
    )
    assert verifier.verify(_sign(RSA_1)).sub == "ana"
    with pytest.raises(Unauthorized, match="unknown key"):
        verifier.verify(_sign(RSA_2, kid="r2"))


def test_jwks_private_part_is_not_kept(provider: Provider) -> None:
    """When a provider publishes a private key by mistake, only the public part stays here."""
    provider.publish({**RSA_1.as_dict(private=True), "kid": "r1"})
    key = JwksKeys(provider.url).find("RS256", "r1", NOON)
    assert key is not None
    assert not key.is_private


def test_jwks_refresh_holds_up_nobody_else(
    provider: Provider, verifier: JwtVerifier, clock: Clock
) -> None:
    """While one thread fetches keys that grew old, another one goes on with those there are."""
    provider.publish(_jwk(RSA_1, "r1"))
    verifier.verify(_sign(RSA_1, kid="r1"))
    clock.move(300)
    provider.hold.clear()
    provider.reached.clear()
    fetching = threading.Thread(target=verifier.verify, args=[_sign(RSA_1, kid="r1")])
    fetching.start()
    try:
        assert provider.reached.wait(5)
        assert verifier.verify(_sign(RSA_1, kid="r1")).sub == "ana"
        assert fetching.is_alive()
    finally:
        provider.hold.set()
        fetching.join()
    assert provider.asked == 2


def test_jwks_first_fetch_is_shared(provider: Provider, verifier: JwtVerifier) -> None:
    """Threads that meet before there are any keys wait for one fetch, and all are served."""
    provider.publish(_jwk(RSA_1, "r1"))
    subs: list[str] = []
    start = threading.Barrier(8)

    def verify() -> None:
        token = _sign(RSA_1, kid="r1")
        start.wait(5)
        subs.append(verifier.verify(token).sub)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(verify)
    assert subs == ["ana"] * 8
    assert provider.asked == 1
