"""Parameters, form fields and responses that several routes of the Kheops album API share."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http.accept import DICOM_JSON, JSON
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC
from albumcore_adapters.http.openapi.specs import (
    COUNT,
    TEXT,
    Parameters,
    ParameterSpec,
    ResponseSpec,
    Schema,
    array,
    at_most_one,
    exactly_one,
    group,
    one_of,
    ref,
)
from albumcore_adapters.http.openapi.value_schemas import (
    NUMBER,
    POSITIVE,
    any_case,
)

_TOTAL: Mapping[str, Schema] = {"X-Total-Count": COUNT}

PAGE: Parameters = {
    "limit": ParameterSpec(NUMBER, "At most that many; all when left out."),
    "offset": ParameterSpec(NUMBER, "How many to pass over."),
}
PAGE_OF_SOME: Parameters = {
    **PAGE,
    "limit": ParameterSpec(POSITIVE, "At most that many; all when left out."),
}
LENT: Parameters = {
    "X-Authorization-Source": ParameterSpec(
        TEXT, "Bearer and a capability token of the album that it is taken from."
    )
}
FROM: Parameters = {
    "source": group(
        {
            "album": ParameterSpec(ALPHANUMERIC, "The album it is taken from."),
            "inbox": ParameterSpec(any_case("true"), "true: it is taken from the caller's inbox."),
        },
        exactly_one("album", "inbox"),
        required=True,
    )
}
"""The origin. It is ignored if X-Authorization-Source names the origin, and for a token of an album."""

_PLACES: Parameters = {
    "album": ParameterSpec(ALPHANUMERIC, "Look in this album."),
    "inbox": ParameterSpec(TEXT, "Look in the caller's inbox; whatever the value."),
}
IN: Parameters = {"place": group(_PLACES, at_most_one("album", "inbox"))}
IN_ONE: Parameters = {"place": group(_PLACES, exactly_one("album", "inbox"), required=True)}


def in_place(favorite: ParameterSpec) -> Parameters:
    """The place to list, and a filter by its favourites, which needs an album or the inbox."""
    needs_place = {
        "if": {"required": ["favorite"]},
        "then": {"anyOf": [{"required": [name]} for name in _PLACES]},
    }
    fields = {**_PLACES, "favorite": favorite}
    return {"place": group(fields, at_most_one("album", "inbox"), needs_place)}


def listed(name: str) -> Mapping[int, ResponseSpec]:
    """The response with a page of a list."""
    return {200: ResponseSpec("A page of the list.", {JSON: array(ref(name))}, _TOTAL)}


def shown(name: str, status: int = 200) -> Mapping[int, ResponseSpec]:
    """The response with one object."""
    return {status: ResponseSpec("The thing itself.", {JSON: ref(name)})}


ADDED: Mapping[int, ResponseSpec] = {201: ResponseSpec("It is there.")}
DONE: Mapping[int, ResponseSpec] = {204: ResponseSpec("It is done.")}
OK: Mapping[int, ResponseSpec] = {200: ResponseSpec("All is well.")}


def dicom(*, paged: bool = True) -> Mapping[int, ResponseSpec]:
    """The responses with a list in the DICOM JSON Model: 204 if it is empty."""
    headers = {**_TOTAL, "Warning": TEXT} if paged else {}
    schema = array(ref("DicomObject"))
    return {
        200: ResponseSpec("What was found.", {DICOM_JSON: schema, JSON: schema}, headers),
        204: ResponseSpec("Nothing was found.", headers=_TOTAL if paged else {}),
    }


# Requirements of routes that are not permissions

NOTHING = "nothing"
LISTED = "nothing: it tells of what is the caller's to see"
SEEN = "the study is seen"


def sort_parameter(*keys: str, about: str) -> ParameterSpec:
    """The parameter ``sort``: one of some keys, with a hyphen before it for descending order."""
    return ParameterSpec(one_of(*(sign + key for key in keys for sign in ("", "-"))), about)


def has(name: str, value: Schema) -> Schema:
    """A rule of a form: the parameter is there, and its value matches a schema."""
    return {"properties": {name: value}, "required": [name]}
