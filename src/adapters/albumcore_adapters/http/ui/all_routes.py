"""Every route of the pages, in the order of their files."""

from __future__ import annotations

from collections.abc import Iterable

from albumcore_adapters.http.binding import Components
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.router import resources
from albumcore_adapters.http.ui import (
    album,
    album_list,
    album_settings,
    connections,
    gallery,
    inbox,
    link_pages,
    members,
    ohif_files,
    patients,
    picture,
    provider_sign_in,
    settings,
    sign_in,
    static_files,
    study,
    study_acts,
    tokens,
    upload,
    viewer,
    webhook,
)
from albumcore_adapters.http.ui.data import DataApi, data_routes
from albumcore_adapters.http.ui.front import Front
from albumcore_adapters.http.ui.link_pages import LinkApi
from albumcore_adapters.http.ui.page_api import PageApi

ROUTES: tuple[Route, ...] = (
    *static_files.ROUTES,
    *sign_in.ROUTES,
    *provider_sign_in.ROUTES,
    *album_list.ROUTES,
    *album.ROUTES,
    *members.ROUTES,
    *album_settings.ROUTES,
    *tokens.ROUTES,
    *connections.ROUTES,
    *webhook.ROUTES,
    *inbox.ROUTES,
    *study.ROUTES,
    *study_acts.ROUTES,
    *viewer.ROUTES,
    *patients.ROUTES,
    *gallery.ROUTES,
    *picture.ROUTES,
    *upload.ROUTES,
    *ohif_files.ROUTES,
    *settings.ROUTES,
)
"""A new page is a file with ``ROUTES``, and a line here."""


def page_routes(
    pages: PageApi, links: LinkApi, data: DataApi, prefix: str | None, components: Components
) -> Iterable[tuple[str, object]]:
    """Every path of the pages and its resource, and the same under a prefix if there is one.

    Raises:
        MissingComponent: a responder names a component that there is none of.
    """
    found = (
        *resources(pages, ROUTES, components),
        *data_routes(data, components),
        *resources(links, link_pages.ROUTES, components),
        (link_pages.LINK, Front()),
    )
    yield from found
    if prefix is not None:
        yield from ((f"{prefix}{path}", resource) for path, resource in found)
