"""The host of the viewer OHIF, where it has an origin of its own (`Settings.ohif_url`).

The same process serves both hosts. A browser keeps their pages and cookies apart, as it does with any two sites; here
the paths are kept apart, so that the viewer's script, which may evaluate text as code, is never of the origin of the
pages.
"""

from __future__ import annotations

import re

import falcon

_IS_OHIF_HOST = "is_ohif_host"


def is_ohif_host(req: falcon.Request) -> bool:
    """Whether a request is for the host of the viewer."""
    return bool(req.context.get(_IS_OHIF_HOST))


class OhifHost:
    """Recognizes requests for the host of the viewer, and refuses those for anything but its files and data.

    Args:
        origin: The origin of the viewer.
        below: The beginnings of the paths that are there, each with a slash at its end.
    """

    def __init__(self, origin: str, *below: str) -> None:
        # Without the port, which some proxies leave out: no two of our hosts differ in the port alone.
        self._host = re.sub(r":[0-9]*\Z", "", origin.partition("://")[2])
        self._below = below

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Note whose host the request is for.

        Raises:
            falcon.HTTPNotFound: it is for the viewer's, and the path is not.
        """
        host = req.env.get("HTTP_HOST", "").lower()
        if host != self._host and not host.startswith(f"{self._host}:"):
            return
        req.context[_IS_OHIF_HOST] = True
        if not f"{req.path}/".startswith(self._below):
            raise falcon.HTTPNotFound
