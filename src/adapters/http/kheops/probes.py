"""Whether the service lives, whether it can serve, and what there is in it, in numbers (Kheops API 13.2)."""

from __future__ import annotations

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.render import Json
from adapters.http.log import log_fault
from adapters.metrics import Pairs, count_all, series_in_albums, users_in_albums
from adapters.store import StoreError


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
    """Count what there is."""
    catalogue, database = ask.deployment.catalogue, ask.deployment.people.database
    numbers = count_all(database, ask.deployment.clock()) | dict(catalogue.numbers())
    told: Json = {f"number_of_{name}": number for name, number in numbers.items()}
    told["users_in_album_histogram"] = _pairs(users_in_albums(database), "nb_users", "nb_albums")
    told["series_in_album_histogram"] = _pairs(series_in_albums(database), "nb_series", "nb_albums")
    told["series_in_study_histogram"] = _pairs(
        catalogue.series_in_study_histogram(), "nb_series", "nb_studies"
    )
    ask.answer(told)


def _pairs(pairs: Pairs, first: str, second: str) -> list[Json]:
    return [{first: one, second: other} for one, other in pairs]
