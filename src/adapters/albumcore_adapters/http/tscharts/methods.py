"""The methods that a path has no feature for: those that it takes only to refuse them, OPTIONS, and all others.

They have rows too, because Falcon would answer them before authentication.
"""

from __future__ import annotations

from collections.abc import Sequence

import falcon

from albumcore_adapters.http.openapi.document import options_of
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import ANY_METHOD, Callers, Route
from albumcore_adapters.http.tscharts import accounts
from albumcore_adapters.http.tscharts.request import TSChartsRequest, not_found
from albumcore_adapters.http.tscharts.routes import ROUTES
from albumcore_adapters.http.tscharts.shared_specs import ROOT

_ALLOW = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")
_RECORDS = ("clinic", "station", "patient", "image")


def delete_all(request: TSChartsRequest) -> Response:
    """Refuse to delete all records of a kind."""
    raise not_found()


def delete_all_images(request: TSChartsRequest) -> Response:
    """Refuse to delete all images."""
    raise falcon.HTTPBadRequest


def not_allowed(request: TSChartsRequest) -> Response:
    """Refuse a method; ``Allow`` names the others."""
    method = request.req.method
    others = [one for one in allowed(request.route.path) if one != method]
    raise falcon.HTTPMethodNotAllowed(others, description=f'Method "{method}" not allowed.')


REFUSED_ROUTES = (
    *(
        Route(
            *("DELETE", f"{ROOT}/{name}", delete_all_images if name == "image" else delete_all),
            summary=f"Refused: to delete a {name}, its id is needed.",
            responses={},
            errors=(400 if name == "image" else 404,),
        )
        for name in _RECORDS
    ),
    *(
        Route(
            *("POST", f"{ROOT}/{name}/{{key}}", not_allowed),
            summary=f"Refused: a {name} is made at the address of all of them.",
            responses={},
            errors=(405,),
        )
        for name in _RECORDS
    ),
    Route(
        *("PUT", f"{ROOT}/patient", not_allowed),
        summary="Refused: to change a patient, its id is needed.",
        responses={},
        errors=(405,),
    ),
)
"""The methods that are always refused. ``Allow`` names them, as that of the documented API does."""

OPTIONS_ROUTES = (
    *options_of(accounts.ROUTES, Callers.ANYBODY),
    *options_of(ROUTES[len(accounts.ROUTES) :], Callers.USER),
)

OTHER_ROUTES = (
    *REFUSED_ROUTES,
    *OPTIONS_ROUTES,
    *(
        Route(ANY_METHOD, one.path, not_allowed, "Refused.", {}, one.callers)
        for one in OPTIONS_ROUTES
    ),
)
"""The routes of all methods that have no feature."""


def allowed(path: str) -> Sequence[str]:
    """The methods that ``Allow`` names for the path of a route."""
    methods = {one.method for one in (*ROUTES, *REFUSED_ROUTES) if one.path == path}
    methods |= {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    return [method for method in _ALLOW if method in methods]
