"""The check that every route of the TSCharts API makes before its responder is called: authentication.

It comes before the method, the path and the body: a stranger learns nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import falcon
from attrs import frozen

from albumcore import Source
from albumcore.ids import UserId
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.http.router import Api, Bound
from albumcore_adapters.http.tscharts.authentication import authenticated
from albumcore_adapters.http.tscharts.methods import allowed
from albumcore_adapters.http.tscharts.request import TSChartsRequest, not_found

_ANONYMOUS = Source(UserId("nobody"))


@frozen
class TSChartsApi(Api):
    """The TSCharts API's part of request handling.

    Before a cached response there is nothing to check: tokens do not expire, and all about them is in the database.
    """

    accounts: Accounts

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of every response: ``Allow``."""
        return {"Allow": ", ".join(allowed(path))}

    def handle(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> tuple[Response, bool]:
        """Authenticate the caller, and have the request answered. The response may be cached.

        Raises:
            falcon.HTTPError, NotFound, Invalid, Conflict: the request is refused.
        """
        source = _ANONYMOUS
        if route.callers is not Callers.ANYBODY:
            source = Source(authenticated(self.accounts, req.auth).user)
        return respond(TSChartsRequest(req, route, source, path)), True


def no_route(accounts: Accounts) -> Callable[..., None]:
    """The Falcon sink of all paths that are no routes: 404 after authentication."""

    def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        authenticated(accounts, req.auth)
        raise not_found()

    return respond
