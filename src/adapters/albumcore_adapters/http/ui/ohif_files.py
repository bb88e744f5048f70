"""The viewer OHIF at ``/ohif/``: its published files, with a configuration and a policy of its own.

The files are those of a directory (`Settings.ohif`). They are published for the root of a server: the addresses in
them are put below ``/ohif``. The viewer reads below ``/ui/data`` with the session of the reader, so that no token is in
its address; or it is given a link with a token (its source ``dicomwebproxy``).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import falcon
import orjson

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.dicomweb.ohif import OHIF_OPTIONS
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import REST_OF_PATH, Callers
from albumcore_adapters.http.ui.data import DATA
from albumcore_adapters.http.ui.page_api import SIGN_IN
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page

_OHIF = "/ohif"
_INDEX, _CONFIGURATION = "index.html", "app-config.js"
_JAVASCRIPT = "text/javascript; charset=utf-8"
_MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": _JAVASCRIPT,
    ".mjs": _JAVASCRIPT,
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
_HASHED = re.compile(r"[0-9a-f]{20}\.")
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_YEAR, _CHECKED = "public, max-age=31536000, immutable", "no-cache"


def ohif_policy(scripts: str = "") -> str:
    """The Content-Security-Policy of the viewer: it needs WebAssembly, workers, and styles of its own.

    Args:
        scripts: The digests of the scripts in its page.
    """
    return (
        f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval' blob:{scripts};"
        " worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:;"
        " img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' data: blob:;"
        " object-src 'self' blob:; frame-src 'self' blob:;"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def ohif_page(request: PageRequest, settings: Settings) -> Response:
    """Lead to the viewer's list of studies.

    Raises:
        falcon.HTTPNotFound: the viewer is not served here.
    """
    if settings.ohif is None:
        raise falcon.HTTPNotFound
    return _page(request, settings.ohif)


def ohif_file(request: PageRequest, settings: Settings) -> Response:
    """Send a file of the viewer; for any other path its page, which reads the path.

    Raises:
        falcon.HTTPNotFound: the viewer is not served here, or has no such file.
    """
    folder = settings.ohif
    if folder is None:
        raise falcon.HTTPNotFound
    name = request.path[REST_OF_PATH[1:-1]]
    if name == _CONFIGURATION:
        return _sent(_configuration(request.prefix), _JAVASCRIPT, _CHECKED)
    found = _file_in(folder, name)
    if found is not None and found.name != _INDEX:
        content = _moved(found, request.prefix + _OHIF)
        media_type = _MEDIA_TYPES.get(found.suffix, "application/octet-stream")
        return _sent(content, media_type, _YEAR if _HASHED.search(found.name) else _CHECKED)
    if "." in name.rsplit("/", 1)[-1] and found is None:
        raise falcon.HTTPNotFound
    return _page(request, folder)


def _page(request: PageRequest, folder: Path) -> Response:
    """The page of the viewer. A reader without a session is led to the sign-in page, unless a link is given."""
    if request.user is None and not request.query.text("url"):
        return request.to(SIGN_IN)
    index = _file_in(folder, _INDEX)
    if index is None:
        raise falcon.HTTPNotFound
    content = _moved(index, request.prefix + _OHIF)
    digests = (hashlib.sha256(one).digest() for one in _INLINE.findall(content))
    scripts = "".join(f" 'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return _sent(content, _MEDIA_TYPES[".html"], _CHECKED, scripts)


def _file_in(folder: Path, name: str) -> Path | None:
    """A file in a directory; None if there is none in it."""
    try:
        root = folder.resolve()
        found = (root / name).resolve()
        return found if found.is_relative_to(root) and found.is_file() else None
    except (OSError, ValueError):
        return None


_AT_ROOT: Mapping[str, Sequence[bytes]] = {
    ".html": (b'="/', b"PUBLIC_URL = '/"),
    ".js": (b'__webpack_require__.p = "/',),
    ".css": (b"url(/",),
    ".json": (b'"src": "/',),
}
"""How addresses at the root of the server begin in the files, by their suffix."""


def _moved(path: Path, root: str) -> bytes:
    """The content of a file, with the addresses that begin at the root of the server below another."""
    content = path.read_bytes()
    for beginning in _AT_ROOT.get(path.suffix, ()):
        content = content.replace(beginning, beginning[:-1] + root.encode() + b"/")
    return content


def _sent(content: bytes, media_type: str, cache: str, scripts: str = "") -> Response:
    headers = {
        "Content-Security-Policy": ohif_policy(scripts),
        "Cache-Control": cache,
        ETAG: etag_of(content),
    }
    return Response(200, content, media_type, headers)


_SCRIPT = b"""(() => {
  const config = %s;
  const root = location.origin + %s;
  Object.assign(config.dataSources[0].configuration, { qidoRoot: root, wadoRoot: root, wadoUriRoot: `${root}/wado` });
  window.config = config;
})();
"""
_SOURCE = "@ohif/extension-default.dataSourcesModule"


def _configuration(prefix: str) -> bytes:
    """The configuration of the viewer, as its script: it reads with the session, or as a link says."""
    name = "albumcore"
    options = {"friendlyName": name, "supportsFuzzyMatching": True, **OHIF_OPTIONS}
    config = {
        "routerBasename": prefix + _OHIF,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 3,
        "maxNumRequests": {"interaction": 20, "thumbnail": 5, "prefetch": 10},
        "defaultDataSourceName": name,
        "dataSources": [
            {
                "namespace": f"{_SOURCE}.dicomweb",
                "sourceName": name,
                "configuration": options,
            },
            {
                "namespace": f"{_SOURCE}.dicomwebproxy",
                "sourceName": "dicomwebproxy",
                "configuration": {"friendlyName": f"{name}, by link", "name": "dicomwebproxy"},
            },
        ],
    }
    return _SCRIPT % (orjson.dumps(config), orjson.dumps(prefix + DATA))


ROUTES = (
    page(_OHIF, ohif_page, "Show the viewer OHIF.", callers=Callers.ANYBODY),
    page(
        f"{_OHIF}/{REST_OF_PATH}",
        ohif_file,
        "Send a file of the viewer OHIF.",
        callers=Callers.ANYBODY,
    ),
)
