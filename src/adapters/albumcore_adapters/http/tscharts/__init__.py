"""The TSCharts image API: images of patients as base64, with the clinics, stations, patients and logins they need.

Errors have an empty body or ``{"detail": ...}``, as a Django REST framework server answers them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import falcon
import orjson

from albumcore_adapters.http.errors import DETAILS, fault_of
from albumcore_adapters.http.tscharts.accounts import Login, Logout
from albumcore_adapters.http.tscharts.images import Image, Images
from albumcore_adapters.http.tscharts.patients import patients
from albumcore_adapters.http.tscharts.records import Record, Records, clinics, stations
from albumcore_adapters.http.tscharts.resource import NOT_FOUND, Nowhere, Resource
from albumcore_adapters.http.tscharts.routes import ROOT, ROUTES, Route
from albumcore_adapters.service import Service

__all__ = ["ROUTES", "Route", "answer_error", "routes", "sinks"]


def routes(service: Service) -> Iterable[tuple[str, Resource]]:
    """The paths of the API, without the final slash, and what answers there."""
    yield f"{ROOT}/login", Login(service)
    yield f"{ROOT}/logout", Logout(service)
    for name, table in (("clinic", clinics), ("station", stations), ("patient", patients)):
        kind = table(service)
        yield f"{ROOT}/{name}", Records(service, kind)
        yield f"{ROOT}/{name}/{{key}}", Record(service, kind)
    yield f"{ROOT}/image", Images(service)
    yield f"{ROOT}/image/{{key}}", Image(service)


def sinks(service: Service) -> Iterable[tuple[re.Pattern[str], Callable[..., None]]]:
    """Every other path below ``/tscharts/``: who is not authenticated does not even learn that it is none."""
    yield re.compile("/tscharts/"), Nowhere(service).respond


def answer_error(req: falcon.Request, resp: falcon.Response, status: int, error: Exception) -> None:
    """Give a refusal its body: ``{"detail": ...}`` where there is something to say, else an empty one."""
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
    told = DETAILS.get(getattr(error, "code", ""))
    detail: Any = told or getattr(error, "detail", None)
    return None if detail is None else str(detail)
