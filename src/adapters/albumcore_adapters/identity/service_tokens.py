"""Tokens that the service makes itself: codes and tokens of report providers, and tokens of viewers (Kheops API 1).

Nothing is kept of them. Each kind has a key of its own, derived from the secret of the data directory. So every
worker can read what another one made, also after a restart, and no token passes as one of another kind.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson
from attrs import field, frozen
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from albumcore.ids import AlbumId, CapabilityTokenId, ReportProviderId, StudyUID, UserId
from albumcore_adapters.identity.claims import MAX_TOKEN, BadClaim, check_claims, unverified
from albumcore_adapters.identity.errors import Unauthorized

READ, WRITE = "read", "write"

SIGNED_WITH = ("HS256",)
SEALED_WITH = ("A128KW", "A128CBC-HS256")
"""The only algorithms of each kind."""


@frozen
class TokenKind:
    """One kind of token.

    Attributes:
        label: What its key is derived with.
        name: What it calls itself, in ``type``.
        life: How long it is good for.
        leeway: How far the clocks of those who made it and who read it may differ.
    """

    label: bytes
    name: str
    life: timedelta
    leeway: timedelta = timedelta(0)

    @property
    def seconds(self) -> int:
        """Its life in seconds."""
        return int(self.life.total_seconds())


REPORT_TOKEN = TokenKind(
    b"kheops-report-token", "report_generator", timedelta(hours=1), timedelta(seconds=60)
)
REPORT_CODE = TokenKind(b"kheops-report-code", "report_provider_code", timedelta(minutes=10))
VIEWER_TOKEN = TokenKind(b"kheops-viewer-token", "viewer", timedelta(hours=5))


@frozen
class Issuer:
    """Who makes tokens: a data directory, by its secret, and the address it is reached at."""

    secret: bytes = field(repr=False)
    root: str

    def key(self, kind: TokenKind, size: int = 32) -> OctKey:
        """The key of one kind of token, of up to 32 bytes."""
        return OctKey.import_key(hmac.digest(self.secret, kind.label, "sha256")[:size])


@frozen
class Report:
    """What a report provider was asked to report on.

    Attributes:
        user: Who asked it, and in whose name it acts.
        client_id: The report provider.
        studies: All that it may reach.
        scope: What it may do with them: `READ`, `WRITE`.
        capability_token: The token that the user asked through, if it was one.
    """

    user: UserId
    client_id: ReportProviderId
    studies: tuple[StudyUID, ...]
    scope: tuple[str, ...] = (READ, WRITE)
    capability_token: CapabilityTokenId | None = None


@frozen
class ReportToken:
    """A report provider's access token that was found good, and when it was made and ends (seconds since 1970)."""

    report: Report
    issued_at: int
    not_before: int
    expires_at: int


@frozen
class ReportCode:
    """An authorization code that was found good.

    Attributes:
        report: What it stands for.
        redirect_uri: Where it was sent to.
        number: What no other code has.
        ends_at: When it ends (UTC).
        issued_at: When it was made (seconds since 1970).
    """

    report: Report
    redirect_uri: str
    number: str
    ends_at: datetime
    issued_at: int


@frozen
class Viewer:
    """What somebody may look at by a token made of another one.

    Attributes:
        subject: The other token, which must still be good whenever this one is used.
        study: The one study.
        scope: What it may do with it: `READ`, `WRITE`.
        album: The one album it looks at the study in, if it is one.
        inbox: Whether it looks at the study in the inbox alone.
    """

    subject: str = field(repr=False)
    study: StudyUID
    scope: tuple[str, ...]
    album: AlbumId | None = None
    inbox: bool = False


# Making them


def report_token(issuer: Issuer, report: Report, at: datetime) -> str:
    """Make an access token for a report provider."""
    return _signed(issuer, REPORT_TOKEN, _claims_of(report), at)


def report_code(
    issuer: Issuer, report: Report, redirect_uri: str, number: str, at: datetime
) -> str:
    """Make a code that a report provider can have an access token for."""
    told = {"redirect_uri": redirect_uri, "jti": number}
    return _signed(issuer, REPORT_CODE, _claims_of(report) | told, at)


def viewer_token(issuer: Issuer, viewer: Viewer, at: datetime) -> str:
    """Make a token for looking at a study. Nobody but us can read what is in it."""
    claims = {
        "sub_token": viewer.subject,
        "studyUID": viewer.study,
        "scope": " ".join(viewer.scope),
        "source_id": viewer.album,
        "inbox": viewer.inbox,
        "exp": int(at.timestamp()) + VIEWER_TOKEN.seconds,
    }
    alg, enc = SEALED_WITH
    return jwe.encrypt_compact(
        {"alg": alg, "enc": enc},
        orjson.dumps(claims),
        issuer.key(VIEWER_TOKEN, 16),
        algorithms=SEALED_WITH,
    )


