"""The root of the service: it leads a browser to the pages."""

from __future__ import annotations

import falcon

from albumcore_adapters.http.accept import HTML, JSON, preferred


class Front:
    """The resource of ``/``. For a client that prefers JSON, or does not say, there is nothing here (404)."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Lead to the pages.

        Raises:
            falcon.HTTPNotFound: the client is no browser.
        """
        if preferred(req, (JSON, HTML)) != HTML:
            raise falcon.HTTPNotFound
        resp.status = falcon.HTTP_303
        resp.set_header("Location", f"{req.root_path}/ui")
        resp.set_header("Vary", "Accept")
