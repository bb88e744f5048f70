"""Tokens for report providers and viewers: the token endpoint (Kheops API 1.3; RFC 6749, RFC 8693)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from attrs import frozen

from albumcore.errors import Forbidden, Invalid, NotFound
from albumcore.ids import AlbumId, StudyUID, is_uid
from albumcore.json_object import Json
from albumcore.kernel import shown_text
from albumcore_adapters.access.albums import reached
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.oauth import OAuthError, at_most_one, one, respond_to_client
from albumcore_adapters.http.kheops.parameters import Fields
from albumcore_adapters.http.kheops.reports import provider_named
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.openapi.specs import TEXT, ParameterSpec, ResponseSpec, one_of, ref
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.callers import (
    by_report_token,
    by_viewer_token,
    user_of_report,
)
from albumcore_adapters.identity.client_assertions import TYPE as JWT_BEARER
from albumcore_adapters.identity.client_assertions import (
    BadAssertion,
    check_signature,
    read_assertion,
)
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.service_tokens import (
    READ,
    REPORT_TOKEN,
    VIEWER_TOKEN,
    WRITE,
    ReportCode,
    Viewer,
    is_viewer_token,
    read_report_code,
    report_token,
    viewer_token,
)
from albumcore_adapters.outbound import Outbound

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105

_NOT_GOOD = (Unauthorized, Forbidden, NotFound)


@frozen
class TokenEndpoint:
    """The token endpoint (RFC 6749 section 3.2).

    Attributes:
        url: Its address, the audience of client assertions.
        auth: The components of authentication.
        outbound: Fetches the keys of report providers.
        single_use_tokens: The codes and assertions that were used (replay protection).
    """

    url: str
    auth: Authentication
    outbound: Outbound
    single_use_tokens: SingleUseTokens


def token(
    request: ApiRequest,
    auth: Authentication,
    outbound: Outbound,
    single_use_tokens: SingleUseTokens,
) -> Response:
    """Issue a token for a code, or for another token."""
    url = auth.issuer.root + request.req.path
    endpoint = TokenEndpoint(url, auth, outbound, single_use_tokens)
    return respond_to_client(request, partial(_issued, endpoint))


def _issued(endpoint: TokenEndpoint, form: Fields) -> Json:
    grant = GRANTS.get(one(form, "grant_type"))
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"one of {', '.join(GRANTS)} is expected")
    made, seconds = grant(endpoint, form)
    return {"access_token": made, "token_type": "bearer", "expires_in": seconds}


# For a code


def _by_code(endpoint: TokenEndpoint, form: Fields) -> tuple[str, int]:
    """A report provider's token, for its authorization code. A code can be used once.

    The keys of the provider are fetched last, after all other checks.
    """
    auth, single_use_tokens = endpoint.auth, endpoint.single_use_tokens
    at = auth.clock()
    code, redirect_uri = one(form, "code"), one(form, "redirect_uri")
    client_id = one(form, "client_id")
    try:
        if at_most_one(form, "client_assertion_type") != JWT_BEARER:
            raise BadAssertion(f"a report provider authenticates itself by {JWT_BEARER}")
        assertion = read_assertion(one(form, "client_assertion"), client_id, endpoint.url, at)
        found = provider_named(auth.albums, client_id)
        if found is None:
            raise BadAssertion("there is no such report provider")
        issued, made = _made_of(auth, code, client_id, redirect_uri)
        check_signature(
            assertion,
            shown_text(found.provider.url),
            endpoint.outbound,
            single_use_tokens,
            auth.clock,
        )
    except BadAssertion as error:
        raise OAuthError("invalid_client", error.detail) from None
    if not single_use_tokens.consume("code", issued.number, ends_at=issued.ends_at, at=at):
        raise OAuthError("invalid_grant", "the code was used before")
    return made, REPORT_TOKEN.seconds


def _made_of(
    auth: Authentication, code: str, client_id: str, redirect_uri: str
) -> tuple[ReportCode, str]:
    """The content of a code, and the token it is exchanged for."""
    at = auth.clock()
    try:
        issued = read_report_code(auth.issuer, code, at)
        if (issued.report.client_id, issued.redirect_uri) != (client_id, redirect_uri):
            raise Forbidden("the code was issued to another client, or for another redirect_uri")
        user_of_report(auth, issued.report, issued.issued_at)
        made = report_token(auth.issuer, issued.report, at)
        by_report_token(auth, made)
    except _NOT_GOOD as error:
        raise OAuthError("invalid_grant", error.detail) from None
    return issued, made


# For another token


def _by_exchange(endpoint: TokenEndpoint, form: Fields) -> tuple[str, int]:
    """A viewer's token, for another token. Whether its study exists is checked when it is used."""
    auth, viewer = endpoint.auth, _wanted(form)
    made = viewer_token(auth.issuer, viewer, auth.clock())
    try:
        if is_viewer_token(viewer.subject):
            raise Forbidden("a viewer's token is not issued for another viewer's token")
        caller = by_viewer_token(auth, made)
    except _NOT_GOOD as error:
        raise Invalid("subject_token", error.detail) from None
    if viewer.inbox and not caller.inbox:
        raise Invalid("source_type", "the subject_token does not reach an inbox")
    if viewer.album is not None:
        try:
            reached(auth.albums.index, caller, viewer.album)
        except NotFound:
            raise Invalid(
                "source_id", "the subject_token does not reach an album of this id"
            ) from None
    return made, VIEWER_TOKEN.seconds