def _claims_of(report: Report) -> dict[str, Any]:
    through = report.capability_token
    return {
        "sub": report.user,
        "azp": report.client_id,
        "studyUID": list(report.studies),
        "scope": " ".join(report.scope),
    } | ({} if through is None else {"cap_token": through})


def _signed(issuer: Issuer, kind: TokenKind, claims: Mapping[str, Any], at: datetime) -> str:
    now = int(at.timestamp())
    payload = {"iss": issuer.root, "aud": issuer.root, "type": kind.name, **claims}
    payload |= {"iat": now, "nbf": now, "exp": now + kind.seconds}
    return jws.serialize_compact(
        {"alg": SIGNED_WITH[0], "typ": "JWT"},
        orjson.dumps(payload),
        issuer.key(kind),
        algorithms=SIGNED_WITH,
    )


# Reading them


@contextmanager
def _made_here() -> Iterator[None]:
    """Refuse whatever turns out not to be a token as we make them."""
    try:
        yield
    # A RecursionError comes from headers that nest too deep for the library.
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unauthorized(_FOREIGN) from None


@_made_here()
def read_report_token(issuer: Issuer, token: str, at: datetime) -> ReportToken:
    """Read a report provider's access token.

    Raises:
        Unauthorized: it is not good: not ours, or not valid now.
    """
    claims = _opened(issuer, REPORT_TOKEN, token, at)
    return ReportToken(_report(claims), claims["iat"], claims["nbf"], claims["exp"])


def is_report_token(token: str) -> bool:
    """Whether a token calls itself a report provider's access token; it may be lying."""
    return unverified(token)[1].get("type") == REPORT_TOKEN.name


@_made_here()
def read_report_code(issuer: Issuer, code: str, at: datetime) -> ReportCode:
    """Read an authorization code.

    Raises:
        Unauthorized: it is none, or not good.
    """
    claims = _opened(issuer, REPORT_CODE, code, at)
    ends_at = at + timedelta(seconds=claims["exp"] - int(at.timestamp()))
    return ReportCode(
        _report(claims), claims["redirect_uri"], claims["jti"], ends_at, claims["iat"]
    )


@_made_here()
def read_viewer_token(issuer: Issuer, token: str, at: datetime) -> Viewer:
    """Read a viewer's token.

    Raises:
        Unauthorized: it is not good: not ours, or not valid now. Its subject was not looked at.
    """
    _require_short(token)
    opened = jwe.decrypt_compact(token, issuer.key(VIEWER_TOKEN, 16), algorithms=SEALED_WITH)
    claims = orjson.loads(opened.plaintext or b"")
    _check(claims, {}, VIEWER_TOKEN, at)
    return Viewer(
        claims["sub_token"],
        StudyUID(claims["studyUID"]),
        tuple(claims["scope"].split()),
        None if claims["source_id"] is None else AlbumId(claims["source_id"]),
        claims["inbox"],
    )


def is_viewer_token(token: str) -> bool:
    """Whether a token has the form of a viewer's: the five parts of a JWE (RFC 7516), joined by dots."""
    return token.count(".") == 4


def _opened(issuer: Issuer, kind: TokenKind, token: str, at: datetime) -> dict[str, Any]:
    """The claims of a token that we signed as this kind, and that is valid now."""
    _require_short(token)
    signed = jws.deserialize_compact(token, issuer.key(kind), algorithms=SIGNED_WITH)
    claims: dict[str, Any] = orjson.loads(signed.payload)
    parties = {"iss": issuer.root, "aud": issuer.root, "type": kind.name}
    _check(claims, parties, kind, at)
    return claims


def _check(
    claims: Mapping[str, Any], parties: Mapping[str, str], kind: TokenKind, at: datetime
) -> None:
    try:
        check_claims(claims, parties, at, kind.leeway.total_seconds())
    except BadClaim as bad:
        if bad.malformed:
            raise Unauthorized(_FOREIGN) from None
        raise Unauthorized(
            _REFUSALS.get(bad.claim, "the token was made for something else")
        ) from None


_FOREIGN = "the token is not one that was made here"
_REFUSALS: Mapping[str, str] = {
    "exp": "the token has expired",
    "nbf": "the token is not valid yet",
}


def _report(claims: Mapping[str, Any]) -> Report:
    return Report(
        UserId(claims["sub"]),
        ReportProviderId(claims["azp"]),
        tuple(map(StudyUID, claims["studyUID"])),
        tuple(claims["scope"].split()),
        claims.get("cap_token"),
    )


def _require_short(token: str) -> None:
    if len(token) > MAX_TOKEN:
        raise Unauthorized(f"a token has at most {MAX_TOKEN} characters")
