"""Error pages: what happened, why no more is said, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import falcon
from markupsafe import Markup

from albumcore.errors import AlbumcoreError
from albumcore_adapters.http.accept import HTML, JSON, preferred
from albumcore_adapters.http.errors import fault_of
from albumcore_adapters.http.ui.album_then import NotMemberThen
from albumcore_adapters.http.ui.link_pages import LinkApi
from albumcore_adapters.http.ui.page_api import PageApi
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.reasons import in_english, reason_of
from albumcore_adapters.http.ui.templates import HTML_PAGE, html

Answerer: TypeAlias = Callable[[falcon.Request, falcon.Response, int, Exception], None]
"""Writes the body of an error response, and the headers that depend on its form."""

_SAID = frozenset({400, 403, 404, 409, 410, 413, 500, 503})
"""The statuses with a page of their own; any other has that of 400 or 500."""

_CLOSED = frozenset({401, 403, 404})
"""The statuses of a link that does not open what it was asked for; they have one page, whatever the reason."""


def link_errors(api: LinkApi, as_json: Answerer) -> Answerer:
    """Return what writes an error at an address of a link: a page for a person, and JSON for any other client.

    What a page shows or reads by script is answered without having the browser ask for a password.
    """
    as_page, quietly = error_pages(api), without_dialog(as_json)

    def answer(req: falcon.Request, resp: falcon.Response, status: int, error: Exception) -> None:
        is_person = preferred(req, (JSON, HTML)) == HTML
        chosen = as_page if is_person else quietly if _is_of_browser(req) else as_json
        chosen(req, resp, status, error)

    return answer


def _is_of_browser(req: falcon.Request) -> bool:
    """Whether a browser asks: all of them say for which site, but at a host without TLS; our script says who it is."""
    return req.get_header("Sec-Fetch-Site") is not None or req.get_header("HX-Request") == "true"


def without_dialog(as_json: Answerer) -> Answerer:
    """Return what writes an error without the challenge for which browsers ask their user for a password.

    No password opens what is read by a session or by a link.
    """

    def answer(req: falcon.Request, resp: falcon.Response, status: int, error: Exception) -> None:
        as_json(req, resp, status, error)
        if status == 401:
            resp.set_header("WWW-Authenticate", "Bearer")

    return answer


def error_pages(api: PageApi) -> Answerer:
    """Return what writes the page of an error."""

    def answer(req: falcon.Request, resp: falcon.Response, status: int, error: Exception) -> None:
        request = req.context.get("page") or api.unknown(req)
        said: int | str = status if status in _SAID else 400 if status < 500 else 500
        if request.link is not None and status in _CLOSED:
            said = "link"
        resp.status = status
        resp.set_headers(api.headers(""))
        resp.content_type = HTML_PAGE
        resp.data = html(
            request,
            "not_member_then.html" if isinstance(error, NotMemberThen) else "error.html",
            status=status,
            said=said,
            error=error,
            detail=_detail(request, error),
            request_id=req.context.get("request_id", ""),
            log_id=req.context.get("log_id", ""),
        )

    return answer


def _detail(request: PageRequest, error: Exception) -> Markup | None:
    """What is known of an error, for those who know the field; None if there is nothing to say."""
    if isinstance(error, AlbumcoreError):
        return reason_of(request, error)
    said = error.description if isinstance(error, falcon.HTTPError) else fault_of(error)
    return None if said is None else in_english(said)
