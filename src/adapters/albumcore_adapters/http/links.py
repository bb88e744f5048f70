"""Addresses in responses: each is below the public root of the API, or below the link that the request came through."""

from __future__ import annotations

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.identity.bearer import bearer

BELOW = "addresses_below"
"""The name in the context of a request for the address that its addresses are below, where it is not the API's."""


def public_root(request: ApiRequest, settings: Settings) -> str:
    """The address that the paths of the API follow; that of a link if the request came through one.

    It is made from the settings, never from ``Host``, which some clients send without the port.
    """
    root = str(request.req.context.get(BELOW, settings.api_url))
    if (request.header("X-Link-Authorization") or "").lower() == "true":
        root += f"/link/{bearer(request.header('Authorization'))}"
    return root
