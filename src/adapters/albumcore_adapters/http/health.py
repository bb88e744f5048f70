"""Whether this process can serve."""

from __future__ import annotations

import falcon

from albumcore import Albumcore
from albumcore_adapters.sql.database import Database


class Health:
    """``GET /healthz``: 200 while the database answers. No authorization, nothing about the data.

    It stays 503 once this process has met damage of the database, or its file was
    replaced: see `trouble` of the database.
    """

    def __init__(self, albums: Albumcore, database: Database) -> None:
        self._albums, self._database = albums, database

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Read from the database.

        Raises:
            falcon.HTTPServiceUnavailable: the database is damaged or was replaced.
            StoreUnavailable: it does not answer.
        """
        if (trouble := self._database.trouble()) is not None:
            raise falcon.HTTPServiceUnavailable(description=trouble)
        self._albums.follow(limit=1)
        resp.media = {"status": "ok"}

    on_head = on_get  # load balancers ask so
