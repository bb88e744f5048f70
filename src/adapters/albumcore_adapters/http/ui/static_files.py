"""Static files of the pages: each under an address with a digest of its content, which never changes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import falcon
from attrs import field, frozen

from albumcore_adapters.http.response import NO_SNIFFING, Response
from albumcore_adapters.http.route import Callers
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

_DIGITS = 16
_YEAR = "public, max-age=31536000, immutable"


@frozen
class StaticFile:
    """A file, as it is sent."""

    media_type: str
    content: bytes = field(repr=False)
    compressed: bytes = field(repr=False)
    digest: str


@cache
def static_file(name: str) -> StaticFile:
    """One of the files, read once in a process."""
    content = files(__package__).joinpath("static", name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return StaticFile(MEDIA_TYPES[name], content, gzip.compress(content, mtime=0), digest)


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
    headers = {"Cache-Control": _YEAR, "Vary": "Accept-Encoding", **dict([NO_SNIFFING])}
    body = file.content
    if "gzip" in (request.req.get_header("Accept-Encoding") or ""):
        headers["Content-Encoding"], body = "gzip", file.compressed
    return Response(200, body, file.media_type, headers)


ROUTES = (page("/ui/static/{digest}/{name}", get, "Send a static file.", callers=Callers.ANYBODY),)
