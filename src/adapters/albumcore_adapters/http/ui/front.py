"""The root of the service, and of what a link opens: it leads a browser to the pages."""

from __future__ import annotations

from urllib.parse import quote

import falcon

from albumcore_adapters.http.accept import HTML, JSON, preferred


class Front:
    """The resource of ``/`` and ``/link/{token}``.

    For a client that prefers JSON, or does not say, there is nothing here (404).
    """

    def on_get(self, req: falcon.Request, resp: falcon.Response, token: str = "") -> None:
        """Lead to the pages below the path; those of a link say whether its token opens anything.

        Raises:
            falcon.HTTPNotFound: the client is no browser.
        """
        accepted = req.accept.lower()
        # Both may have the same quality by `*/*`: then a client that names HTML alone is a browser.
        is_named = HTML in accepted and JSON not in accepted
        if preferred(req, (HTML, JSON) if is_named else (JSON, HTML)) != HTML:
            raise falcon.HTTPNotFound
        resp.status = falcon.HTTP_303
        resp.set_header("Location", f"{req.root_path}{quote(req.path.rstrip('/'))}/ui")
        resp.set_header("Vary", "Accept")