def _wanted(form: Fields) -> Viewer:
    subject, scope = one(form, "subject_token"), one(form, "scope").split()
    if one(form, "subject_token_type") != ACCESS_TOKEN:
        raise Invalid("subject_token_type", f"{ACCESS_TOKEN} is expected")
    study = one(form, "studyUID")
    if not is_uid(study):
        raise Invalid("studyUID", "it is not a UID")
    if "pep" in scope:
        raise OAuthError(
            "unauthorized_client", "the scope pep is for internal clients; there are none"
        )
    if "viewer" not in scope or not {"viewer", READ, WRITE}.issuperset(scope):
        raise OAuthError(
            "invalid_scope", f"viewer is expected, and optionally {READ}, {WRITE} or both"
        )
    kind, album = at_most_one(form, "source_type"), at_most_one(form, "source_id")
    if kind not in (None, "album", "inbox"):
        raise Invalid("source_type", "album or inbox is expected")
    if (kind == "album") != (album is not None):
        raise Invalid(
            "source_id", "it is required if source_type is album, and not allowed otherwise"
        )
    # A viewer may read by default.
    words = tuple(word for word in (READ, WRITE) if word in scope) or (READ,)
    of_album = None if album is None else AlbumId(album)
    return Viewer(subject, StudyUID(study), words, of_album, kind == "inbox")


GRANTS: Mapping[str, Callable[[TokenEndpoint, Fields], tuple[str, int]]] = {
    "authorization_code": _by_code,
    TOKEN_EXCHANGE: _by_exchange,
}
"""By grant type: issues a token, and returns it with its lifetime in seconds."""


_OF_CODES = ("code", "client_id", "redirect_uri", "client_assertion_type", "client_assertion")
_OF_EXCHANGES = (
    "subject_token",
    "subject_token_type",
    "scope",
    "studyUID",
    "source_type",
    "source_id",
)

ROUTES = (
    Route(
        *("POST", "/token", token, "Exchange a code or a token for a token (RFC 6749, RFC 8693)."),
        callers=Callers.ANYBODY,
        needs="a code of the client, or a token, in the form",
        form={
            "grant_type": ParameterSpec(one_of(*GRANTS), required=True),
            **{name: ParameterSpec(TEXT) for name in _OF_CODES},
            **{name: ParameterSpec(TEXT) for name in _OF_EXCHANGES},
        },
        responses={
            200: ResponseSpec("The token.", {JSON: ref("Token")}),
            400: ResponseSpec("The error.", {JSON: ref("TokenError")}),
            401: ResponseSpec(
                "The error: the client is not authenticated.", {JSON: ref("TokenError")}
            ),
        },
    ),
)
