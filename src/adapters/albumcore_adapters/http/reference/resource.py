"""``/docs``: the page of the reference, its style and its script. All are public, and nothing else is loaded."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import falcon
from attrs import frozen

from albumcore_adapters.base.settings import Compat, Settings
from albumcore_adapters.http.description import DOCUMENTATION, document
from albumcore_adapters.http.reference.page import reference_html

PATH = "/docs"
REFERENCE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
}
"""Headers of the page and of its files."""
_YEAR = "public, max-age=31536000, immutable"


@frozen
class SentReference:
    """Bytes that every client is sent, as they are or compressed."""

    media_type: str
    plain: bytes
    compressed: bytes
    caching: str

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send them, compressed if the client accepts it."""
        resp.set_headers(dict(REFERENCE_HEADERS))
        resp.set_header("Cache-Control", self.caching)
        resp.content_type = self.media_type
        resp.data = self.plain
        if "gzip" in req.get_header("Accept-Encoding", default=""):
            resp.set_header("Content-Encoding", "gzip")
            resp.data = self.compressed


def _sent(media_type: str, data: bytes, caching: str) -> SentReference:
    return SentReference(media_type, data, gzip.compress(data, mtime=0), caching)


@cache
def _file(name: str, media_type: str) -> tuple[str, SentReference]:
    """A static file, and its path, which has the digest of its content."""
    data = files(__package__).joinpath("static", name).read_bytes()
    stem, _, suffix = name.partition(".")
    digest = hashlib.sha256(data).hexdigest()[:16]
    return f"{PATH}/{stem}-{digest}.{suffix}", _sent(media_type, data, _YEAR)


_STYLE = ("reference.css", "text/css; charset=utf-8")
_SCRIPT = ("reference.js", "text/javascript; charset=utf-8")


@cache
def _page(prefix: str | None, compat: Compat, root: str) -> SentReference:
    links = {
        "style": root + _file(*_STYLE)[0],
        "script": root + _file(*_SCRIPT)[0],
        "openapi": root + DOCUMENTATION,
    }
    html = reference_html(document(prefix, compat), links)
    return _sent(falcon.MEDIA_HTML, html.encode(), "no-cache")


class Reference:
    """The page. It is made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send the page; its links have the path that the application is mounted at."""
        settings = self._settings
        _page(settings.kheops_prefix, settings.compat, req.root_path).on_get(req, resp)


def reference_resources(settings: Settings) -> Iterable[tuple[str, object]]:
    """The page and its files, each with its path."""
    yield PATH, Reference(settings)
    yield from (_file(*one) for one in (_STYLE, _SCRIPT))
