"""Every route of the Kheops API below ``/link/{token}``: the token in the path takes the place of the header.

Viewers and browsers open such addresses without a header. The path is rewritten before routing, so a request through
a link is checked, cached and logged like any other: neither the route nor its template has the token. The pages of a
link (`albumcore_adapters.http.ui.link_pages`) have paths of their own, which stay as they are.
"""

from __future__ import annotations

import re
from typing import Any

import falcon

LINK_TOKEN = re.compile(r"[a-zA-Z0-9.+=_-]*")
"""The token of a link: a JWT or a capability token."""

_LINK = re.compile(rf"/link/({LINK_TOKEN.pattern})(/.+)", re.DOTALL)
_IS_THROUGH_LINK = "is_through_link"


def is_through_link(req: falcon.Request) -> bool:
    """Whether a request of the API came through a link, of which its path says nothing any more."""
    return bool(req.context.get(_IS_THROUGH_LINK))


class LinkPaths:
    """Replaces ``/link/{token}/path`` by ``/path``, with the token as ``Authorization: Bearer``.

    ``X-Link-Authorization: true`` then says that the addresses in the response are below the link, too. Cookies are
    dropped, of what is no link as well: what is shown below ``/link/`` depends on the token alone.

    Args:
        prefix: A prefix under which the routes are available as well.
        elsewhere: The prefixes of paths of other APIs and of pages, which are not rewritten.
    """

    def __init__(self, prefix: str | None, *elsewhere: str) -> None:
        self._prefixes = ("", prefix) if prefix else ("",)
        self._elsewhere = elsewhere

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Rewrite the path and the headers of a request through a link."""
        if "/link/" not in req.path:
            return
        for prefix in self._prefixes:
            if not req.path.startswith(f"{prefix}/link/"):
                continue
            headers: dict[str, Any] = req.env
            headers.pop("HTTP_COOKIE", None)
            link = _LINK.fullmatch(req.path.removeprefix(prefix))
            if link is not None and not f"{link[2]}/".startswith(self._elsewhere):
                req.context[_IS_THROUGH_LINK] = True
                req.path = prefix + link[2]
                headers["HTTP_AUTHORIZATION"] = f"Bearer {link[1]}"
                headers["HTTP_X_LINK_AUTHORIZATION"] = "true"
            return
