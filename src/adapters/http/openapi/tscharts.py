"""The operations of the TSCharts image API: what each takes and answers."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.http.openapi.common import REPEATABLE
from adapters.http.openapi.parts import (
    INTEGER,
    TEXT,
    Answer,
    Field,
    Operation,
    Schema,
    array,
    one_of,
    ref,
)

JSON = "application/json"
ROOT = "/tscharts/v1"
KEY: Schema = {"oneOf": [INTEGER, {"type": "string"}]}
OBJECT: Schema = {"type": "object"}
EMPTY: Schema = {"type": "object", "maxProperties": 0}
IDS = array(INTEGER)
GONE = {200: Answer("It is gone.", {JSON: EMPTY})}
MADE = {200: Answer("Its id.", {JSON: ref("Made")})}


def _records(name: str, schema: str) -> dict[tuple[str, str], Operation]:
    path = f"{ROOT}/{name}"
    return {
        ("GET", path): Operation(
            f"List every {name}.",
            {200: Answer("The list.", {JSON: {"type": "array"}})},
            errors=(404,),
        ),
        ("POST", path): Operation(
            f"Make a {name}; one that is there already keeps its id.",
            MADE,
            body=OBJECT,
            errors=(400, 409, 413),
        ),
        ("GET", f"{path}/{{key}}"): Operation(
            f"Show a {name}.", {200: Answer("Itself.", {JSON: ref(schema)})}, errors=(404,)
        ),
        ("DELETE", f"{path}/{{key}}"): Operation(f"Delete a {name}.", GONE, errors=(404,)),
    }


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", f"{ROOT}/login"): Operation(
        "Give the token of an account.",
        {
            200: Answer(
                "The token.",
                {
                    JSON: {
                        "type": "object",
                        "required": ["token", "id"],
                        "properties": {"token": TEXT, "id": TEXT},
                    }
                },
            )
        },
        body=OBJECT,
        errors=(400, 403, 413),
    ),
    ("POST", f"{ROOT}/logout"): Operation(
        "Say goodbye; the token stays good.", {200: Answer("Goodbye.")}
    ),
    **_records("clinic", "Clinic"),
    **_records("station", "Station"),
    **_records("patient", "Patient"),
    ("GET", f"{ROOT}/image"): Operation(
        "Search for images.",
        {
            200: Answer(
                "Their ids, or with newest, upstream, the newest.",
                {JSON: {"oneOf": [IDS, ref("Image")]}},
            )
        },
        {
            "patient": Field(TEXT),
            "clinic": Field(TEXT),
            "station": Field(TEXT),
            "type": Field(TEXT),
            "sort": Field(one_of("true", "false")),
            "newest": Field(one_of("true", "false")),
        },
        errors=(400, 404),
    ),
    ("POST", f"{ROOT}/image"): Operation(
        "Add an image.", MADE, headers=REPEATABLE, body=OBJECT, errors=(400, 404, 409, 413)
    ),
    ("GET", f"{ROOT}/image/{{key}}"): Operation(
        "Show an image, its data as they were sent.",
        {200: Answer("The image.", {JSON: ref("Image")})},
        errors=(404,),
    ),
    ("DELETE", f"{ROOT}/image/{{key}}"): Operation(
        "Remove an image.", GONE, errors=(400, 404, 409)
    ),
}
