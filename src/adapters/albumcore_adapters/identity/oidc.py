"""Signing in with an identity provider: OpenID Connect Core 1.0 section 3.1, the authorization code flow with PKCE.

The addresses of the provider come from its discovery document (OpenID Connect Discovery 1.0). The ID token is verified
as every JWT of the provider is, with the keys at ``ALBUMCORE_JWKS_URL``, and with this client as its audience.

An attempt to sign in belongs to the browser that began it: its state, its nonce and its code verifier are in a signed
cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import orjson
from attrs import asdict, evolve, field, frozen

from albumcore.errors import UserNotFound
from albumcore_adapters.base.concurrency import ConcurrencyLimit
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.callers import Caller, claims_of, in_person
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwt import JwtClaims
from albumcore_adapters.identity.jwt_claims import unverified
from albumcore_adapters.identity.openid_provider import (
    CodeRefused,
    Discovery,
    Endpoints,
    ProviderFailed,
    exchange_code,
    user_info,
)

ATTEMPT_SECONDS = 600
"""Seconds within which the user must come back from the provider."""

_SCOPE = "openid email profile"
_LABEL = b"albumcore-oidc-attempt:"
_BUSY = ("others are signing in already; try again", 2)
_MOST_AT_ONCE = 2


class SignInRefused(Exception):
    """A sign-in did not succeed.

    Attributes:
        reason: One of `REASONS`.
        detail: What more is known, for a person who knows the field.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


REASONS: Mapping[str, int] = {
    "attempt": 400,
    "provider": 403,
    "token": 401,
    "unreachable": 502,
}
"""Why a sign-in did not succeed, and the HTTP status of that.

- ``attempt``: the browser did not begin it, began it too long ago, or has ended it already.
- ``provider``: the provider says that the user may not, or did not want to.
- ``token``: the provider does not accept the code, or its ID token is not acceptable.
- ``unreachable``: the provider does not respond, or not as it should.
"""


@frozen
class SignInAttempt:
    """An attempt to sign in.

    Attributes:
        state: What the provider sends back with the code (RFC 6749 section 4.1.1).
        nonce: What the ID token names (OpenID Connect Core 1.0 section 3.1.2.1).
        verifier: The code verifier (RFC 7636 section 4.1).
        back: The page that signing in leads to; None for the first.
        ends_at: Until when the user must come back, in seconds since 1970.
    """

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    back: str | None
    ends_at: float

    @classmethod
    def begin(cls, back: str | None, at: datetime) -> Self:
        """A new attempt."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, back, at.timestamp() + ATTEMPT_SECONDS)

    @property
    def challenge(self) -> str:
        """The code challenge, by S256 (RFC 7636 section 4.2)."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@frozen
