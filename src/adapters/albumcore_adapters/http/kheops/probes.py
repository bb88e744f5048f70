"""Whether the service lives, whether it can serve, and what there is in it, in numbers (Kheops API 13.2)."""

from __future__ import annotations

from albumcore_adapters.http.accept import JSON, preferred
from albumcore_adapters.http.kheops.common import NOTHING, OK
from albumcore_adapters.http.kheops.feed_json import Json
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import TEXT, ResponseSpec, ref
from albumcore_adapters.http.prometheus import OPENMETRICS, TEXT_FORMAT, prometheus_text
from albumcore_adapters.http.request_log import log_fault
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.store import StoreError
from albumcore_adapters.store.metrics import (
    Histogram,
    members_histogram,
    series_histogram,
    store_counts,
)

METRICS = JSON, OPENMETRICS, TEXT_FORMAT
"""In what form the metrics are told; the first where nothing else is asked for."""


def liveness(request: ApiRequest) -> None:
    """Answer: whoever can do that lives."""
    request.done(200)


def readiness(request: ApiRequest) -> None:
    """Ask the database for something; 500 where it does not answer."""
    try:
        request.service.albums.follow(limit=1)
    except StoreError as error:
        log_fault(request.req, error)
        request.done(500)
    else:
        request.done(200)


def metrics(request: ApiRequest) -> None:
    """Count what there is; for Prometheus, also what all workers have answered."""
    catalogue, database = request.service.catalogue, request.service.people.database
    stored = store_counts(database, request.service.clock()) | dict(catalogue.counts())
    held = {
        "users_in_album": members_histogram(database),
        "series_in_album": series_histogram(database),
        "series_in_study": catalogue.series_in_study_histogram(),
    }
    media_type = preferred(request.req, METRICS)
    if media_type in (TEXT_FORMAT, OPENMETRICS):
        request.done(200)
        requests = request.service.requests
        request.resp.data, request.resp.content_type = prometheus_text(
            media_type, requests, stored, held
        )
        return
    told: Json = {f"number_of_{name}": number for name, number in stored.items()}
    for name, pairs in held.items():
        one, other = name.split("_in_")
        others = "studies" if other == "study" else f"{other}s"
        told[f"{name}_histogram"] = _pairs(pairs, f"nb_{one}", f"nb_{others}")
    request.answer(told)


def _pairs(pairs: Histogram, first: str, second: str) -> list[Json]:
    return [{first: one, second: other} for one, other in pairs]


ROUTES = (
    Route(
        *("GET", "/liveness", liveness, "Whether the process is there."),
        callers=Callers.ANYBODY,
        needs=NOTHING,
        responses=OK,
    ),
    Route(
        *("GET", "/readiness", readiness, "Whether the database answers."),
        callers=Callers.ANYBODY,
        needs=NOTHING,
        responses=OK,
    ),
    Route(
        *("GET", "/metrics", metrics),
        summary="How much there is of what; for Prometheus, also what was answered.",
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
