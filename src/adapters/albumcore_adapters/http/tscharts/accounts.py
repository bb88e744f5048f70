"""``login/`` and ``logout/``."""

from __future__ import annotations

import math
from typing import Any

import falcon

from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.http.client_address import client_address, networks_of
from albumcore_adapters.http.request_log import log_failed_login
from albumcore_adapters.http.tscharts.resource import Resource
from albumcore_adapters.identity.failed_logins import FailedLogins
from albumcore_adapters.service import Service


class Login(Resource):
    """``login/``: a name and a password give the account's token, the same every time."""

    allow = ("POST", "OPTIONS")
    max_body = 4 * 1024  # anybody may send one

    def __init__(self, service: Service) -> None:
        super().__init__(service, {"POST": self._log_in})
        self._failed = FailedLogins(service.clock)
        self._proxies = networks_of(service.settings.trusted_proxies)

    def admit(self, req: falcon.Request) -> None:
        """Let in everybody: who logs in has no token yet."""

    def _log_in(self, req: falcon.Request) -> Any:
        body = self.body(req)
        if "username" not in body or "password" not in body:
            raise falcon.HTTPBadRequest
        name, password = body["username"], body["password"]
        # Clients send null for what was not filled in: that is a wrong name or password.
        if not isinstance(name, str) or not isinstance(password, str):
            raise falcon.HTTPForbidden
        address = client_address(req, self._proxies)
        if wait := self._failed.wait(name, address):
            raise self._refused(name, address, "delayed", math.ceil(wait.total_seconds()))
        accounts = self.service.accounts
        try:
            account = accounts.check(name, password)
        except LimitReached as busy:
            raise self._refused(name, address, "busy", busy.retry_after) from None
        if account is None:
            self._failed.failed(name, address)
            log_failed_login(name, address, "wrong name or password")
            raise falcon.HTTPForbidden
        self._failed.passed(name, address)
        # The id is a text here, as clients of the API expect it.
        return {"token": accounts.token(account), "id": str(account.id)}

    def _refused(
        self, name: str, address: str, reason: str, seconds: int
    ) -> falcon.HTTPTooManyRequests:
        """What answers a login whose password is not even looked at (RFC 6585 section 4)."""
        log_failed_login(name, address, reason)
        told = f"Request was throttled. Expected available in {seconds} seconds."
        return falcon.HTTPTooManyRequests(description=told, retry_after=seconds)


class Logout(Resource):
    """``logout/``: says goodbye. Clients send no token with it; a token stays valid, as they rely on."""

    allow = ("POST", "OPTIONS")

    def __init__(self, service: Service) -> None:
        super().__init__(service, {"POST": self._log_out})

    def admit(self, req: falcon.Request) -> None:
        """Let in everybody: nothing is shown, and nothing done."""

    def _log_out(self, req: falcon.Request) -> bytes:
        return b""
