"""Whether the service lives, whether it can serve, and what there is in it, in numbers (Kheops API 13.2)."""

from __future__ import annotations

from adapters.http.accepted import preferred
from adapters.http.kheops.ask import Ask
from adapters.http.kheops.render import Json
from adapters.http.log import log_fault
from adapters.http.prometheus import OPENMETRICS, TEXT, prometheus_text
from adapters.metrics import Pairs, count_all, series_in_albums, users_in_albums
from adapters.store import StoreError

METRICS = "application/json", OPENMETRICS, TEXT
"""In what form the metrics are told; the first where nothing else is asked for."""


def liveness(ask: Ask) -> None:
    """Answer: whoever can do that lives."""
    ask.done(200)


def readiness(ask: Ask) -> None:
    """Ask the database for something; 500 where it does not answer."""
    try:
        ask.deployment.albums.follow(limit=1)
    except StoreError as error:
        log_fault(ask.req, error)
        ask.done(500)
    else:
        ask.done(200)


def metrics(ask: Ask) -> None:
    """Count what there is; for Prometheus, also what all workers have answered."""
    catalogue, database = ask.deployment.catalogue, ask.deployment.people.database
    stored = count_all(database, ask.deployment.clock()) | dict(catalogue.numbers())
    held = {
        "users_in_album": users_in_albums(database),
        "series_in_album": series_in_albums(database),
        "series_in_study": catalogue.series_in_study_histogram(),
    }
    media_type = preferred(ask.req, METRICS)
    if media_type in (TEXT, OPENMETRICS):
        ask.done(200)
        requests = ask.deployment.requests
        ask.resp.data, ask.resp.content_type = prometheus_text(media_type, requests, stored, held)
        return
    told: Json = {f"number_of_{name}": number for name, number in stored.items()}
    for name, pairs in held.items():
        one, other = name.split("_in_")
        others = "studies" if other == "study" else f"{other}s"
        told[f"{name}_histogram"] = _pairs(pairs, f"nb_{one}", f"nb_{others}")
    ask.answer(told)


def _pairs(pairs: Pairs, first: str, second: str) -> list[Json]:
    return [{first: one, second: other} for one, other in pairs]
