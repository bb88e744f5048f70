"""Tokens that the service issues itself: codes and tokens of report providers, and tokens of viewers (Kheops API 1).

Also codes that sign a browser in, and the code and cookie of the viewer OHIF at an origin of its own.

They are stateless: nothing of them is stored. Each kind has a separate key, derived from the secret of the data
directory, so that every worker reads tokens of the others, also after a restart, and no token is accepted as another
kind.
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

from albumcore.ids import AlbumId, CapabilityTokenId, ReportProviderId, StudyUID
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwt_claims import MAX_TOKEN, BadClaim, check_claims, unverified

READ, WRITE = "read", "write"

_ALGORITHMS = ("HS256",)
SEALED_WITH = ("A128KW", "A128CBC-HS256")
"""The only accepted algorithms: of signed tokens (JWS), and of encrypted ones (JWE)."""


@frozen
class TokenKind:
    """One kind of token.

    Attributes:
        label: The label that its key is derived with.
        name: The value of its claim ``type``.
        life: Time of its validity.
        leeway: Allowed difference of the clocks of the workers that issue and read it.
    """

    label: bytes
    name: str
    life: timedelta
    leeway: timedelta = timedelta(0)

    @property
    def seconds(self) -> int:
        """Time of its validity, in seconds."""
        return int(self.life.total_seconds())


REPORT_TOKEN = TokenKind(
    b"kheops-report-token", "report_generator", timedelta(hours=1), timedelta(seconds=60)
)
REPORT_CODE = TokenKind(b"kheops-report-code", "report_provider_code", timedelta(minutes=10))
SIGN_IN_CODE = TokenKind(b"albumcore-sign-in-code", "sign_in_code", timedelta(minutes=5))
VIEWER_TOKEN = TokenKind(b"kheops-viewer-token", "viewer", timedelta(hours=5))
OHIF_CODE = TokenKind(
    b"albumcore-ohif-code", "ohif_code", timedelta(minutes=1), timedelta(seconds=60)
)
OHIF_SESSION = TokenKind(
    b"albumcore-ohif-session", "ohif_session", timedelta(hours=12), timedelta(seconds=60)
)


@frozen
class Issuer:
    """The issuer of service tokens: the secret of a data directory, and the address of the service (``iss``)."""

    secret: bytes = field(repr=False)
    root: str

    def key(self, kind: TokenKind, size: int = 32) -> OctKey:
        """The key of one kind of token, of up to 32 bytes."""
        return OctKey.import_key(hmac.digest(self.secret, kind.label, "sha256")[:size])


@frozen
class Report:
    """A report that a user requested from a report provider.

    Attributes:
        sub: The subject identifier of the user, in whose name the provider acts.
        client_id: The report provider.
        studies: The only studies that the provider reaches.
        scope: What the provider may do with them: `READ`, `WRITE`.
        capability_token: The capability token that the user acted through, if any.
    """

    sub: str
    client_id: ReportProviderId
    studies: tuple[StudyUID, ...]
    scope: tuple[str, ...] = (READ, WRITE)
    capability_token: CapabilityTokenId | None = None


@frozen
class ReportToken:
    """A verified access token of a report provider; its times are in seconds since 1970."""

    report: Report
    issued_at: int
    not_before: int
    expires_at: int


@frozen
class ReportCode:
    """A verified authorization code (RFC 6749 section 4.1).

    Attributes:
        report: The report it is for.
        redirect_uri: The address it was sent to.
        number: Its ``jti``, unique among all codes.
        ends_at: When it expires (UTC).
        issued_at: When it was issued, in seconds since 1970.
    """

    report: Report
    redirect_uri: str
    number: str
    ends_at: datetime
    issued_at: int


@frozen
class Viewer:
    """What a viewer may do with a token that was made from another one (RFC 8693).

    Attributes:
        subject: The other token, which must still be valid whenever this one is used.
        study: The one study.
        scope: What it may do with it: `READ`, `WRITE`.
        album: The one album in which it reaches the study; None without such a limit.
        inbox: Whether it reaches the study in the inbox only.
    """

    subject: str = field(repr=False)
    study: StudyUID
    scope: tuple[str, ...]
    album: AlbumId | None = None
    inbox: bool = False


@frozen
class SignInCode:
    """A verified code that signs a browser in, once.

    Attributes:
        sub: The subject identifier of who is signed in.
        account: The name of the TSCharts account that is signed in with them, if any.
        number: Its ``jti``, unique among all codes.
        ends_at: When it expires (UTC).
    """

    sub: str
    account: str | None
    number: str
    ends_at: datetime


@frozen
class OhifToken:
    """A verified code or cookie of the viewer OHIF: it stands for a session of the pages, and ends with it.

    Attributes:
        session: The digest of the id of the session, from which the id cannot be found.
        number: Its ``jti``, unique among all codes.
        ends_at: When it is refused by every clock (UTC).
    """

    session: str
    number: str
    ends_at: datetime


# Issuing


def sign_in_code(issuer: Issuer, sub: str, account: str | None, number: str, at: datetime) -> str:
    """Issue a code that signs a browser in at ``/ui/sign-in``, within five minutes."""
    more = {} if account is None else {"account": account}
    return _signed(issuer, SIGN_IN_CODE, {"sub": sub, "jti": number, **more}, at)


def ohif_token(issuer: Issuer, kind: TokenKind, session: str, number: str, at: datetime) -> str:
    """Issue what stands for a session at the origin of OHIF.

    Args:
        issuer: Who issues it.
        kind: `OHIF_CODE` in an address, once and within a minute; `OHIF_SESSION` in a cookie.
        session: The digest of the id of the session.
        number: The ``jti``, unique among all codes.
        at: The present (UTC).
    """
    return _signed(issuer, kind, {"session": session, "jti": number}, at)


def report_token(issuer: Issuer, report: Report, at: datetime) -> str:
    """Issue an access token for a report provider."""
    return _signed(issuer, REPORT_TOKEN, _claims_of(report), at)


def report_code(
    issuer: Issuer, report: Report, redirect_uri: str, number: str, at: datetime
) -> str:
    """Issue an authorization code, which a report provider exchanges for an access token."""
    more = {"redirect_uri": redirect_uri, "jti": number}
    return _signed(issuer, REPORT_CODE, _claims_of(report) | more, at)


def viewer_token(issuer: Issuer, viewer: Viewer, at: datetime) -> str:
    """Issue a token for viewing one study. It is encrypted: its subject is a secret."""
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
        "sub": report.sub,
        "azp": report.client_id,
        "studyUID": list(report.studies),
        "scope": " ".join(report.scope),
    } | ({} if through is None else {"cap_token": through})


def _signed(issuer: Issuer, kind: TokenKind, claims: Mapping[str, Any], at: datetime) -> str:
    now = int(at.timestamp())
    payload = {"iss": issuer.root, "aud": issuer.root, "type": kind.name, **claims}
    payload |= {"iat": now, "nbf": now, "exp": now + kind.seconds}
    return jws.serialize_compact(
        {"alg": _ALGORITHMS[0], "typ": "JWT"},
        orjson.dumps(payload),
        issuer.key(kind),
        algorithms=_ALGORITHMS,
    )


# Reading


@contextmanager
def _issued_here() -> Iterator[None]:
    """Raise `Unauthorized` for a token that was not issued here."""
    try:
        yield
    # Headers that nest too deep for the library raise RecursionError.
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unauthorized(_FOREIGN) from None


@_issued_here()
def read_report_token(issuer: Issuer, token: str, at: datetime) -> ReportToken:
    """Verify a report provider's access token.

    Raises:
        Unauthorized: it was not issued here, or is not valid now.
    """
    claims = _opened(issuer, REPORT_TOKEN, token, at)
    return ReportToken(_report(claims), claims["iat"], claims["nbf"], claims["exp"])


def is_report_token(token: str) -> bool:
    """Whether a token claims to be a report provider's access token. It is not verified."""
    return unverified(token)[1].get("type") == REPORT_TOKEN.name


