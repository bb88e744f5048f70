"""The viewer OHIF at ``/ohif/``: its published files, with a configuration and a policy of its own.

They are beside the pages, or at an origin of their own (`Settings.ohif_url`).

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

from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.dicomweb.ohif import OHIF_OPTIONS
from albumcore_adapters.http.ohif_host import is_ohif_host
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import REST_OF_PATH, Callers
from albumcore_adapters.http.ui.data import DATA
from albumcore_adapters.http.ui.ohif_handover import CODE, has_link, led_to, to_ohif, with_session
from albumcore_adapters.http.ui.page_api import SIGN_IN
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.session import SessionCookies

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


def ohif_policy(settings: Settings, scripts: str = "") -> str:
    """The Content-Security-Policy of the viewer: it needs WebAssembly, workers, and styles of its own.

    At an origin of its own, it also reads links, which are at that of the pages, and nothing else there.

    Args:
        settings: The settings.
        scripts: The digests of the scripts in its page.
    """
    links = ""
    if settings.ohif_url is not None:
        links = "".join(f" {root}/link/" for root in sorted({settings.root, settings.api_url}))
    return (
        f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval' blob:{scripts};"
        " worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:;"
        f" img-src 'self' data: blob:{links}; media-src 'self' blob:{links};"
        f" connect-src 'self' data: blob:{links};"
        f" object-src 'self' blob:{links}; frame-src 'self' blob:{links};"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def ohif_file(
    request: PageRequest,
    settings: Settings,
    cookies: SessionCookies,
    single_use: SingleUseTokens,
    make_id: MakeId,
) -> Response:
    """Send a file of the viewer; for any other path its page, which reads the path.

    Raises:
        falcon.HTTPNotFound: there is no viewer, or it has no such file.
    """
    folder, origin = settings.ohif, settings.ohif_url
    if folder is None:
        raise falcon.HTTPNotFound
    if origin is not None and not is_ohif_host(request.req):
        return to_ohif(request, origin, cookies.auth.issuer, make_id)
    if origin is not None and CODE in request.query.values:
        return with_session(request, origin, cookies, single_use)
    name = request.path.get(REST_OF_PATH[1:-1], "")
    if name == _CONFIGURATION:
        return _sent(_configuration(request.prefix), _JAVASCRIPT, _CHECKED, ohif_policy(settings))
    found = _file_in(folder, name)
    if found is not None and found.name != _INDEX:
        content = _moved(found, request.prefix + _OHIF)
        media_type = _MEDIA_TYPES.get(found.suffix, "application/octet-stream")
        cache = _YEAR if _HASHED.search(found.name) else _CHECKED
        return _sent(content, media_type, cache, ohif_policy(settings))
    if "." in name.rsplit("/", 1)[-1] and found is None:
        raise falcon.HTTPNotFound
    return _page(request, settings, folder)


def _page(request: PageRequest, settings: Settings, folder: Path) -> Response:
    """The page of the viewer. A reader without a session is led to where they get one, unless a link is given."""
    if request.user is None and not has_link(request):
        is_apart = settings.ohif_url is not None
        return led_to(request, settings.root) if is_apart else request.to(SIGN_IN)
    index = _file_in(folder, _INDEX)
    if index is None:
        raise falcon.HTTPNotFound
    content = _moved(index, request.prefix + _OHIF)
    digests = (hashlib.sha256(one).digest() for one in _INLINE.findall(content))
    scripts = "".join(f" 'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return _sent(content, _MEDIA_TYPES[".html"], _CHECKED, ohif_policy(settings, scripts))


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


def _sent(content: bytes, media_type: str, cache: str, policy: str) -> Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": cache, ETAG: etag_of(content)}
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
    page(_OHIF, ohif_file, "Show the viewer OHIF.", callers=Callers.ANYBODY),
    page(
        f"{_OHIF}/{REST_OF_PATH}",
        ohif_file,
        "Send a file of the viewer OHIF.",
        callers=Callers.ANYBODY,
    ),
)
