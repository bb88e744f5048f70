"""Every route of the TSCharts image API: one row each, with what it needs and what it records."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from albumcore import ImageAdded, ImageRemoved, PatientDeleted

ROOT = "/tscharts/v1"

NOTHING = "nothing: it is how one gets a token"
NOTHING_TO_LEAVE = "nothing: clients send no token with it"
TOKEN = "an account's token"  # noqa: S105


@frozen
class Route:
    """One operation of the API.

    Methods that an address takes only to refuse them have no row.

    Attributes:
        method: The HTTP method.
        path: The address without the final slash, with the part that varies in braces.
        needs: What the caller must show.
        records: The classes of events it can lead to.
    """

    method: str
    path: str
    needs: str = TOKEN
    records: tuple[type[Any], ...] = ()


def _records_of(kind: str, *deleting: type[Any]) -> tuple[Route, ...]:
    """The routes of one kind of records; deleting one may lead to events."""
    return (
        Route("GET", f"{ROOT}/{kind}"),
        Route("POST", f"{ROOT}/{kind}"),
        Route("GET", f"{ROOT}/{kind}/{{key}}"),
        Route("DELETE", f"{ROOT}/{kind}/{{key}}", records=deleting),
    )


ROUTES: tuple[Route, ...] = (
    Route("POST", f"{ROOT}/login", NOTHING),
    Route("POST", f"{ROOT}/logout", NOTHING_TO_LEAVE),
    *_records_of("clinic"),
    *_records_of("station"),
    *_records_of("patient", PatientDeleted),
    Route("PUT", f"{ROOT}/patient/{{key}}"),
    Route("GET", f"{ROOT}/image"),
    Route("POST", f"{ROOT}/image", records=(ImageAdded,)),
    Route("GET", f"{ROOT}/image/{{key}}"),
    Route("DELETE", f"{ROOT}/image/{{key}}", records=(ImageRemoved,)),
)
