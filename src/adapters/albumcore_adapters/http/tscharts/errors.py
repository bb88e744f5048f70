"""Every error as the TSCharts API answers it: an empty body, or ``{"detail": ...}``."""

from __future__ import annotations

import falcon
import orjson

from albumcore_adapters.http.errors import DETAILS, fault_of
from albumcore_adapters.http.tscharts.request import NOT_FOUND


def answer_error(req: falcon.Request, resp: falcon.Response, status: int, error: Exception) -> None:
    """Write the body of an error response."""
    detail = _detail(req, status, error)
    resp.data = b"" if detail is None else orjson.dumps({"detail": detail})


def _detail(req: falcon.Request, status: int, error: Exception) -> str | None:
    if status >= 500:
        log_id = f"log id {getattr(req.context, 'log_id', 'unknown')}"
        return "; ".join(filter(None, (fault_of(error), log_id)))
    if isinstance(error, falcon.HTTPError):
        return error.description
    if status == 404:
        return NOT_FOUND
    detail = DETAILS.get(getattr(error, "code", "")) or getattr(error, "detail", None)
    return None if detail is None else str(detail)
