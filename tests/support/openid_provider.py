"""An identity provider on this machine: OpenID Connect with real keys and redirects, and one user."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from attrs import define, field
from joserfc import jws
from joserfc.jwk import RSAKey

from albumcore_adapters.identity.jwt_claims import unverified

CLIENT = "the pages"
SECRET = "a secret: with/odd%characters"
KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"})


@define
class Provider:
    """The provider; what is set here is what it does next.

    Attributes:
        clock: The present.
        redirect_uri: The only one that it allows.
        address: Its issuer.
        client: The id of its client.
        claims: Claims of ID tokens that replace the right ones; None leaves one out.
        sign: Signs an ID token.
        discovery: Members of the discovery document that replace the right ones.
        error: The error by which it refuses to sign the user in.
        beside: Parameters of the address to which the browser is sent back, beside those that it must have.
        keys: Its JWKS.
        tokens: Members of the answer of the token endpoint, beside the ID token.
        token_answer: Status and body in place of the answer of the token endpoint.
        userinfo: Claims at the UserInfo endpoint, beside the ``sub`` of the last ID token.
        userinfo_answer: Status and body in place of the answer of the UserInfo endpoint.
        asked: The paths that it was asked for.
        access_tokens: The ``sub`` of each access token.
        codes: The codes that were not used yet, each with what it was asked for with.
        authorized: The ``Authorization`` headers that the token endpoint was sent.
    """

    clock: Callable[[], datetime]
    redirect_uri: str
    address: str = ""
    client: str = CLIENT
    claims: dict[str, Any] = field(factory=dict)
    sign: Callable[[dict[str, Any]], str] = field(default=lambda claims: signed(claims))
    discovery: dict[str, Any] = field(factory=dict)
    error: str | None = None
    beside: dict[str, str] = field(factory=dict)
    keys: list[dict[str, Any]] = field(factory=lambda: [dict(KEY.as_dict(private=False))])
    tokens: dict[str, Any] = field(factory=dict)
    token_answer: tuple[int, bytes] | None = None
    userinfo: dict[str, Any] = field(factory=dict)
    userinfo_answer: tuple[int, bytes] | None = None
    access_tokens: dict[str, str] = field(factory=dict)
    asked: list[str] = field(factory=list)
    codes: dict[str, dict[str, str]] = field(factory=dict)
    authorized: list[str | None] = field(factory=list)

    def document(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/jwks",
            **self.discovery,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser of the signed-in user is sent back to."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == self.client
        assert asked["redirect_uri"] == self.redirect_uri
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        if self.error is not None:
            answer = {"error": self.error, "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            answer = {"code": code, "state": asked["state"], "iss": self.address}
        return f"{self.redirect_uri}?{urlencode(self.beside | answer)}"

    def exchange(self, form: dict[str, str], authorization: str | None) -> tuple[int, bytes]:
        """The answer of the token endpoint."""
        self.authorized.append(authorization)
        if self.token_answer is not None:
            return self.token_answer
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        is_good = (
            asked is not None
            and self._is_client(form, authorization)
            and form["grant_type"] == "authorization_code"
            and form["redirect_uri"] == asked["redirect_uri"]
            and asked["code_challenge"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
        )
        if asked is None or not is_good:
            return 400, b'{"error": "invalid_grant"}'
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.address,
            "aud": self.client,
            "sub": "sub-alice",
            "name": "Alice",
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        access_token = secrets.token_urlsafe(16)
        self.access_tokens[access_token] = str(claims["sub"])
        answer = {"access_token": access_token, "token_type": "Bearer", **self.tokens}
        return 200, json.dumps(answer | {"id_token": self.sign(kept)}).encode()

    def _is_client(self, form: dict[str, str], authorization: str | None) -> bool:
        if authorization is None:
            secret = form.get("client_secret")
            return form.get("client_id") == self.client and secret in (None, SECRET)
        pair = b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        return [unquote(one) for one in pair] == [self.client, SECRET]

    def user_info(self, authorization: str) -> tuple[int, bytes]:
        """The answer of the UserInfo endpoint."""
        if self.userinfo_answer is not None:
            return self.userinfo_answer
        sub = self.access_tokens.get(authorization.removeprefix("Bearer "))
        if sub is None:
            return 401, b""
        return 200, json.dumps({"sub": sub, **self.userinfo}).encode()


def signed(claims: dict[str, Any], key: RSAKey = KEY, alg: str = "RS256") -> str:
    """An ID token."""
    return jws.serialize_compact({"alg": alg, "kid": "one"}, json.dumps(claims), key)


def unsigned(claims: dict[str, Any]) -> str:
    """An ID token of the algorithm ``none``."""
    parts = ({"alg": "none", "kid": "one"}, claims)
    encoded = [urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts]
    token = ".".join([*encoded, ""])
    assert unverified(token)[0]["alg"] == "none"
    return token


@contextmanager
def provider(
    clock: Callable[[], datetime], redirect_uri: str, path: str = ""
) -> Iterator[Provider]:
    """A running provider, whose issuer has that path. The last segments of its addresses say what they are."""
    made = Provider(clock, redirect_uri)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made.asked.append(parts.path)
            if parts.path == f"{path}/.well-known/openid-configuration":
                self._answer(200, json.dumps(made.document()).encode())
            elif parts.path.endswith(("/jwks", "/certs")):
                self._answer(200, json.dumps({"keys": made.keys}).encode())
            elif parts.path.endswith(("/authorize", "/auth")):
                location = made.authorize(_single(parts.query))
                self._answer(302, b"", Location=location)
            elif parts.path.endswith("/userinfo"):
                self._answer(*made.user_info(self.headers["Authorization"]))
            else:
                self._answer(404, b"{}")

        def do_POST(self) -> None:
            made.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*made.exchange(_single(body), self.headers["Authorization"]))

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_port}{path}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _single(encoded: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(encoded).items()}
