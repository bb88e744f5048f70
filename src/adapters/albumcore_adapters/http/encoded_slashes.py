"""Paths are plain before they are looked at: with one slash at their beginning, and without encoded slashes."""

from __future__ import annotations

import re
from collections.abc import Iterable

import falcon

_FREE = "{user}"
"""The one path parameter that is any text, and so may contain a slash. Ids and UIDs contain none."""

_UNKNOWN = (
    "this address is ambiguous, because a user id may contain a slash:"
    " the server does not pass on the path as it was sent"
)


class OneLeadingSlash:
    """Has a path begin with one slash: of several, routes ignore all but one, and so does what looks at beginnings.

    An address made of such a path would also be that of another host.
    """

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Drop the others."""
        if req.path.startswith("//"):
            req.path = f"/{req.path.lstrip('/')}"


class PlainPaths:
    """Refuses paths with an encoded slash: WSGI servers decode it, and ``users/ann%2Fadmin`` would name another route.

    WSGI does not define a variable for the path as it was sent. Gunicorn has it in ``RAW_URI``, waitress, uWSGI and
    Apache in ``REQUEST_URI``; granian does not have it. In an ASGI application it is ``raw_path`` of the scope, which
    ``a2wsgi`` passes on. Without it, every path is refused that may stem from a user id with an encoded slash.

    Args:
        templates: The path templates of all routes.
    """

    def __init__(self, templates: Iterable[str]) -> None:
        spread = (_spread(one) for one in templates if _FREE in one)
        # A user id may contain line breaks, too.
        self._ambiguous = re.compile("|".join(sorted(spread)), re.DOTALL)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Check the path.

        Raises:
            falcon.HTTPNotFound: a part of it contains an encoded slash, or may contain one.
        """
        environ = req.env
        raw: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
        if not raw and "asgi.scope" in environ:
            raw = (environ["asgi.scope"].get("raw_path") or b"").decode("latin-1")
        if not raw:
            # The framework removes a slash at the end, which may belong to the user id.
            last = "/" if str(environ["PATH_INFO"]).endswith("/") else ""
            if self._ambiguous.fullmatch(req.path + last):
                raise falcon.HTTPNotFound(description=_UNKNOWN)
        elif "%" in raw and "%2f" in raw.partition("?")[0].lower():
            raise falcon.HTTPNotFound


def _spread(template: str) -> str:
    """A pattern of the paths of a route whose user id contains a slash."""
    forms = {_FREE: ".*/.*"}
    parts = template.split("/")
    return "/".join(
        forms.get(part, "[^/]*" if part.startswith("{") else re.escape(part)) for part in parts
    )
