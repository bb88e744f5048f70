"""An identity provider that speaks OpenID Connect: its endpoints, by discovery, and requests to them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from attrs import frozen

from albumcore_adapters.base.logs import log
from albumcore_adapters.identity.provider_request import PROVIDER_FAILURES, ask_provider

DISCOVERY_LIFE = timedelta(hours=1)
"""Age at which a cached discovery document is fetched again; it is used longer where that fails."""

DISCOVERY_PAUSE = timedelta(minutes=1)
"""Time after which such a failed fetch is repeated."""

_MOST_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class ProviderFailed(Exception):
    """The provider does not respond, or not as it should; the log has why."""


class CodeRefused(Exception):
    """The provider does not accept the code, or this client: it answered 400 or 401."""


@frozen
class Endpoints:
    """What is used of a discovery document (OpenID Connect Discovery 1.0 section 3).

    Attributes:
        authorization: ``authorization_endpoint``.
        token: ``token_endpoint``.
        userinfo: ``userinfo_endpoint``, which a provider need not have.
        takes_basic: Whether the token endpoint takes the client secret by HTTP Basic authentication.
    """

    authorization: str
    token: str
    userinfo: str | None
    takes_basic: bool


class Discovery:
    """The endpoints of a provider, by its discovery document, which is cached. Threads may share it."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._lock = Lock()
        self._known: tuple[Endpoints, datetime] | None = None

    def endpoints(self, at: datetime) -> Endpoints:
        """The endpoints.

        Raises:
            ProviderFailed: the document was never fetched, and cannot be.
        """
        with self._lock:
            known = self._known
            if known is None or abs(at - known[1]) >= DISCOVERY_LIFE:
                url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
                try:
                    known = self._known = _endpoints_in(_answer("GET", url), self._issuer), at
                except PROVIDER_FAILURES as error:
                    _warn("oidc_discovery_failed", error)
                    if known is None:
                        raise ProviderFailed from None
                    self._known = known[0], at - DISCOVERY_LIFE + DISCOVERY_PAUSE
            return known[0]


def exchange_code(
    endpoints: Endpoints, form: Mapping[str, str], headers: Mapping[str, str]
) -> Mapping[str, Any]:
    """The answer of the token endpoint (OpenID Connect Core 1.0 section 3.1.3).

    Args:
        endpoints: The provider.
        form: The parameters of the request.
        headers: Headers with which the client authenticates.

    Raises:
        CodeRefused: the provider does not accept them.
        ProviderFailed: it does not respond as it should.
    """
    try:
        return _answer("POST", endpoints.token, form, headers)
    except PROVIDER_FAILURES as error:
        _warn("oidc_token_failed", error)
        raise ProviderFailed from None


def user_info(address: str, access_token: str) -> Mapping[str, Any]:
    """The claims at the UserInfo endpoint (OpenID Connect Core 1.0 section 5.3).

    Args:
        address: The endpoint.
        access_token: The token that was exchanged for the code.

    Raises:
        ProviderFailed: the provider does not respond as it should.
    """
    try:
        return _answer("GET", address, headers={"Authorization": f"Bearer {access_token}"})
    except PROVIDER_FAILURES as error:
        _warn("oidc_userinfo_failed", error)
        raise ProviderFailed from None


def _endpoints_in(document: Mapping[str, Any], issuer: str) -> Endpoints:
    """Read a discovery document (OpenID Connect Discovery 1.0 sections 3 and 4.3).

    Raises:
        ValueError: it is of another issuer, or an address in it is not acceptable.
    """
    if document.get("issuer") != issuer:
        raise ValueError("the discovery document is of another issuer")
    found = [document.get(f"{name}_endpoint") for name in ("authorization", "token", "userinfo")]
    schemes = ("https",) if issuer.startswith("https:") else ("http", "https")
    for address in found[: 2 if found[2] is None else 3]:
        if not isinstance(address, str) or urlsplit(address).scheme not in schemes:
            raise ValueError("an address in the discovery document is none that is used")
    authorization, token, userinfo = found
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    takes_basic = not isinstance(methods, list) or "client_secret_basic" in methods
    return Endpoints(str(authorization), str(token), userinfo, takes_basic)


def _answer(
    method: str,
    url: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    """Send a request to the provider, and return the JSON object that it answers.

    Raises:
        CodeRefused: it answered 400 or 401 to a form.
        httpx.HTTPError, httpx.InvalidURL, OSError, ValueError: it did not answer, or not a JSON object.
    """
    answer = ask_provider(method, url, _MOST_BYTES, form, headers)
    if form and answer.status in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED):
        raise CodeRefused(f"status {answer.status}")
    if answer.status != httpx.codes.OK:
        raise ValueError(f"status {answer.status}")
    found = orjson.loads(answer.body)
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found


def _warn(event: str, error: Exception) -> None:
    log(_log, logging.WARNING, event, reason=str(error) or type(error).__name__)
