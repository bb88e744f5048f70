"""Signing in and out: by the link of the demo, by a token, or with an account of the TSCharts API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import falcon
from attrs import evolve

from albumcore_adapters.base.data_directory import DEMO_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.tscharts.accounts import account_with
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.session import SessionCookies
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.callers import caller_of
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.failed_logins import FailedLogins
from albumcore_adapters.identity.jwt_claims import unverified
from albumcore_adapters.identity.oidc import OpenIdConnect
from albumcore_adapters.identity.service_tokens import read_sign_in_code

LONGEST_SESSION = timedelta(hours=12)
"""After this time one signs in again, however long the token is valid that the session was made from."""

HOME = "/ui"


def sign_in_page(
    request: PageRequest,
    auth: Authentication,
    accounts: Accounts,
    single_use: SingleUseTokens,
    settings: Settings,
    cookies: SessionCookies,
    openid: OpenIdConnect | None,
) -> Response:
    """Show the ways to sign in; or sign in by the one-time code in the address."""
    code = request.query.text("code")
    if code is None:
        return _form(request, settings, openid)
    try:
        found = read_sign_in_code(auth.issuer, code, request.now)
        is_first = single_use.consume(
            "sign-in", found.number, ends_at=found.ends_at, at=request.now
        )
        user = auth.people.with_sub(found.sub)
        if not is_first or user is None:
            raise Unauthorized("the link was used before")
    except Unauthorized:
        return _form(request, settings, openid, status=401, refused="link")
    ends_at = request.now + LONGEST_SESSION
    made = [cookies.begin("kheops", user.id, ends_at, request.prefix)]
    account = None if found.account is None else accounts.named(found.account)
    if account is not None and account.active:
        made.append(cookies.begin("tscharts", account.user, ends_at, request.prefix))
    return request.to(HOME, *made)


def _form(
    request: PageRequest,
    settings: Settings,
    openid: OpenIdConnect | None,
    status: int = 200,
    refused: str | None = None,
    **values: object,
) -> Response:
    """The page with the ways to sign in, and why one of them was refused."""
    return show(
        request,
        "sign_in.html",
        status=status,
        refused=refused,
        back=own_page(request.query.text("back") or request.form.text("back"), request.prefix),
        has_provider=openid is not None,
        is_demo=(settings.data / DEMO_FILE).exists(),
        **values,
    )


def sign_in_by_token(
    request: PageRequest,
    auth: Authentication,
    settings: Settings,
    cookies: SessionCookies,
    openid: OpenIdConnect | None,
) -> Response:
    """Sign in by a token of the identity provider, which is verified and not stored."""
    token = (request.form.text("token") or "").strip()
    try:
        caller = caller_of(auth, token)
        if not caller.in_person:
            raise Unauthorized("it is not a token of a user in person")
        expires = datetime.fromtimestamp(unverified(token)[1]["exp"], UTC)
        if expires <= request.now:  # accepted until its leeway is over, but a session has none
            raise Unauthorized("it has expired")
    except Unauthorized as error:
        return _form(request, settings, openid, status=401, refused="token", why=error.detail)
    ends_at = min(expires, request.now + LONGEST_SESSION)
    cookie = cookies.begin("kheops", caller.user, ends_at, request.prefix)
    return Response(
        303, headers={"Location": _back(request) or request.url(HOME)}, cookies=[cookie]
    )


def sign_in_by_password(
    request: PageRequest,
    accounts: Accounts,
    failed_logins: FailedLogins,
    settings: Settings,
    cookies: SessionCookies,
    openid: OpenIdConnect | None,
) -> Response:
    """Sign in at patients by the name and the password of an account, as the TSCharts API logs in."""
    name, password = (request.form.text(one) or "" for one in ("username", "password"))
    again = partial(_form, request, settings, openid, username=name)
    try:
        account = account_with(request.req, name, password, accounts, failed_logins, settings)
    except falcon.HTTPTooManyRequests as error:
        seconds = dict(error.headers or {})["Retry-After"]
        page = again(status=429, refused="throttled", seconds=seconds)
        return evolve(page, headers={"Retry-After": seconds})
    if account is None:
        return again(status=401, refused="password")
    ends_at = request.now + LONGEST_SESSION
    cookie = cookies.begin("tscharts", account.user, ends_at, request.prefix)
    where = _back(request) or request.url("/ui/patients")
    return Response(303, headers={"Location": where}, cookies=[cookie])


def sign_out(request: PageRequest, cookies: SessionCookies) -> Response:
    """End the sessions of the browser."""
    sessions = [one for one in (request.user, request.account) if one is not None]
    ended = [cookies.end(one, request.prefix) for one in sessions]
    return request.to("/ui/sign-in", *ended)


def _back(request: PageRequest) -> str | None:
    """The page that a form of this page leads back to."""
    return own_page(request.form.text("back"), request.prefix)


def own_page(address: str | None, prefix: str) -> str | None:
    """An address, if it is that of a page of this service under the same prefix; else None."""
    given = address or ""
    # Browsers encode all other characters in addresses.
    is_written = given.isascii() and given.isprintable() and "\\" not in given
    return given if is_written and given.startswith(prefix + HOME) else None


ROUTES = (
    page("/ui/sign-in", sign_in_page, "Show the ways to sign in.", callers=Callers.ANYBODY),
    act("/ui/sign-in", sign_in_by_token, "Sign in by a token.", callers=Callers.ANYBODY),
    act(
        "/ui/sign-in/account",
        sign_in_by_password,
        "Sign in at patients by name and password.",
        callers=Callers.ANYBODY,
    ),
    act("/ui/sign-out", sign_out, "Sign out.", callers=Callers.ANYBODY),
)
