"""The description of the service: the routes of both APIs as an OpenAPI document, served at ``/openapi.json``."""

from __future__ import annotations

from functools import cache

import falcon
import orjson

from albumcore.json_object import Json
from albumcore_adapters.base.settings import Compat, Settings
from albumcore_adapters.http import tscharts
from albumcore_adapters.http.binding import needed
from albumcore_adapters.http.kheops.all_routes import ROUTES as KHEOPS_ROUTES
from albumcore_adapters.http.openapi.document import Section, openapi_document, options_of
from albumcore_adapters.http.openapi.specs import ref
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.fetching import SeriesFetcher
from albumcore_adapters.instances.reading import InstanceReader
from albumcore_adapters.instances.received import InstanceStore

DOCUMENTATION = "/openapi.json"
"""The path of the document."""

_OF_INSTANCES = {InstanceReader, InstanceStore, SeriesFetcher}
"""Components by which a responder may ask an existing archive."""


def document(prefix: str | None, compat: Compat = "documented") -> Json:
    """The OpenAPI document of a service.

    Args:
        prefix: The prefix under which the Kheops routes are also available; None without one.
        compat: The setting of that name; it changes the parameters of some TSCharts routes.
    """
    return openapi_document((_kheops(), _tscharts(compat)), prefix)


def _kheops() -> Section:
    options = options_of(KHEOPS_ROUTES, Callers.ANYBODY)
    return Section(
        "Kheops album API",
        (*KHEOPS_ROUTES, *options),
        _kheops_errors,
        {falcon.MEDIA_JSON: ref("Error")},
        lambda route: () if route.callers is Callers.ANYBODY else ("bearer", "basic"),
    )


def _kheops_errors(route: Route) -> set[int]:
    errors = set(route.errors)
    if route.method == "OPTIONS":
        return errors
    errors |= {400, 503}
    if route.callers is not Callers.ANYBODY:
        errors |= {401, 403, 404}
    if route.media_types:
        errors.add(406)
    if route.records:
        errors.add(409)
    if route.form is not None:
        errors |= {408, 413, 415}
    if _OF_INSTANCES & set(needed(route.respond).values()):
        errors |= {502, 504}
    return errors


def _tscharts(compat: Compat) -> Section:
    return Section(
        "TSCharts image API",
        (*tscharts.routes_of(compat), *tscharts.REFUSED_ROUTES, *tscharts.OPTIONS_ROUTES),
        _tscharts_errors,
        {},
        lambda route: () if route.callers is Callers.ANYBODY else ("token",),
    )


def _tscharts_errors(route: Route) -> set[int]:
    return {401, 503, *route.errors, *((408,) if route.body is not None else ())}


@cache
def _written(prefix: str | None, compat: Compat) -> bytes:
    return orjson.dumps(document(prefix, compat))


class OpenApi:
    """``/openapi.json``: the document, which is public."""

    def __init__(self, settings: Settings) -> None:
        self._document = _written(settings.kheops_prefix, settings.compat)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send the document."""
        resp.content_type = falcon.MEDIA_JSON
        resp.data = self._document
