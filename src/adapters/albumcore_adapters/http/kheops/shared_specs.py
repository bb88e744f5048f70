"""Parameters, form fields and responses that several routes of the Kheops album API share."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http.accept import DICOM_JSON, JSON
from albumcore_adapters.http.moments import then_of
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, CURSOR
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
from albumcore_adapters.http.response import NEXT_CURSOR

_TOTAL: Mapping[str, Schema] = {"X-Total-Count": COUNT}

PAGE: Parameters = {
    "limit": ParameterSpec(NUMBER, "The largest number of entries; without it, all of them."),
    "offset": ParameterSpec(NUMBER, "The number of entries to skip."),
}
PAGE_OF_SOME: Parameters = {
    **PAGE,
    "limit": ParameterSpec(POSITIVE, "The largest number of entries; without it, all of them."),
}
LENT: Parameters = {
    "X-Authorization-Source": ParameterSpec(
        TEXT, "Bearer and a capability token of the album that is the origin."
    )
}
FROM: Parameters = {
    "source": group(
        {
            "album": ParameterSpec(ALPHANUMERIC, "The album that is the origin."),
            "inbox": ParameterSpec(any_case("true"), "true: the caller's inbox is the origin."),
        },
        exactly_one("album", "inbox"),
        required=True,
    )
}
"""The origin. It is ignored if X-Authorization-Source names the origin, and for a token of an album."""

_PLACES: Parameters = {
    "album": ParameterSpec(ALPHANUMERIC, "Only this album."),
    "inbox": ParameterSpec(TEXT, "Only the caller's inbox, with any value."),
}
IN: Parameters = {"place": group(_PLACES, at_most_one("album", "inbox"))}
ACCEPT: Parameters = {
    "accept": ParameterSpec(
        TEXT,
        "What the client accepts, in place of the header Accept, which browsers set themselves.",
    )
}
IN_ONE: Parameters = {"place": group(_PLACES, exactly_one("album", "inbox"), required=True)}

ALBUM_THEN: Parameters = then_of("the album")
"""The moment to show, of a route that shows the present without it."""


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


def followed(name: str) -> Mapping[int, ResponseSpec]:
    """The response with a page of a list that can be followed by its cursor; 304 where it has not changed."""
    headers = {**_TOTAL, NEXT_CURSOR: CURSOR}
    return {
        200: ResponseSpec("A page of the list.", {JSON: array(ref(name))}, headers),
        304: ResponseSpec("The client has this version of the page."),
    }


def shown(name: str, status: int = 200) -> Mapping[int, ResponseSpec]:
    """The response with one object."""
    return {status: ResponseSpec("The object.", {JSON: ref(name)})}


ADDED: Mapping[int, ResponseSpec] = {201: ResponseSpec("It was added.")}
DONE: Mapping[int, ResponseSpec] = {204: ResponseSpec("Success.")}
OK: Mapping[int, ResponseSpec] = {200: ResponseSpec("Success, without a body.")}


def dicom(*, paged: bool = True) -> Mapping[int, ResponseSpec]:
    """The responses with a list in the DICOM JSON Model: 204 if it is empty."""
    headers = {**_TOTAL, "Warning": TEXT} if paged else {}
    schema = array(ref("DicomObject"))
    return {
        200: ResponseSpec("The results.", {DICOM_JSON: schema, JSON: schema}, headers),
        204: ResponseSpec("There are no results.", headers=_TOTAL if paged else {}),
    }


# Requirements of routes that are not permissions

NOTHING = "nothing"
LISTED = "nothing: the response has what the caller may see"
SEEN = "the caller sees the study"


def sort_parameter(*keys: str, about: str) -> ParameterSpec:
    """The parameter ``sort``: one of some keys, with a hyphen before it for descending order."""
    return ParameterSpec(one_of(*(sign + key for key in keys for sign in ("", "-"))), about)


def has(name: str, value: Schema) -> Schema:
    """A rule of a form: the parameter is there, and its value matches a schema."""
    return {"properties": {name: value}, "required": [name]}
