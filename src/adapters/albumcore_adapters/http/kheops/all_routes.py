"""Every route of the Kheops album API, in the order of the reference page and of ``/openapi.json``."""

from __future__ import annotations

from albumcore_adapters.http.dicomweb import (
    bulk_data,
    frames,
    instance_search,
    metadata,
    ohif,
    rendered,
    retrieve,
    stow,
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
from albumcore_adapters.http.route import Route

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
    *user_search.ROUTES,
    *probes.ROUTES,
)
