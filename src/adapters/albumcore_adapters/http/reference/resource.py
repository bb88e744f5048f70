"""``/docs``: the page of the reference, its style and its script. All are public, and nothing else is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import falcon
from attrs import frozen

from albumcore_adapters.base.settings import Compat, Settings
from albumcore_adapters.http.description import DOCUMENTATION, document
from albumcore_adapters.http.reference.page import reference_html
from albumcore_adapters.http.static_content import FOR_A_YEAR, StaticContent

PATH = "/docs"
REFERENCE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of the page and of its files."""


@frozen
class SentReference:
    """The page, or one of its files, and how long it may be cached."""

    content: StaticContent
    caching: str

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send them, compressed if the client accepts it."""
        resp.set_headers(dict(REFERENCE_HEADERS))
        resp.set_header("Cache-Control", self.caching)
        resp.content_type = self.content.media_type
        resp.data, headers = self.content.accepted(req)
        resp.set_headers(dict(headers))


@cache
def _file(name: str, media_type: str) -> tuple[str, SentReference]:
    """A static file, and its path, which has the digest of its content."""
    content = StaticContent.of_file(__package__, name, media_type)
    stem, _, suffix = name.partition(".")
    return f"{PATH}/{stem}-{content.digest}.{suffix}", SentReference(content, FOR_A_YEAR)


_STYLE = ("reference.css", "text/css; charset=utf-8")
_SCRIPT = ("reference.js", "text/javascript; charset=utf-8")


@cache
def _page(prefix: str | None, compat: Compat, below: str) -> SentReference:
    links = {
        "style": below + _file(*_STYLE)[0],
        "script": below + _file(*_SCRIPT)[0],
        "openapi": below + DOCUMENTATION,
    }
    html = reference_html(document(prefix, compat), links)
    return SentReference(StaticContent.of(falcon.MEDIA_HTML, html.encode()), "no-cache")


class Reference:
    """The page. It is made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send the page; its links begin with where the application is mounted, and a prefix that was asked under."""
        settings = self._settings
        below = req.root_path + req.path.removesuffix(PATH)
        _page(settings.kheops_prefix, settings.compat, below).on_get(req, resp)


def reference_resources(settings: Settings) -> Iterable[tuple[str, object]]:
    """The page and its files, each with its paths: those of the pages at ``/ui/`` have the prefix too."""
    page = Reference(settings)
    for below in sorted({"", settings.kheops_prefix or ""}):
        yield below + PATH, page
        for path, sent in (_file(*_STYLE), _file(*_SCRIPT)):
            yield below + path, sent