@_issued_here()
def read_report_code(issuer: Issuer, code: str, at: datetime) -> ReportCode:
    """Verify an authorization code.

    Raises:
        Unauthorized: it was not issued here, or is not valid now.
    """
    claims = _opened(issuer, REPORT_CODE, code, at)
    ends_at = at + timedelta(seconds=claims["exp"] - int(at.timestamp()))
    return ReportCode(
        _report(claims), claims["redirect_uri"], claims["jti"], ends_at, claims["iat"]
    )


@_issued_here()
def read_sign_in_code(issuer: Issuer, code: str, at: datetime) -> SignInCode:
    """Verify a code that signs a browser in. The caller sees to it that it is used once.

    Raises:
        Unauthorized: it was not issued here, or is not valid now.
    """
    claims = _opened(issuer, SIGN_IN_CODE, code, at)
    ends_at = at + timedelta(seconds=claims["exp"] - int(at.timestamp()))
    return SignInCode(claims["sub"], claims.get("account"), claims["jti"], ends_at)


@_issued_here()
def read_ohif_token(issuer: Issuer, kind: TokenKind, token: str, at: datetime) -> OhifToken:
    """Verify what stands for a session at the origin of OHIF. The caller sees to it that a code is used once.

    Raises:
        Unauthorized: it was not issued here, is of another kind, or is not valid now.
    """
    claims = _opened(issuer, kind, token, at)
    # A clock may be behind by the leeway where it is read, and ahead by it where it is remembered.
    life = timedelta(seconds=claims["exp"] - int(at.timestamp())) + 2 * kind.leeway
    return OhifToken(claims["session"], claims["jti"], at + life)


@_issued_here()
def read_viewer_token(issuer: Issuer, token: str, at: datetime) -> Viewer:
    """Decrypt and verify a viewer's token, but not its subject.

    Raises:
        Unauthorized: it was not issued here, or is not valid now.
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
    """The claims of a token of this kind that was signed here and is valid now."""
    _require_short(token)
    signed = jws.deserialize_compact(token, issuer.key(kind), algorithms=_ALGORITHMS)
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
            _REFUSALS.get(bad.claim, "the token was issued for another purpose")
        ) from None


_FOREIGN = "the token was not issued by this service"
_REFUSALS: Mapping[str, str] = {
    "exp": "the token has expired",
    "nbf": "the token is not valid yet",
}


def _report(claims: Mapping[str, Any]) -> Report:
    return Report(
        claims["sub"],
        ReportProviderId(claims["azp"]),
        tuple(map(StudyUID, claims["studyUID"])),
        tuple(claims["scope"].split()),
        claims.get("cap_token"),
    )


def _require_short(token: str) -> None:
    if len(token) > MAX_TOKEN:
        raise Unauthorized(f"a token has at most {MAX_TOKEN} characters")
