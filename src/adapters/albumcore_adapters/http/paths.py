"""Paths are taken as they were sent: a slash that was encoded is no slash between two parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import falcon

_FREE = "{user}"
"""The one part of a path that is any text, and so may hold a slash. Ids and UIDs have none."""

_UNKNOWN = (
    "this address cannot be told from that of a user with a slash in the name:"
    " the server does not pass on the path as it was sent"
)


class PlainPaths:
    """Refuses paths with an encoded slash: decoded, ``users/ann%2Fadmin`` would name another route.

    WSGI has no name for the path as it was sent. Gunicorn puts it in ``RAW_URI``, waitress, uWSGI and Apache in
    ``REQUEST_URI``; granian nowhere. In an ASGI application it is ``raw_path`` of the scope, which ``a2wsgi`` hands
    on. Without it every path is refused that may have been one with a slash in the name of a user.

    Args:
        templates: The paths of all routes, with the parts that vary in braces.
    """

    def __init__(self, templates: Iterable[str]) -> None:
        spread = (_spread(one) for one in templates if _FREE in one)
        # A name may hold line breaks, too.
        self._ambiguous = re.compile("|".join(sorted(spread)), re.DOTALL)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Let a path through whose parts are what they seem.

        Raises:
            falcon.HTTPNotFound: a part of it holds a slash, or may hold one.
        """
        raw = _as_sent(req.env)
        if not raw:
            # The framework has taken a slash off the end, which may be the name's.
            last = "/" if str(req.env["PATH_INFO"]).endswith("/") else ""
            if self._ambiguous.fullmatch(req.path + last):
                raise falcon.HTTPNotFound(description=_UNKNOWN)
        elif "%" in raw and "%2f" in raw.partition("?")[0].lower():
            raise falcon.HTTPNotFound


def _as_sent(environ: Mapping[str, Any]) -> str:
    """The path as it was sent, perhaps with what comes before and after it; empty where the server does not tell."""
    told = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    return told or (environ.get("asgi.scope", {}).get("raw_path") or b"").decode("latin-1")


def _spread(template: str) -> str:
    """What a path looks like that is one of a route, with a slash in the name of its user."""
    forms = {_FREE: ".*/.*"}
    parts = template.split("/")
    return "/".join(
        forms.get(part, "[^/]*" if part.startswith("{") else re.escape(part)) for part in parts
    )
