"""Login and logout."""

from __future__ import annotations

import math

import falcon

from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.accounts import Account, Accounts
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.client_address import client_address, networks_of
from albumcore_adapters.http.openapi.specs import TEXT, ResponseSpec
from albumcore_adapters.http.request_log import log_failed_login
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.http.tscharts.request import TSChartsRequest
from albumcore_adapters.http.tscharts.shared_specs import ROOT, json_body
from albumcore_adapters.identity.failed_logins import FailedLogins

_MAX_LOGIN = 4 * 1024
"""Largest body of a login, in bytes: anybody may send one."""


def log_in(
    request: TSChartsRequest, accounts: Accounts, failed_logins: FailedLogins, settings: Settings
) -> Response:
    """Give the token of an account for its name and password; it is the same every time."""
    body = request.json(_MAX_LOGIN)
    if "username" not in body or "password" not in body:
        raise falcon.HTTPBadRequest
    name, password = body["username"], body["password"]
    # Clients send null for a field that was not filled in.
    if not isinstance(name, str) or not isinstance(password, str):
        raise falcon.HTTPForbidden
    account = account_with(request.req, name, password, accounts, failed_logins, settings)
    if account is None:
        raise falcon.HTTPForbidden
    # The id is a text here, as clients of the API expect it.
    return Response.json({"token": accounts.token(account), "id": str(account.id)})


def account_with(
    req: falcon.Request,
    name: str,
    password: str,
    accounts: Accounts,
    failed_logins: FailedLogins,
    settings: Settings,
) -> Account | None:
    """The account with a name and a password; None if there is none, which counts as a failed login.

    Raises:
        falcon.HTTPTooManyRequests: the password is not checked: too many logins have failed, or too many passwords are
            being checked.
    """
    address = client_address(req, networks_of(settings.trusted_proxies))
    if wait := failed_logins.wait(name, address):
        raise _throttled(name, address, "delayed", math.ceil(wait.total_seconds()))
    try:
        account = accounts.check(name, password)
    except LimitReached as busy:
        raise _throttled(name, address, "busy", busy.retry_after) from None
    if account is None:
        failed_logins.failed(name, address)
        log_failed_login(name, address, "wrong name or password")
        return None
    failed_logins.passed(name, address)
    return account


def _throttled(name: str, address: str, reason: str, seconds: int) -> falcon.HTTPTooManyRequests:
    """The response to a login whose password is not checked (RFC 6585 section 4)."""
    log_failed_login(name, address, reason)
    description = f"Request was throttled. Expected available in {seconds} seconds."
    return falcon.HTTPTooManyRequests(description=description, retry_after=seconds)


def log_out(request: TSChartsRequest) -> Response:
    """Do nothing: a token stays valid, as clients rely on. They send none with it."""
    return Response()


ROUTES = (
    Route(
        *("POST", f"{ROOT}/login", log_in, "Give the token of an account."),
        callers=Callers.ANYBODY,
        needs="nothing: it is how one gets a token",
        body=json_body({"username": TEXT, "password": TEXT}),
        responses={200: ResponseSpec("The token.", {JSON: json_body({"token": TEXT, "id": TEXT})})},
        errors=(400, 403, 413, 429),
    ),
    Route(
        *("POST", f"{ROOT}/logout", log_out, "Say goodbye; the token stays good."),
        callers=Callers.ANYBODY,
        needs="nothing: clients send no token with it",
        responses={200: ResponseSpec("Goodbye.")},
    ),
)
