"""JWTs of users: verification, and issuing by the service itself (Kheops API 1)."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Self

import orjson
from attrs import field, frozen
from joserfc import jws
from joserfc.errors import JoseError

from albumcore.errors import Invalid
from albumcore.ids import user_id
from albumcore.times import Clock
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.people import changes_letters
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwks import (
    JwksKeys,
    KeySource,
    SecretKeys,
    embedded_key,
)
from albumcore_adapters.identity.jwt_claims import MAX_TOKEN, BadClaim, check_claims, json_object

EMBEDDED = "albumcore"
"""Issuer and audience of the tokens the service signs itself, unless the settings say otherwise."""

MAX_TTL = 10 * 366 * 24 * 3600
"""Longest validity of tokens by `issue_token`, in seconds: ten years."""

MAX_TEXT = 1024
"""Longest name or e-mail address, in characters (Kheops API, limits)."""

_REMEMBERED = 1024
_TRUST = timedelta(seconds=300)
"""A cached verification is repeated after this time, so that tokens of a withdrawn key are refused."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@frozen
class JwtClaims:
    """The claims of a verified token.

    Attributes:
        sub: The subject, a valid subject identifier.
        email: The e-mail address, unless it is not verified.
        name: The display name.
        issued_at: Time of issue (``iat``), in seconds since 1970; None if it is absent.
    """

    sub: str
    email: str | None = None
    name: str | None = None
    issued_at: float | None = field(default=None, eq=False)


class _Registry(jws.JWSRegistry):
    # Unknown header parameters are ignored (RFC 7515 section 4). Some providers add a certificate chain, which is
    # longer than the library accepts by default.
    max_header_length = MAX_TOKEN

    def __init__(self, algorithms: tuple[str, ...]) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)


