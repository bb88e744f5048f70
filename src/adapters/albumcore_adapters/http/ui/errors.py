"""Error pages: what happened, why no more is said, and what to do next."""

from __future__ import annotations

from collections.abc import Callable

import falcon

from albumcore.errors import AlbumcoreError
from albumcore_adapters.http.errors import DETAILS, fault_of
from albumcore_adapters.http.kheops.parameters import BadQuery, Fields
from albumcore_adapters.http.ui.album_then import NotMemberThen
from albumcore_adapters.http.ui.page_api import PAGE_HEADERS, PageApi, prefix_of
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.templates import HTML_PAGE, html

_SAID = frozenset({400, 403, 404, 409, 410, 413, 500, 503})
"""The statuses with a page of their own; any other has that of 400 or 500."""


def error_pages(api: PageApi) -> Callable[[falcon.Request, falcon.Response, int, Exception], None]:
    """Return what writes the page of an error."""

    def answer(req: falcon.Request, resp: falcon.Response, status: int, error: Exception) -> None:
        request = req.context.get("page") or _unknown(api, req)
        said = status if status in _SAID else 400 if status < 500 else 500
        resp.status = status
        resp.set_headers(PAGE_HEADERS)
        resp.content_type = HTML_PAGE
        resp.data = html(
            request,
            "not_member_then.html" if isinstance(error, NotMemberThen) else "error.html",
            status=status,
            said=said,
            error=error,
            detail=_detail(error),
            request_id=req.context.get("request_id", ""),
            log_id=req.context.get("log_id", ""),
        )

    return answer


def _unknown(api: PageApi, req: falcon.Request) -> PageRequest:
    """A request that was refused before its session was looked up: the page is as without one."""
    empty = Fields({}, BadQuery)
    prefix = prefix_of(req, api.cookies.settings.kheops_prefix)
    return PageRequest(req, {}, empty, empty, prefix, None, None, "", api.cookies.clock())


def _detail(error: Exception) -> str | None:
    """What is known of an error, in English, for those who know the field; None if there is nothing to say."""
    if isinstance(error, AlbumcoreError):
        return DETAILS.get(error.code, error.detail)
    if isinstance(error, falcon.HTTPError):
        return error.description
    return fault_of(error)
