"""What pages and viewers read beside HTML: the reading routes of the Kheops API and of DICOMweb, below ``/ui/data``.

They are those routes, with the session in the place of the token: the same checks and the same responders. Nothing
can be changed through them. The events of a patient's images are there too, for accounts of the TSCharts API. At the
origin of the viewer OHIF, where it has one, they are those of DICOMweb alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import falcon
from attrs import evolve, field, frozen

from albumcore_adapters.http.binding import Components
from albumcore_adapters.http.dicomweb import (
    bulk_data,
    frames,
    instance_search,
    metadata,
    rendered,
    retrieve,
    wado_uri,
)
from albumcore_adapters.http.kheops import study_list
from albumcore_adapters.http.kheops.admission import KheopsApi
from albumcore_adapters.http.kheops.all_routes import ROUTES
from albumcore_adapters.http.links import BELOW
from albumcore_adapters.http.ohif_host import is_ohif_host
from albumcore_adapters.http.response import NO_SNIFFING, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.http.router import Api, Bound, resources
from albumcore_adapters.http.tscharts import image_events
from albumcore_adapters.http.tscharts.request import TSChartsRequest
from albumcore_adapters.http.ui.session import SessionCookies
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.identity.errors import Unauthorized

DATA = "/ui/data"
"""What their paths begin with."""

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Accept",
    "Cross-Origin-Resource-Policy": "same-origin",
    **dict([NO_SNIFFING]),
}
"""The headers of every response: what it is depends on the cookie, and it is for our own pages."""

_ROOMS = (
    *(study_list, instance_search, retrieve, metadata),
    *(frames, bulk_data, rendered, wado_uri),
)
_OF_OHIF = frozenset(DATA + route.path for room in _ROOMS for route in room.ROUTES)


@frozen
class DataApi(KheopsApi):
    """The Kheops API's part of request handling, for callers with a session."""

    cookies: SessionCookies = field(kw_only=True)

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of every response."""
        return _HEADERS

    def handle(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> tuple[Response, bool]:
        """Check a request, and call its responder; see `KheopsApi.handle`.

        The response is not cached: two sessions may differ in it.

        Raises:
            falcon.HTTPNotFound: it is at the origin of OHIF, for what is not of DICOMweb.
        """
        settings, at_ohif = self.cookies.settings, is_ohif_host(req)
        if at_ohif and route.path not in _OF_OHIF:
            raise falcon.HTTPNotFound
        # What a viewer is sent has addresses that it can ask for with the session.
        root = settings.ohif_url if at_ohif else settings.root
        req.context[BELOW] = f"{root}{settings.kheops_prefix or ''}{DATA}"
        response, _ = super().handle(route, respond, req, path)
        return response, False

    def caller(self, route: Route, req: falcon.Request) -> Caller:
        """The user of the session.

        Raises:
            Unauthorized: there is no session.
        """
        signed_in = self.cookies.find(req, "kheops")
        if signed_in is None:
            raise Unauthorized("there is no session")
        return signed_in.caller


@frozen
class PatientDataApi(Api):
    """The TSCharts API's part of request handling, for accounts with a session."""

    cookies: SessionCookies

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of every response."""
        return _HEADERS

    def handle(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> tuple[Response, bool]:
        """Find the session, and have the request answered.

        Raises:
            Unauthorized: there is no session of an account.
            falcon.HTTPError, NotFound: the request is refused; or it is at the origin of OHIF.
        """
        if is_ohif_host(req):
            raise falcon.HTTPNotFound
        signed_in = self.cookies.find(req, "tscharts")
        if signed_in is None:
            raise Unauthorized("there is no session")
        return respond(TSChartsRequest(req, route, signed_in.caller.source, path)), False


def _below(rows: Iterable[Route]) -> tuple[Route, ...]:
    return tuple(evolve(route, path=DATA + route.path) for route in rows)


_OF_ALBUMS = _below(
    route for route in ROUTES if route.method == "GET" and route.callers is not Callers.ANYBODY
)
_OF_IMAGES = _below(image_events.ROUTES)


def data_routes(api: DataApi, components: Components) -> Iterable[tuple[str, object]]:
    """The reading routes, and their resources."""
    yield from resources(api, _OF_ALBUMS, components)
    yield from resources(PatientDataApi(api.cookies), _OF_IMAGES, components)
