"""``login/`` and ``logout/``."""

from __future__ import annotations

from typing import Any

import falcon

from adapters.deployment import Deployment
from adapters.http.tscharts.resource import Resource


class Login(Resource):
    """``login/``: a name and a password give the account's token, the same every time."""

    allow = ("POST", "OPTIONS")
    max_body = 4 * 1024  # anybody may send one

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment, {"POST": self._log_in})

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
        accounts = self.deployment.accounts
        account = accounts.check(name, password)
        if account is None:
            raise falcon.HTTPForbidden
        # The id is a text here, as clients of the API expect it.
        return {"token": accounts.token(account), "id": str(account.id)}


class Logout(Resource):
    """``logout/``: says goodbye. Clients send no token with it; a token stays valid, as they rely on."""

    allow = ("POST", "OPTIONS")

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment, {"POST": self._log_out})

    def admit(self, req: falcon.Request) -> None:
        """Let in everybody: nothing is shown, and nothing done."""

    def _log_out(self, req: falcon.Request) -> bytes:
        return b""
