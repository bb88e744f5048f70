"""Probes and metrics: liveness, readiness, and the numbers of stored things (Kheops API 13.2)."""

from __future__ import annotations

from albumcore import Albumcore
from albumcore.json_object import Json
from albumcore.times import Clock
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import NOTHING, OK
from albumcore_adapters.http.openapi.specs import TEXT, ResponseSpec, ref
from albumcore_adapters.http.prometheus import OPENMETRICS, TEXT_FORMAT, prometheus_text
from albumcore_adapters.http.request_log import log_fault
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store import StoreError
from albumcore_adapters.store.metrics import (
    Histogram,
    members_histogram,
    series_histogram,
    store_counts,
)

METRICS = JSON, OPENMETRICS, TEXT_FORMAT
"""The media types of the metrics; the first is the default."""


def liveness(request: ApiRequest) -> Response:
    """Respond, which a live process can."""
    return Response()


def readiness(request: ApiRequest, albums: Albumcore) -> Response:
    """Read from the database; 500 if that fails."""
    try:
        albums.follow(limit=1)
    except StoreError as error:
        log_fault(request.req, error)
        return Response(500)
    return Response()


def metrics(
    request: ApiRequest,
    catalogue: Catalogue,
    database: Database,
    requests: RequestCounts,
    clock: Clock,
) -> Response:
    """Show the numbers of stored things; for Prometheus, also the requests handled by all workers."""
    stored = store_counts(database, clock()) | dict(catalogue.counts())
    held = {
        "users_in_album": members_histogram(database),
        "series_in_album": series_histogram(database),
        "series_in_study": catalogue.series_in_study_histogram(),
    }
    media_type = request.preferred(METRICS)
    if media_type in (TEXT_FORMAT, OPENMETRICS):
        return Response(200, *prometheus_text(media_type, requests, stored, held))
    numbers: Json = {f"number_of_{name}": number for name, number in stored.items()}
    for name, pairs in held.items():
        one, other = name.split("_in_")
        others = "studies" if other == "study" else f"{other}s"
        numbers[f"{name}_histogram"] = _pairs(pairs, f"nb_{one}", f"nb_{others}")
    return Response.json(numbers)


def _pairs(pairs: Histogram, first: str, second: str) -> list[Json]:
    return [{first: one, second: other} for one, other in pairs]


ROUTES = (
    Route(
        *("GET", "/liveness", liveness, "Liveness: whether the process responds."),
        callers=Callers.ANYBODY,
        needs=NOTHING,
        responses=OK,
    ),
    Route(
        *("GET", "/readiness", readiness, "Readiness: whether the database can be read."),
        callers=Callers.ANYBODY,
        needs=NOTHING,
        responses=OK,
    ),
    Route(
        *("GET", "/metrics", metrics),
        summary="Show the numbers of stored things; for Prometheus, also those of requests.",
        callers=Callers.ANYBODY,
        needs=NOTHING,
        responses={
            200: ResponseSpec(
                "The metrics.",
                {JSON: ref("Metrics"), OPENMETRICS: TEXT, TEXT_FORMAT: TEXT},
            )
        },
    ),
)
