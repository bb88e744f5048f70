"""Token introspection (Kheops API 1.2; RFC 7662)."""

from __future__ import annotations

from functools import partial

from albumcore.errors import Forbidden, NotFound
from albumcore.json_object import Json, present
from albumcore_adapters.http.kheops.oauth import OAuthError, at_most_one, respond_to_client
from albumcore_adapters.http.kheops.parameters import Fields
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import NOTHING, shown
from albumcore_adapters.http.openapi.specs import TEXT, ParameterSpec
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.callers import by_report_token, caller_of
from albumcore_adapters.identity.capability_secrets import (
    Capability,
    capability_with,
    digest_of,
    is_secret,
)
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.service_tokens import (
    READ,
    WRITE,
    is_report_token,
    read_report_token,
)


def introspect(request: ApiRequest, auth: Authentication) -> Response:
    """Show whether a token is active, with its scope (RFC 7662).

    Any client may introspect tokens of report providers and capability tokens. Only an internal client may introspect
    others, and there is none.
    """
    return respond_to_client(request, partial(_introspection, auth))


def _introspection(auth: Authentication, form: Fields) -> Json:
    token = at_most_one(form, "token") or ""
    try:
        if is_secret(token):
            found = capability_with(auth, {"digest": digest_of(token)})
            return _INACTIVE if found is None else _of_capability(auth.issuer.root, found)
        if is_report_token(token):
            return _of_report(auth, token)
        caller_of(auth, token)
    except (Unauthorized, Forbidden, NotFound):
        return _INACTIVE
    raise OAuthError("invalid_client", "only internal clients may introspect such a token", 401)


_INACTIVE: Json = {"active": False}


def _of_capability(root: str, found: Capability) -> Json:
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
        "sub": found.creator.sub,
        "scope": " ".join(words),
        "iss": root,
        "cap_token": found.token_id,
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "nbf": int(token.not_before.timestamp()),
    } | present(album_id=found.album)


def _of_report(auth: Authentication, token: str) -> Json:
    caller = by_report_token(auth, token)
    found = read_report_token(auth.issuer, token, auth.clock())
    report, root = found.report, auth.issuer.root
    return {
        "active": True,
        "sub": report.sub,
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


ROUTES = (
    Route(
        *(
            "POST",
            "/token/introspect",
            introspect,
            "Show whether a token is active, with its scope (RFC 7662).",
        ),
        callers=Callers.ANYBODY,
        needs=NOTHING,
        form={"token": ParameterSpec(TEXT)},
        responses=shown("Introspection"),
        errors=(401,),
    ),
)
