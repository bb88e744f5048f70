"""Health check of the process."""

from __future__ import annotations

import falcon

from albumcore import Albumcore
from albumcore_adapters.sql.database import Database


class Health:
    """``GET /healthz``: 200 if the database can be read, otherwise 503. It needs no token, and shows no data.

    After this process has found the database damaged or its file replaced, it is always 503: see ``trouble`` of the
    database.
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

    on_head = on_get  # for load balancers
