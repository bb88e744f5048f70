"""Whether this process can serve."""

from __future__ import annotations

import falcon

from adapters.deployment import Deployment


class Health:
    """``GET /healthz``: 200 while the database answers. No authorization, nothing about the data."""

    def __init__(self, deployment: Deployment) -> None:
        self._albums = deployment.albums

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Ask the database for something, and say that it answered."""
        self._albums.follow(limit=1)
        resp.media = {"status": "ok"}

    on_head = on_get  # load balancers ask so
