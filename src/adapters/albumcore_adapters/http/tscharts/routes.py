"""Every route of the TSCharts image API, in the order of the reference page and of ``/openapi.json``."""

from __future__ import annotations

from albumcore_adapters.base.settings import Compat
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.tscharts import accounts, clinics, image_events, images, patients


def routes_of(compat: Compat) -> tuple[Route, ...]:
    """The routes of a service with a ``compat`` setting: it changes what those of images take."""
    of_images = images.UPSTREAM_ROUTES if compat == "upstream" else images.ROUTES
    return (
        *accounts.ROUTES,
        *clinics.ROUTES,
        *patients.ROUTES,
        *of_images,
        *image_events.ROUTES,
    )


ROUTES = routes_of("documented")