class OpenIdConnect:
    """This service as a client of an identity provider. Threads may share it.

    Attributes:
        issuer: The issuer of the provider.
        client_id: The id of this client.
        client_secret: Its secret; None for a public client, which PKCE alone protects.
        auth: Verifies ID tokens: its verifier has this client as the audience.
        single_use: The attempts that were ended.
        secret: The secret of the data directory, with which attempts are signed.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    auth: Authentication = field(repr=False)
    single_use: SingleUseTokens = field(repr=False)
    secret: bytes = field(repr=False)
    _discovery: Discovery = field(init=False, eq=False, repr=False)
    _concurrency: ConcurrencyLimit = field(
        factory=lambda: ConcurrencyLimit(_MOST_AT_ONCE, *_BUSY), init=False, eq=False, repr=False
    )

    @_discovery.default
    def _new_discovery(self) -> Discovery:
        return Discovery(self.issuer)

    @classmethod
    def of(
        cls,
        settings: Settings,
        client_secret: str | None,
        auth: Authentication,
        single_use: SingleUseTokens,
        secret: bytes,
    ) -> Self | None:
        """The client of the settings; None if they name none."""
        issuer, client_id = settings.jwt_issuer, settings.oidc_client_id
        if client_id is None or issuer is None:
            return None
        verifier = evolve(auth.verifier, audience=client_id)
        own = evolve(auth, verifier=verifier)
        return cls(issuer, client_id, client_secret, own, single_use, secret)

    def address(self, attempt: SignInAttempt, redirect_uri: str, at: datetime) -> str:
        """Where the browser is sent to sign in (OpenID Connect Core 1.0 section 3.1.2.1).

        Raises:
            SignInRefused: the provider cannot be reached.
            LimitReached: too many sign-ins are under way.
        """
        with self._concurrency.slot():
            endpoint = self._endpoints(at).authorization
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": _SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return endpoint + ("&" if urlsplit(endpoint).query else "?") + urlencode(asked)

    def sealed(self, attempt: SignInAttempt) -> str:
        """An attempt as the value of a cookie, signed."""
        content = urlsafe_b64encode(orjson.dumps(asdict(attempt))).decode("ascii")
        return f"{content}.{self._signature(content)}"

    def attempt_in(self, cookie: str | None, at: datetime) -> SignInAttempt:
        """The attempt in a cookie.

        Raises:
            SignInRefused: there is none, it was not signed here, or it is over.
        """
        content, _, signature = (cookie or "").partition(".")
        given = signature.encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(self._signature(content).encode(), given):
            raise SignInRefused("attempt", "this browser has not begun to sign in")
        attempt = SignInAttempt(**orjson.loads(urlsafe_b64decode(content)))
        if at.timestamp() >= attempt.ends_at:
            raise SignInRefused("attempt", "it was begun too long ago")
        return attempt

    def _signature(self, content: str) -> str:
        message = _LABEL + content.encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, "sha256").hexdigest()

    def caller(
        self,
        attempt: SignInAttempt,
        answer: Mapping[str, str | None],
        redirect_uri: str,
        at: datetime,
    ) -> Caller:
        """Who has signed in, by what the provider sent back with the browser. It ends the attempt.

        Args:
            attempt: The attempt of the browser.
            answer: The query parameters: ``state``, ``code``, ``error`` and ``iss``.
            redirect_uri: The same as of `address`.
            at: The present (UTC).

        Raises:
            SignInRefused: they have not.
            LimitReached: too many sign-ins are under way.
            KeysUnavailable: there are no keys to verify the ID token with.
        """
        state = (answer.get("state") or "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(attempt.state.encode(), state):
            raise SignInRefused("attempt", "the answer belongs to another attempt to sign in")
        if answer.get("iss") not in (None, self.issuer):  # RFC 9207
            raise SignInRefused("attempt", "the answer comes from another provider")
        ends_at = at + timedelta(seconds=ATTEMPT_SECONDS)
        if not self.single_use.consume("oidc", attempt.state, ends_at=ends_at, at=at):
            raise SignInRefused("attempt", "the answer was used before")
        if (error := answer.get("error")) is not None:
            raise SignInRefused("provider", error[:100])
        if (code := answer.get("code")) is None:
            raise SignInRefused("attempt", "the answer has no code")
        with self._concurrency.slot():
            return self._signed_in(attempt, code, redirect_uri, at)

    def _signed_in(
        self, attempt: SignInAttempt, code: str, redirect_uri: str, at: datetime
    ) -> Caller:
        """The user of an accepted code, with the name and the address that the provider has."""
        endpoints = self._endpoints(at)
        answer = self._exchanged(endpoints, attempt, code, redirect_uri)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise SignInRefused("unreachable", "the provider sent no ID token")
        try:
            claims, user = claims_of(self.auth, token)
            self._check(unverified(token)[1], attempt)
            if claims.email is None or claims.name is None:
                claims = self._completed(claims, endpoints, access_token)
            return in_person(self.auth, claims, user)
        except (Unauthorized, UserNotFound) as refusal:
            raise SignInRefused("token", refusal.detail) from None

    def _check(self, claims: Mapping[str, Any], attempt: SignInAttempt) -> None:
        """Check the claims of a verified ID token that other JWTs do not have."""
        nonce = str(claims.get("nonce")).encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(attempt.nonce.encode(), nonce):
            raise SignInRefused("token", "the token is of another attempt to sign in")
        audience = claims.get("aud")
        is_shared = isinstance(audience, list) and len(audience) > 1
        if claims.get("azp", None if is_shared else self.client_id) != self.client_id:
            raise SignInRefused("token", "the token was issued to another client")

    def _completed(
        self, claims: JwtClaims, endpoints: Endpoints, access_token: object
    ) -> JwtClaims:
        """Claims of an ID token with what they lack from the UserInfo endpoint.

        A provider that issues an access token has the claims of ``profile`` and ``email`` there, and need not have
        them in the ID token (OpenID Connect Core 1.0 section 5.4).
        """
        if endpoints.userinfo is None or not isinstance(access_token, str):
            return claims
        try:
            found = self.auth.verifier.profile(user_info(endpoints.userinfo, access_token))
        except ProviderFailed:
            raise SignInRefused("unreachable") from None
        if found.sub != claims.sub:  # section 5.3.2
            raise SignInRefused("token", "the provider's user information is of another user")
        return evolve(claims, email=claims.email or found.email, name=claims.name or found.name)

    def _exchanged(
        self, endpoints: Endpoints, attempt: SignInAttempt, code: str, redirect_uri: str
    ) -> Mapping[str, Any]:
        """Exchange the code for tokens (OpenID Connect Core 1.0 section 3.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers: dict[str, str] = {}
        if self.client_secret is None:
            form["client_id"] = self.client_id
        elif endpoints.takes_basic:
            # RFC 6749 section 2.3.1: both are encoded as in a form before they are joined.
            pair = ":".join(quote(one, safe="") for one in (self.client_id, self.client_secret))
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        try:
            return exchange_code(endpoints, form, headers)
        except CodeRefused as error:
            raise SignInRefused("token", f"the provider refused the code: {error}") from None
        except ProviderFailed:
            raise SignInRefused("unreachable") from None

    def _endpoints(self, at: datetime) -> Endpoints:
        try:
            return self._discovery.endpoints(at)
        except ProviderFailed:
            raise SignInRefused("unreachable") from None
