"""What routes of the TSCharts API have in common: their root, schemas and responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.moments import then_of
from albumcore_adapters.http.openapi.specs import (
    INTEGER,
    Parameters,
    ResponseSpec,
    Schema,
    array,
    one_of,
    ref,
    text,
)
from albumcore_adapters.http.openapi.value_schemas import PLAIN
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.tscharts.request import not_found

ROOT = "/tscharts/v1"

IMAGES_THEN: Parameters = then_of("the patient's image set")
"""The moment to show, of a route that shows the present without it."""

STORED_TEXT: Schema = text(**PLAIN)
FLAG_WORD = one_of("true", "false", "")
IDS = array(INTEGER)
EMPTY: Schema = {"type": "object", "maxProperties": 0}

MADE = {200: ResponseSpec("Its id.", {JSON: ref("Made")})}
GONE = {200: ResponseSpec("It is gone.", {JSON: EMPTY})}

EMPTY_OBJECT = Response.json({})


def or_empty(words: Schema) -> Schema:
    """The same words in a search, where an empty one is no filter."""
    return one_of(*words["enum"], "")


def json_body(fields: Mapping[str, Schema], *optional: str) -> Schema:
    """A JSON object with these fields; any others are ignored."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "required": required, "properties": dict(fields)}


def results(schema: Schema) -> Mapping[int, ResponseSpec]:
    """The response to a search."""
    return {200: ResponseSpec("What was found.", {JSON: schema})}


def itself(name: str) -> Mapping[int, ResponseSpec]:
    """The response that shows one record."""
    return {200: ResponseSpec("Itself.", {JSON: ref(name)})}


def found(value: Any) -> Response:
    """The JSON of a record or of a list.

    Raises:
        falcon.HTTPNotFound: the record is None, or the list is empty.
    """
    if not value:
        raise not_found()
    return Response.json(value)


def made(record_id: int) -> Response:
    """The id of a record that was added, or was there."""
    return Response.json({"id": record_id})


def done(*, existed: bool) -> Response:
    """The response to a change or a delete.

    Raises:
        falcon.HTTPNotFound: there was no such record.
    """
    if not existed:
        raise not_found()
    return EMPTY_OBJECT
