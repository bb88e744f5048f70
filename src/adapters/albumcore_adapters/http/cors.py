"""CORS for the Kheops routes, with preflight requests without credentials, and HEAD (Kheops API, conventions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import falcon

from albumcore_adapters.http.request_log import REQUEST_ID, TRACE_PARENT
from albumcore_adapters.http.response import NEXT_CURSOR, TOTAL

EXPOSE = "Access-Control-Expose-Headers"

CORS_HEADERS: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "origin, content-type, accept, authorization, frontend,"
    f" accept-charset, X-Authorization-Source, Idempotency-Key, Last-Event-ID, {REQUEST_ID}, {TRACE_PARENT}",
    EXPOSE: f"{REQUEST_ID}, {TRACE_PARENT}",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, PATCH, POST, PUT, DELETE, OPTIONS, HEAD",
    "Access-Control-Max-Age": "86400",
}
"""The headers of every response."""


class Cors:
    """Lets pages of any origin read the responses.

    Args:
        elsewhere: The prefixes of paths that get no CORS headers.
    """

    def __init__(self, *elsewhere: str) -> None:
        self._elsewhere = elsewhere

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        """Set the CORS headers."""
        if req.path.startswith(self._elsewhere):
            return
        resp.set_headers(CORS_HEADERS)
        if resp.get_header(TOTAL) is not None:
            of_lists = f"{TOTAL}, {NEXT_CURSOR}" if resp.get_header(NEXT_CURSOR) else TOTAL
            resp.set_header(EXPOSE, f"{of_lists}, {CORS_HEADERS[EXPOSE]}")


class HeadAsGet:
    """Handles HEAD as GET, without the body."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Replace HEAD by GET, for the same route and the same checks."""
        if req.method == "HEAD":
            req.context.is_head = True
            req.method = "GET"

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        """Restore HEAD: the framework then sends Content-Length without the body.

        If ``Allow`` names GET, it names HEAD too (RFC 9110 section 10.2.1).
        """
        if req.context.get("is_head"):
            req.method = "HEAD"
        allowed = (resp.get_header("Allow") or "").split(", ")
        if "GET" in allowed and "HEAD" not in allowed:
            allowed.insert(allowed.index("GET") + 1, "HEAD")
            resp.set_header("Allow", ", ".join(allowed))
