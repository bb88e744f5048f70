"""Static files of the pages: each under an address with a digest of its content, which never changes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import falcon

from albumcore_adapters.http.response import NO_SNIFFING, Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.static_content import FOR_A_YEAR, StaticContent
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page

MEDIA_TYPES: Mapping[str, str] = {
    "ui.css": "text/css; charset=utf-8",
    "ui.js": "text/javascript; charset=utf-8",
    "upload.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "viewer.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icons.svg": "image/svg+xml",
    "icon.svg": "image/svg+xml",
}
"""The files, and their media types."""


@cache
def static_file(name: str) -> StaticContent:
    """One of the files, read once in a process."""
    return StaticContent.of_file(__package__, name, MEDIA_TYPES[name])


def static_path(prefix: str, name: str) -> str:
    """The address of one of the files, under a prefix."""
    return f"{prefix}/ui/static/{static_file(name).digest}/{name}"


def get(request: PageRequest) -> Response:
    """Send a file.

    Raises:
        falcon.HTTPNotFound: there is no such file, or it has another content now.
    """
    name = request.path["name"]
    if name not in MEDIA_TYPES or static_file(name).digest != request.path["digest"]:
        raise falcon.HTTPNotFound
    file = static_file(name)
    body, headers = file.accepted(request.req)
    caching = {"Cache-Control": FOR_A_YEAR, **dict([NO_SNIFFING])}
    return Response(200, body, file.media_type, {**caching, **headers})


ROUTES = (page("/ui/static/{digest}/{name}", get, "Send a static file.", callers=Callers.ANYBODY),)
