"""Who somebody is, by a token, and whether a token is good (Kheops API 1.1, 1.2, 1.4); answers to OAuth clients."""

from __future__ import annotations

from collections.abc import Callable

from albumcore.errors import Forbidden, Invalid, NotFound
from albumcore_adapters.http.kheops.feed_json import Json, present
from albumcore_adapters.http.kheops.params import Fields
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.identity.callers import (
    Capability,
    by_report_token,
    caller_of,
    capability_with,
    claims_of,
    digest_of,
    is_secret,
)
from albumcore_adapters.identity.jwt import Unauthorized, bearer
from albumcore_adapters.identity.service_tokens import (
    READ,
    WRITE,
    is_report_token,
    read_report_token,
)

CONFIGURATION = "/.well-known/report-provider-configuration"


# Who somebody is


def register(request: ApiRequest) -> None:
    """Make the user known whose token is in the form, with the name and e-mail address that it tells.

    Other than upstream, no identity provider is asked for them: the token alone tells.

    Raises:
        Invalid: there is no token, or it is not good.
        EmailTaken: the address is somebody else's. Nothing is stored then.
    """
    token = request.form().text("access_token")
    if not token:
        raise Invalid("access_token", "it is needed")
    try:
        claims = claims_of(request.service.auth, token)
    except Unauthorized as error:
        raise Invalid("access_token", error.detail) from None
    person = request.service.people.register(claims.sub, claims.email, claims.name)
    request.answer(present(email=person.email, name=person.name, sub=person.sub))


def userinfo(request: ApiRequest) -> None:
    """Tell a report provider in whose name it acts.

    Raises:
        Forbidden: somebody else asks.
    """
    if not is_report_token(bearer(request.req.get_header("Authorization"))):
        raise Forbidden("this is for report providers alone")
    person = request.service.people.person(request.caller.user)
    told = present(name=person.name, email=person.email) if person else {}
    request.answer({"sub": request.caller.user} | told)


def configuration(request: ApiRequest) -> None:
    """Describe the service to report providers."""
    settings = request.service.settings
    base = base_of(request)
    request.answer(
        {
            "issuer": settings.root,
            "dicomweb_endpoint": base,
            "dicomweb_uri_endpoint": f"{base}/wado",
            "token_endpoint": f"{base}/token",
            "introspection_endpoint": f"{base}/token/introspect",
            "userinfo_endpoint": f"{base}/userinfo",
            "grant_types_supported": ["authorization_code", "implicit"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "introspection_endpoint_auth_methods_supported": ["none"],
            "response_types_supported": ["code", "token"],
            "response_modes_supported": ["query", "fragment"],
        }
    )


def base_of(request: ApiRequest) -> str:
    """Where clients reach the routes of this API, without a slash at its end."""
    settings = request.service.settings
    return settings.root + (settings.kheops_prefix or "")


# Answers in the way of OAuth


class Refused(Exception):
    """A request of a client that is refused in the way of OAuth (RFC 6749 section 5.2).

    Attributes:
        error: The code of the error.
        detail: One sentence for a person.
        status: The HTTP status.
    """

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail
        self.status = status


def answer_client(request: ApiRequest, found: Callable[[ApiRequest, Fields], Json]) -> None:
    """Answer a client with what is found for its form, or with why not; nobody keeps a copy of it."""
    try:
        try:
            _refuse_internal(request)
            told, status = found(request, request.form()), 200
        except Invalid as error:
            raise Refused("invalid_request", error.detail) from None
    except Refused as error:
        told, status = {"error": error.error, "error_description": error.detail}, error.status
    request.answer(told, status)
    request.resp.set_headers({"Cache-Control": "no-store", "Pragma": "no-cache"})
    if status == 401:
        request.resp.set_header("WWW-Authenticate", "Basic")


def _refuse_internal(request: ApiRequest) -> None:
    scheme, _, _ = (request.req.get_header("Authorization") or "").strip().partition(" ")
    if scheme.lower() == "basic":
        raise Refused("invalid_client", "there are no clients with a password")


def one(form: Fields, name: str) -> str:
    """The value of a field that is there once.

    Raises:
        Invalid: it is not there, empty, or there more than once.
    """
    text = at_most_one(form, name)
    if not text:
        raise Invalid(name, "it is needed")
    return text


def at_most_one(form: Fields, name: str) -> str | None:
    """The value of a field that may be there once; None where it is not.

    Raises:
        Invalid: it is there more than once.
    """
    if len(form.texts(name)) > 1:
        raise Invalid(name, "it is needed once")
    return form.text(name)


# Judging tokens


def introspect(request: ApiRequest) -> None:
    """Tell whether a token is good, and what it is for (RFC 7662).

    Anybody may ask this of the tokens of report providers and of capability tokens. Of the others, an internal
    client may, and there is none.
    """
    answer_client(request, _introspect)


def _introspect(request: ApiRequest, form: Fields) -> Json:
    token = at_most_one(form, "token") or ""
    try:
        if is_secret(token):
            found = capability_with(request.service.auth, {"digest": digest_of(token)})
            return {"active": False} if found is None else _of_capability(request, found)
        if is_report_token(token):
            return _of_report(request, token)
        caller_of(request.service.auth, token)
    except (Unauthorized, Forbidden, NotFound):
        return {"active": False}
    raise Refused("invalid_client", "only internal clients ask this of such a token", 401)


def _of_capability(request: ApiRequest, found: Capability) -> Json:
    token, grants = found.token, found.token.grants
    words = ["user"] if found.album is None else []
    words += [
        word
        for word, granted in (
            (READ, grants.read),
            (WRITE, grants.write),
            ("downloadbutton", grants.download),
            ("send", grants.appropriate),
        )
        if granted or found.album is None
    ]
    return {
        "active": True,
        "sub": token.creator,
        "scope": " ".join(words),
        "iss": request.service.settings.root,
        "cap_token": found.token_id,
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "nbf": int(token.not_before.timestamp()),
    } | present(album_id=found.album)


def _of_report(request: ApiRequest, token: str) -> Json:
    service = request.service
    caller = by_report_token(service.auth, token)
    found = read_report_token(service.auth.issuer, token, service.clock())
    assert caller is not None and found is not None  # noqa: PT018
    report, root = found.report, service.settings.root
    return {
        "active": True,
        "sub": report.user,
        "scope": " ".join(report.scope),
        "iss": root,
        "aud": root,
        "azp": report.client_id,
        "client_id": report.client_id,
        "exp": found.expires_at,
        "iat": found.issued_at,
        "nbf": found.not_before,
        "album_id": caller.album,
        "studyUID": list(report.studies),
    } | present(cap_token=report.capability_token)
