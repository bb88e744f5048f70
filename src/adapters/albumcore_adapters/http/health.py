"""Whether this process can serve."""

from __future__ import annotations

import falcon

from albumcore_adapters.service import Deployment
from albumcore_adapters.store import database_of


class Health:
    """``GET /healthz``: 200 while the database answers. No authorization, nothing about the data.

    It stays 503 once this process has met damage of the database, or its file was
    replaced: see `trouble` of the database.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._albums, self._database = deployment.albums, database_of(deployment.albums)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Ask the database for something, and say that it answered."""
        if (trouble := self._database.trouble()) is not None:
            raise falcon.HTTPServiceUnavailable(description=trouble)
        self._albums.follow(limit=1)
        resp.media = {"status": "ok"}

    on_head = on_get  # load balancers ask so
