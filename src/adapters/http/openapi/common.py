"""What operations of the Kheops album API have in common: parameters, forms and answers."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.http.openapi.parts import (
    COUNT,
    FLAG,
    TEXT,
    Answer,
    Field,
    Fields,
    Schema,
    array,
    ref,
    text,
)
from adapters.http.openapi.schemas import ALPHANUMERIC

JSON = "application/json"
DICOM_JSON = "application/dicom+json"
TOTAL: Mapping[str, Schema] = {"X-Total-Count": COUNT}

NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
POSITIVE: Schema = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
USER: Schema = text(1, description="a sub, or an e-mail address in any case")
DAYS: Schema = text(
    pattern=r"^(\d{8}|\d{8}-\d{8}|-\d{8}|\d{8}-)$", description="a day, or a range of days (UTC)"
)
DAY_OR_MOMENT: Schema = text(pattern=r"^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?$", description="UTC")
MOMENT: Schema = text(description="ISO 8601 with an offset")
WEBHOOK_EVENT: Schema = text(description="new_series, remove_series, new_user or delete_album")

PAGE: Fields = {
    "limit": Field(NUMBER, "At most that many; all when left out."),
    "offset": Field(NUMBER, "How many to pass over."),
}
PAGE_OF_SOME: Fields = {**PAGE, "limit": Field(POSITIVE, "At most that many; all when left out.")}
LENT: Fields = {
    "X-Authorization-Source": Field(
        TEXT, "Bearer and a capability token of the album that it is taken from."
    )
}
FROM: Fields = {
    "album": Field(ALPHANUMERIC, "The album it is taken from."),
    "inbox": Field(FLAG, "true: it is taken from the caller's inbox."),
}
REPEATABLE: Fields = {
    "Idempotency-Key": Field(
        text(1, 512, pattern="^[!-~]+$"),
        "The same key with the same request is the same request again; with another one it is 409.",
    )
}
IN: Fields = {
    "album": Field(ALPHANUMERIC, "Look in this album."),
    "inbox": Field(TEXT, "Look in the caller's inbox; whatever the value."),
}
FLAGS: Fields = {
    name: Field(FLAG)
    for name in (
        "addUser",
        "downloadSeries",
        "sendSeries",
        "deleteSeries",
        "addSeries",
        "writeComments",
    )
}
COMMENT: Fields = {
    "comment": Field(text(1, 1024), required=True),
    "to_user": Field(USER, "Whom it is for alone."),
}


def listed(name: str) -> Mapping[int, Answer]:
    """A page of a list."""
    return {200: Answer("A page of the list.", {JSON: array(ref(name))}, TOTAL)}


def shown(name: str, status: int = 200) -> Mapping[int, Answer]:
    """One thing."""
    return {status: Answer("The thing itself.", {JSON: ref(name)})}


ADDED: Mapping[int, Answer] = {201: Answer("It is there.")}
DONE: Mapping[int, Answer] = {204: Answer("It is done.")}
OK: Mapping[int, Answer] = {200: Answer("All is well.")}


def dicom(*, paged: bool = True) -> Mapping[int, Answer]:
    """A list in the DICOM JSON Model, or nothing where it would be empty."""
    headers = {**TOTAL, "Warning": TEXT} if paged else {}
    schema = array(ref("DicomObject"))
    return {
        200: Answer("What was found.", {DICOM_JSON: schema, JSON: schema}, headers),
        204: Answer("Nothing was found.", headers=TOTAL if paged else {}),
    }
