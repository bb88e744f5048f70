"""Whether this process can serve."""

from __future__ import annotations

import falcon

from albumcore_adapters.service import Service


class Health:
    """``GET /healthz``: 200 while the database answers. No authorization, nothing about the data.

    It stays 503 once this process has met damage of the database, or its file was
    replaced: see `trouble` of the database.
    """

    def __init__(self, service: Service) -> None:
        self._albums, self._database = service.albums, service.database

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Ask the database for something, and say that it answered."""
        if (trouble := self._database.trouble()) is not None:
            raise falcon.HTTPServiceUnavailable(description=trouble)
        self._albums.follow(limit=1)
        resp.media = {"status": "ok"}

    on_head = on_get  # load balancers ask so
