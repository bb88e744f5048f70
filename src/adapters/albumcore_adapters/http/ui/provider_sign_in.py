"""Signing in with the identity provider, by OpenID Connect; see `albumcore_adapters.identity.oidc`."""

from __future__ import annotations

import falcon

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.session import SessionCookies
from albumcore_adapters.http.ui.sign_in import HOME, LONGEST_SESSION, own_page
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.identity.oidc import (
    ATTEMPT_SECONDS,
    REASONS,
    OpenIdConnect,
    SignInAttempt,
    SignInRefused,
)

COOKIE = "albumcore_sign_in"
"""The cookie of an attempt to sign in, which binds it to the browser."""

ANSWER = "/ui/sign-in/answer"
"""The redirect URI, below the public address."""


def to_provider(request: PageRequest, settings: Settings, openid: OpenIdConnect | None) -> Response:
    """Begin to sign in: lead the browser to the provider.

    Raises:
        falcon.HTTPNotFound: there is no provider.
    """
    client = _client(openid)
    attempt = SignInAttempt.begin(own_page(request.query.text("back"), request.prefix), request.now)
    try:
        address = client.address(attempt, _redirect_uri(request, settings), request.now)
    except SignInRefused as refusal:
        return _refused(request, settings, refusal)
    cookie = _cookie(request, settings, client.sealed(attempt), ATTEMPT_SECONDS)
    return Response(303, headers={"Location": address}, cookies=[cookie])


def from_provider(
    request: PageRequest,
    settings: Settings,
    openid: OpenIdConnect | None,
    cookies: SessionCookies,
) -> Response:
    """Sign in by what the provider sends back with the browser.

    Raises:
        falcon.HTTPNotFound: there is no provider.
    """
    client = _client(openid)
    try:
        attempt = client.attempt_in(request.req.cookies.get(COOKIE), request.now)
        answer = {name: request.query.text(name) for name in ("state", "code", "error", "iss")}
        caller = client.caller(attempt, answer, _redirect_uri(request, settings), request.now)
    except SignInRefused as refusal:
        return _refused(request, settings, refusal)
    ends_at = request.now + LONGEST_SESSION
    made = cookies.begin("kheops", caller.user, ends_at, request.prefix)
    where = attempt.back or request.url(HOME)
    ended = _cookie(request, settings, "", 0)
    return Response(303, headers={"Location": where}, cookies=[made, ended])


def _client(openid: OpenIdConnect | None) -> OpenIdConnect:
    if openid is None:
        raise falcon.HTTPNotFound
    return openid


def _refused(request: PageRequest, settings: Settings, refusal: SignInRefused) -> Response:
    """The page of a sign-in that did not succeed."""
    page = show(
        request,
        "sign_in/refused.html",
        status=REASONS[refusal.reason],
        reason=refusal.reason,
        detail=refusal.detail,
    )
    ended = _cookie(request, settings, "", 0)
    return Response(page.status, page.body, page.media_type, {"Vary": "Cookie"}, cookies=[ended])


def _redirect_uri(request: PageRequest, settings: Settings) -> str:
    # The address of the service includes the path that it is mounted at.
    return settings.root + request.url(ANSWER).removeprefix(request.req.root_path)


def _cookie(request: PageRequest, settings: Settings, value: str, seconds: int) -> str:
    secure = "; Secure" if settings.root.startswith("https:") else ""
    path = request.url("/ui/sign-in")
    return f"{COOKIE}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


ROUTES = (
    page(
        "/ui/sign-in/provider",
        to_provider,
        "Lead to the identity provider to sign in.",
        callers=Callers.ANYBODY,
    ),
    page(
        ANSWER,
        from_provider,
        "Sign in by the answer of the identity provider.",
        callers=Callers.ANYBODY,
    ),
)
