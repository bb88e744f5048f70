"""What operations of the Kheops album API have in common: parameters, forms and answers."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http.openapi.parts import (
    COUNT,
    TEXT,
    Answer,
    Field,
    Fields,
    Schema,
    array,
    at_most_one,
    exactly_one,
    group,
    ref,
    text,
)
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC
from albumcore_adapters.http.openapi.values import (
    IDEMPOTENCY_KEY,
    NUMBER,
    PLAIN,
    POSITIVE,
    USER,
    WORD,
    any_case,
)

JSON = "application/json"
DICOM_JSON = "application/dicom+json"
TOTAL: Mapping[str, Schema] = {"X-Total-Count": COUNT}

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
    "source": group(
        {
            "album": Field(ALPHANUMERIC, "The album it is taken from."),
            "inbox": Field(any_case("true"), "true: it is taken from the caller's inbox."),
        },
        exactly_one("album", "inbox"),
        required=True,
    )
}
"""Where it is taken from. It is not read where X-Authorization-Source says that, nor for a token of an album."""

IDEMPOTENCY: Fields = {
    "Idempotency-Key": Field(
        IDEMPOTENCY_KEY,
        "The same key with the same request is the same request again; with another one it is 409.",
    )
}
_PLACES: Fields = {
    "album": Field(ALPHANUMERIC, "Look in this album."),
    "inbox": Field(TEXT, "Look in the caller's inbox; whatever the value."),
}
IN: Fields = {"place": group(_PLACES, at_most_one("album", "inbox"))}
IN_ONE: Fields = {"place": group(_PLACES, exactly_one("album", "inbox"), required=True)}


def in_place(favorite: Field) -> Fields:
    """Where to look, and whether for favourites alone: they are those of an album or of the inbox."""
    needs_place = {
        "if": {"required": ["favorite"]},
        "then": {"anyOf": [{"required": [name]} for name in _PLACES]},
    }
    fields = {**_PLACES, "favorite": favorite}
    return {"place": group(fields, at_most_one("album", "inbox"), needs_place)}


FLAGS: Fields = {
    name: Field(WORD)
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
    "comment": Field(text(1, 1024, **PLAIN), required=True),
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
