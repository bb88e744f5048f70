"""Tokens for report providers and viewers: what one can be had for (Kheops API 1.3; RFC 6749, RFC 8693)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from albumcore.errors import Forbidden, Invalid, NotFound
from albumcore.ids import AlbumId, StudyUID, is_uid
from albumcore_adapters.access.albums import reached
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.feed_json import Json
from albumcore_adapters.http.kheops.oauth import Refused, answer_client, at_most_one, one
from albumcore_adapters.http.kheops.params import Fields
from albumcore_adapters.http.kheops.reports import provider_named
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import TEXT, ParameterSpec, ResponseSpec, one_of, ref
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.callers import (
    by_report_token,
    by_viewer_token,
    refuse_ended,
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

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105

_NOT_GOOD = (Unauthorized, Forbidden, NotFound)


def token(request: ApiRequest) -> None:
    """Give a token for a code, or for another token."""
    answer_client(request, _token)


def _token(request: ApiRequest, form: Fields) -> Json:
    grant = GRANTS.get(one(form, "grant_type"))
    if grant is None:
        raise Refused("unsupported_grant_type", f"it is one of {', '.join(GRANTS)}")
    made, seconds = grant(request, form)
    return {"access_token": made, "token_type": "bearer", "expires_in": seconds}


# For a code


def _by_code(request: ApiRequest, form: Fields) -> tuple[str, int]:
    """A report provider's token, for a code that was sent to it, once.

    The provider's own server is asked for its keys after everything else was found good.
    """
    service, at = request.service, request.service.clock()
    code, redirect_uri = one(form, "code"), one(form, "redirect_uri")
    client_id = one(form, "client_id")
    try:
        if at_most_one(form, "client_assertion_type") != JWT_BEARER:
            raise BadAssertion(f"a report provider proves who it is by {JWT_BEARER}")
        here = service.settings.root + request.req.path
        assertion = read_assertion(one(form, "client_assertion"), client_id, here, at)
        found = provider_named(service.albums, client_id)
        if found is None:
            raise BadAssertion("there is no such report provider")
        issued, made = _made_of(request, code, client_id, redirect_uri)
        check_signature(
            assertion,
            found.provider.url,
            service.outbound,
            service.single_use_tokens,
            service.clock,
        )
    except BadAssertion as error:
        raise Refused("invalid_client", error.detail) from None
    if not service.single_use_tokens.consume("code", issued.number, ends_at=issued.ends_at, at=at):
        raise Refused("invalid_grant", "the code was used before")
    return made, REPORT_TOKEN.seconds


def _made_of(
    request: ApiRequest, code: str, client_id: str, redirect_uri: str
) -> tuple[ReportCode, str]:
    """What a code says, and the token that it is good for."""
    auth, at = request.service.auth, request.service.clock()
    try:
        issued = read_report_code(auth.issuer, code, at)
        if (issued.report.client_id, issued.redirect_uri) != (client_id, redirect_uri):
            raise Forbidden("the code was sent to another client, or elsewhere")
        refuse_ended(auth.jwt_revocations, issued.report, issued.issued_at)
        made = report_token(auth.issuer, issued.report, at)
        by_report_token(auth, made)
    except _NOT_GOOD as error:
        raise Refused("invalid_grant", error.detail) from None
    return issued, made


# For another token


def _by_exchange(request: ApiRequest, form: Fields) -> tuple[str, int]:
    """A viewer's token, for another token. Whether the study is there is seen whenever it is used."""
    service = request.service
    viewer = _wanted(form)
    made = viewer_token(service.auth.issuer, viewer, service.clock())
    try:
        if is_viewer_token(viewer.subject):
            raise Forbidden("a viewer's token is not made of another one")
        caller = by_viewer_token(service.auth, made)
    except _NOT_GOOD as error:
        raise Invalid("subject_token", error.detail) from None
    if viewer.inbox and not caller.inbox:
        raise Invalid("source_type", "the subject_token does not reach an inbox")
    if viewer.album is not None:
        try:
            reached(service.albums.index, caller, viewer.album)
        except NotFound:
            raise Invalid("source_id", "there is no such album for the subject_token") from None
    return made, VIEWER_TOKEN.seconds


def _wanted(form: Fields) -> Viewer:
    subject, scope = one(form, "subject_token"), one(form, "scope").split()
    if one(form, "subject_token_type") != ACCESS_TOKEN:
        raise Invalid("subject_token_type", f"it is {ACCESS_TOKEN}")
    study = one(form, "studyUID")
    if not is_uid(study):
        raise Invalid("studyUID", "it is no UID")
    if "pep" in scope:
        raise Refused(
            "unauthorized_client", "the scope pep is for internal clients; there are none"
        )
    if "viewer" not in scope or not {"viewer", READ, WRITE}.issuperset(scope):
        raise Refused("invalid_scope", f"it is viewer, with {READ}, {WRITE} or both beside it")
    kind, album = at_most_one(form, "source_type"), at_most_one(form, "source_id")
    if kind not in (None, "album", "inbox"):
        raise Invalid("source_type", "it is album or inbox")
    if (kind == "album") != (album is not None):
        raise Invalid("source_id", "it names the album where source_type is album, and only there")
    # To look is what a viewer is for: it may read where nothing is said of it.
    words = tuple(word for word in (READ, WRITE) if word in scope) or (READ,)
    of_album = None if album is None else AlbumId(album)
    return Viewer(subject, StudyUID(study), words, of_album, kind == "inbox")


GRANTS: Mapping[str, Callable[[ApiRequest, Fields], tuple[str, int]]] = {
    "authorization_code": _by_code,
    TOKEN_EXCHANGE: _by_exchange,
}
"""What a token can be had for: makes it, and tells for how many seconds it is good."""


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
        "POST",
        "/token",
        token,
        summary="Exchange a code or a token for another (RFC 6749, RFC 8693).",
        callers=Callers.ANYBODY,
        needs="a code that is the client's, or a token in the form",
        form={
            "grant_type": ParameterSpec(one_of(*GRANTS), required=True),
            **{name: ParameterSpec(TEXT) for name in _OF_CODES},
            **{name: ParameterSpec(TEXT) for name in _OF_EXCHANGES},
        },
        responses={
            200: ResponseSpec("The token.", {JSON: ref("Token")}),
            400: ResponseSpec("Why there is none.", {JSON: ref("TokenError")}),
            401: ResponseSpec("Why there is none.", {JSON: ref("TokenError")}),
        },
    ),
)
