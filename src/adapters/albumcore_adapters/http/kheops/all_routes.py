"""Every route of the Kheops album API, in the order of the reference page and of ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Iterable

from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.http.binding import Components
from albumcore_adapters.http.dicomweb import (
    bulk_data,
    frames,
    instance_search,
    metadata,
    ohif,
    rendered,
    retrieve,
    stow,
    wado_uri,
)
from albumcore_adapters.http.kheops import (
    album_changes,
    albums,
    capability_tokens,
    comments,
    events,
    favorites,
    inbox,
    introspection,
    members,
    probes,
    registration,
    report_providers,
    reports,
    studies,
    study_list,
    token_endpoint,
    user_search,
    webhooks,
)
from albumcore_adapters.http.kheops.admission import KheopsApi
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.router import resources

ROUTES: tuple[Route, ...] = (
    *registration.ROUTES,
    *token_endpoint.ROUTES,
    *introspection.ROUTES,
    *albums.ROUTES,
    *album_changes.ROUTES,
    *studies.ROUTES,
    *members.ROUTES,
    *favorites.ROUTES,
    *events.ROUTES,
    *comments.ROUTES,
    *report_providers.ROUTES,
    *reports.ROUTES,
    *inbox.ROUTES,
    *capability_tokens.ROUTES,
    *webhooks.ROUTES,
    *study_list.ROUTES,
    *instance_search.ROUTES,
    *ohif.ROUTES,
    *stow.ROUTES,
    *retrieve.ROUTES,
    *metadata.ROUTES,
    *frames.ROUTES,
    *bulk_data.ROUTES,
    *rendered.ROUTES,
    *wado_uri.ROUTES,
    *user_search.ROUTES,
    *probes.ROUTES,
)


def routes(
    api: KheopsApi, prefix: str | None, components: Components
) -> Iterable[tuple[str, object]]:
    """Every path of the API and its resource, and the same under a prefix if there is one.

    Raises:
        SettingsError: the prefix begins as a route does, and would hide some.
        MissingComponent: a responder names a component that there is none of.
    """
    found = tuple(resources(api, ROUTES, components))
    if prefix is not None and prefix.split("/")[1] in {
        "link",
        *(route.path.split("/")[1] for route in ROUTES),
    }:
        raise SettingsError("ALBUMCORE_KHEOPS_PREFIX", "a path that is none of the API's own")
    yield from found
    if prefix is not None:
        yield from ((f"{prefix}{path}", resource) for path, resource in found)
