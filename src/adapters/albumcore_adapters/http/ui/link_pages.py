"""The pages that a link opens, below ``/link/{token}/ui``: studies to look at, for people without an account.

They are pages that members have too, with the token in the place of the session: the same checks and the same
responders. What is not in `ROUTES` a link does not open, and there are no forms. Images and downloads are those of the
API below ``/link/{token}``.
"""

from __future__ import annotations

from collections.abc import Mapping

import falcon
from attrs import evolve, frozen

from albumcore import Permission
from albumcore_adapters.http.kheops.admission import ANONYMOUS
from albumcore_adapters.http.kheops.parameters import MOMENT_NAMES, BadQuery
from albumcore_adapters.http.link_paths import LINK_TOKEN
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_api import PAGE_HEADERS, PageApi
from albumcore_adapters.http.ui.page_request import Link, PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.study import studies_page, study_page
from albumcore_adapters.http.ui.viewer import viewer_page
from albumcore_adapters.identity.bearer import bearer
from albumcore_adapters.identity.callers import caller_of
from albumcore_adapters.identity.errors import Unauthorized

LINK = "/link/{token}"
"""The path template that all of them are below."""

LINK_HEADERS: Mapping[str, str] = {
    **PAGE_HEADERS,
    "Referrer-Policy": "no-referrer",  # the address has the token
    "Vary": "Accept, Accept-Language, HX-Request",
    "X-Robots-Tag": "noindex, nofollow",
}
"""The headers of every page of a link, errors included."""


@frozen
class LinkApi(PageApi):
    """The part of request handling of pages for callers with a link, who have no session."""

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of every page of a link."""
        return LINK_HEADERS

    def request(self, req: falcon.Request, path: Mapping[str, str]) -> PageRequest:
        """The request of a page, with its link.

        Raises:
            Unauthorized, Forbidden, UserNotFound, KeysUnavailable: see `caller_of`.
            BadQuery: the past is asked for.
        """
        token = path["token"]
        if not LINK_TOKEN.fullmatch(token):
            raise Unauthorized("the link has no token")
        caller = caller_of(self.cookies.auth, bearer(f"Bearer {token}"))
        request = super().request(req, path)
        for name in MOMENT_NAMES:
            if name in request.query.values:
                raise BadQuery(name, "a link shows the present only", rule="present_only")
        link = Link(f"/link/{token}", caller)
        return evolve(request, link=link, user=None, account=None, csrf="")

    def unknown(self, req: falcon.Request) -> PageRequest:
        """A request that was refused before its token was: its page leads nowhere."""
        return evolve(super().unknown(req), link=Link("", ANONYMOUS))


def opened(request: PageRequest) -> Response:
    """Lead to the studies that the token can read: of its album, or of the inbox of its user."""
    album = request.caller.album
    place = "inbox" if album is None else f"albums/{album}"
    return request.to(f"/ui/{place}/studies")


_HERE = f"{LINK}/ui"
_OF_ALBUM, _OF_INBOX = f"{_HERE}/albums/{{album}}/studies", f"{_HERE}/inbox/studies"
_STUDY, _SERIES = "{study}", "{study}/series/{series}"
_READ = Permission.READ_SERIES

ROUTES = (
    page(_HERE, opened, "Lead to what a link opens."),
    page(_OF_ALBUM, studies_page, "Show the studies of an album.", permission=_READ),
    page(f"{_OF_ALBUM}/{_STUDY}", study_page, "Show a study of it.", permission=_READ),
    page(f"{_OF_ALBUM}/{_SERIES}", viewer_page, "Show a series of it.", permission=_READ),
    page(_OF_INBOX, studies_page, "Show the studies of the inbox."),
    page(f"{_OF_INBOX}/{_STUDY}", study_page, "Show a study of it."),
    page(f"{_OF_INBOX}/{_SERIES}", viewer_page, "Show a series of it."),
)