class _Remembered:
    """Least-recently-used cache of verified claims, by the digest of the token, each until a given time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: OrderedDict[bytes, tuple[JwtClaims, datetime]] = OrderedDict()

    def get(self, token: str, at: datetime) -> JwtClaims | None:
        digest = _digest(token)
        with self._lock:
            claims, until = self._entries.get(digest, (None, at))
            if claims is None:
                return None
            if at >= until:
                del self._entries[digest]
                return None
            self._entries.move_to_end(digest)
            return claims

    def put(self, token: str, claims: JwtClaims, until: datetime) -> None:
        with self._lock:
            self._entries[_digest(token)] = (claims, until)
            if len(self._entries) > _REMEMBERED:
                self._entries.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()


@frozen
class JwtVerifier:
    """Verifies JWTs against one source of keys.

    Attributes:
        keys: The source of keys, which also fixes the algorithms.
        issuer: The expected ``iss``.
        audience: The expected ``aud``, or one of its values.
        leeway: Allowed difference of the clocks of issuer and service, in seconds.
        clock: Returns the present time (UTC).
        requires_verified_email: Whether an address is used only if ``email_verified`` is present and true.
    """

    keys: KeySource
    issuer: str
    audience: str
    leeway: int
    clock: Clock
    requires_verified_email: bool = False
    _remembered: _Remembered = field(factory=_Remembered, init=False, eq=False, repr=False)

    @classmethod
    def of(cls, settings: Settings, secret: bytes, clock: Clock) -> Self:
        """Return the verifier of the settings: against a JWKS if they name one, otherwise against the secret."""
        return cls(
            JwksKeys(settings.jwks_url) if settings.jwks_url else SecretKeys(secret),
            settings.jwt_issuer or EMBEDDED,
            settings.jwt_audience or EMBEDDED,
            settings.jwt_leeway,
            clock,
            settings.require_verified_email,
        )

    def verify(self, token: str) -> JwtClaims:
        """Return the claims of ``token`` if it is valid now.

        Raises:
            Unauthorized: it is malformed, of another issuer or audience, or not valid now.
            KeysUnavailable: no keys are available.
        """
        if len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
            raise Unauthorized("the token is not a JWT")
        at = self.clock()
        claims = self._remembered.get(token, at)
        if claims is None:
            payload = self._payload(token, at)
            claims = self.profile(payload)
            self._check(payload, at)
            ends_in = timedelta(seconds=payload["exp"] + self.leeway - at.timestamp())
            self._remembered.put(token, claims, at + min(ends_in, _TRUST))
        return claims

    def profile(self, payload: Mapping[str, Any]) -> JwtClaims:
        """What the identity provider says of a user, in a verified token or at its UserInfo endpoint.

        Raises:
            Unauthorized: a claim is malformed.
        """
        try:
            return _claims(payload if self._is_verified(payload) else {**payload, "email": None})
        except Invalid as error:
            raise Unauthorized(f"the token's {error.detail}") from None

    def _is_verified(self, payload: Mapping[str, Any]) -> bool:
        """Whether the e-mail address in a token is verified: any other may belong to another person.

        If ``email_verified`` is present, it must be ``true``, or the text "true", as some providers write it.
        """
        if "email_verified" not in payload:
            return not self.requires_verified_email
        verified = payload["email_verified"]
        return verified is True or verified == "true"

    def _payload(self, token: str, at: datetime) -> dict[str, Any]:
        """Return the payload, its signature verified."""
        header = _json_object(token.partition(".")[0])
        alg, kid = header.get("alg"), header.get("kid")
        if alg not in self.keys.algorithms:
            raise Unauthorized("the token's algorithm is not accepted")
        if not isinstance(kid, str | None) or "crit" in header or "b64" in header:
            raise Unauthorized("the token's header is not accepted")
        key = self.keys.find(alg, kid, at)
        if key is None:
            raise Unauthorized("the token is signed with an unknown key")
        try:
            jws.deserialize_compact(token, key, registry=_Registry(self.keys.algorithms))
        # A header that nests too deep for the library's parser raises RecursionError.
        except (JoseError, ValueError, TypeError, RecursionError):
            raise Unauthorized("the token's signature is not valid") from None
        return _json_object(token.split(".")[1])

    def _check(self, payload: Mapping[str, Any], at: datetime) -> None:
        """Check that the token is from our issuer, for us, and valid now."""
        try:
            check_claims(payload, {"iss": self.issuer, "aud": self.audience}, at, self.leeway)
        except BadClaim as bad:
            if bad.malformed:
                raise Unauthorized(f"the token's {bad.claim} {bad.malformed}") from None
            raise Unauthorized(_REFUSALS[bad.claim]) from None


_REFUSALS: Mapping[str, str] = {
    "iss": "the token is from another issuer",
    "aud": "the token is for another audience",
    "exp": "the token has expired",
    "nbf": "the token is not valid yet",
}


def issue_token(
    secret: bytes,
    sub: str,
    email: str | None,
    name: str | None,
    ttl: int,
    now: datetime,
    *,
    issuer: str = EMBEDDED,
    audience: str = EMBEDDED,
) -> str:
    """Return a JWT of the embedded issuer, valid for ``ttl`` seconds from ``now``.

    Its e-mail address is marked as verified.

    Raises:
        Invalid: the verifier would refuse a value, or the lower case of the address has other letters.
    """
    if not 0 < ttl <= MAX_TTL:
        raise Invalid("ttl", f"a token is valid for 1 to {MAX_TTL} seconds")
    if email is not None and changes_letters(email):
        raise Invalid("email", "a letter outside ASCII is one of ASCII in lower case")
    claims = _claims({"sub": sub, "email": email, "name": name})
    issued_at = int(now.timestamp())
    payload = {"iss": issuer, "aud": audience, "iat": issued_at, "exp": issued_at + ttl}
    payload |= {"sub": claims.sub, "email": claims.email, "name": claims.name}
    payload["email_verified"] = None if claims.email is None else True
    payload = {claim: value for claim, value in payload.items() if value is not None}
    return jws.serialize_compact(
        {"alg": "HS256", "typ": "JWT"}, orjson.dumps(payload), embedded_key(secret)
    )


def _json_object(segment: str) -> dict[str, Any]:
    found = json_object(segment)
    if found is None:
        raise Unauthorized("the token does not contain JSON objects")
    return found


def _claims(payload: Mapping[str, Any]) -> JwtClaims:
    sub = payload.get("sub")
    if not isinstance(sub, str):
        raise Invalid("sub", "a text is required")
    issued_at = payload.get("iat")
    # It is read only if tokens of the user were revoked: until then, a malformed one counts as absent.
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        issued_at = None
    return JwtClaims(user_id(sub), _text(payload, "email"), _text(payload, "name"), issued_at)


def _text(payload: Mapping[str, Any], claim: str) -> str | None:
    """Return an optional text; a blank one counts as absent."""
    value = payload.get(claim)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_TEXT or _UNPRINTABLE.search(value):
        raise Invalid(claim, f"a text has at most {MAX_TEXT} characters and no control characters")
    # Only ASCII spaces: an address with another kind of blank around it is another address.
    return value.strip(" ") or None
