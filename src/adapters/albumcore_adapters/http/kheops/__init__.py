"""The Kheops album API: albums, their members, studies, comments, events, and all that belongs to them.

One file per feature: its responders, and at its end its ``ROUTES``. `routes` puts them in order, and `admission` makes
the checks that all routes share. The rules of albums are in the decisions of the core; what is here reads requests,
finds who and what they name, and returns responses.
"""

from __future__ import annotations

from collections.abc import Iterable

from albumcore_adapters.base.settings import SettingsError
from albumcore_adapters.http.binding import Components
from albumcore_adapters.http.kheops.admission import KheopsApi
from albumcore_adapters.http.kheops.all_routes import ROUTES
from albumcore_adapters.http.kheops.errors import answer_error
from albumcore_adapters.http.router import resources

__all__ = ["ROUTES", "KheopsApi", "answer_error", "routes"]


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
