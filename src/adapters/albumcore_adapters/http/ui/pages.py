"""The rows of pages, and of the forms on them: routes that answer with HTML."""

from __future__ import annotations

from attrs import evolve

from albumcore import Permission
from albumcore_adapters.base.multipart import FORM_DATA
from albumcore_adapters.http.accept import HTML
from albumcore_adapters.http.openapi.specs import Parameters, ParameterSpec, ResponseSpec
from albumcore_adapters.http.openapi.value_schemas import PAST_TIME
from albumcore_adapters.http.route import Callers, Responder, Route

_PAGE = {200: ResponseSpec("The page.", {HTML: {"type": "string"}})}
_DONE = {303: ResponseSpec("The page that shows what was done.")}

_AT: Parameters = {"at": ParameterSpec(PAST_TIME, "As of this time.")}


def page(
    path: str,
    respond: Responder,
    summary: str,
    *,
    callers: Callers = Callers.PERSON,
    permission: Permission | None = None,
    has_past: bool = False,
) -> Route:
    """The row of a page.

    Args:
        path: The path template; an album in it exists for the caller, otherwise the answer is 404.
        respond: Takes the `PageRequest`, and by annotation the components it uses.
        summary: What it shows, in one line.
        callers: `PERSON` for a user of albums, `ACCOUNT` for an account of the TSCharts API, `ANYBODY` for all.
        permission: The permission that the caller needs in the album of the path.
        has_past: Whether it can be shown as of a moment, ``at``. Any other page leads such an address to the present.
    """
    query = _AT if has_past else {}
    return Route("GET", path, respond, summary, _PAGE, callers, permission, query=query)


def act(
    path: str,
    respond: Responder,
    summary: str,
    *,
    callers: Callers = Callers.PERSON,
    permission: Permission | None = None,
) -> Route:
    """The row of a form: it is sent by POST, with the CSRF token, and answers 303 or a fragment. See `page`."""
    return Route("POST", path, respond, summary, _DONE, callers, permission)


def form_with_files(
    path: str, respond: Responder, summary: str, *, permission: Permission | None = None
) -> Route:
    """The row of a form with files, which the responder reads as they arrive (`PageRequest.parts`). See `page`."""
    route = Route("POST", path, respond, summary, _PAGE, Callers.PERSON, permission)
    return evolve(route, bodies={FORM_DATA: {"type": "object"}}, errors=(408, 413, 415))
