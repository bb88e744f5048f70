"""The Kheops album API: albums, their members, studies, comments, events, and all that belongs to them.

`routes` is the table of what there is; `routing` makes the checks that
all routes share. Every rule of an album is its decisions'. What is here reads requests, finds who and what they
name, and writes answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from albumcore_adapters.base.settings import SettingsError
from albumcore_adapters.http.kheops.errors import answer_error
from albumcore_adapters.http.kheops.routes import ROUTES
from albumcore_adapters.http.kheops.routing import resources
from albumcore_adapters.service import Service

__all__ = ["ROUTES", "answer_error", "routes"]


def routes(service: Service) -> Iterable[tuple[str, object]]:
    """Every address of the API, and the resource that answers there; under the prefix of the settings too.

    Raises:
        SettingsError: the prefix begins as a route does, and would hide some.
    """
    found = tuple(resources(service, ROUTES))
    prefix = service.settings.kheops_prefix
    if prefix is not None and prefix.split("/")[1] in {
        route.path.split("/")[1] for route in ROUTES
    }:
        raise SettingsError("ALBUMCORE_KHEOPS_PREFIX", "a path that is none of the API's own")
    yield from found
    if prefix is not None:
        yield from ((f"{prefix}{path}", resource) for path, resource in found)
