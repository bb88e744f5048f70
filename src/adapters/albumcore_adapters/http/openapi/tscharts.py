"""The operations of the TSCharts image API: what each takes and answers."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http.openapi.document import IDEMPOTENCY
from albumcore_adapters.http.openapi.parts import (
    INTEGER,
    TEXT,
    Operation,
    Parameters,
    ParameterSpec,
    ResponseSpec,
    Schema,
    array,
    group,
    one_of,
    ref,
    text,
)
from albumcore_adapters.http.openapi.schemas import GENDER, IMAGE_TYPE, PATIENT
from albumcore_adapters.http.openapi.values import (
    BASE64,
    DATE,
    DATE_OR_NONE,
    ID,
    ID_OR_NONE,
    PLAIN,
)

JSON = "application/json"
ROOT = "/tscharts/v1"
KEY: Schema = {"oneOf": [INTEGER, ID]}
EMPTY: Schema = {"type": "object", "maxProperties": 0}
FLAG_WORD = one_of("true", "false", "")
IDS = array(INTEGER)
GONE = {200: ResponseSpec("It is gone.", {JSON: EMPTY})}
MADE = {200: ResponseSpec("Its id.", {JSON: ref("Made")})}


def _or_empty(words: Schema) -> Schema:
    """The same words in a search, where an empty one is no filter."""
    return one_of(*words["enum"], "")


STORED: Schema = text(**PLAIN)
_FIELDS: Mapping[str, Schema] = {
    **{name: STORED if schema == TEXT else schema for name, schema in PATIENT.items()},
    "dob": DATE,
}

SEARCHED: Schema = text(longest=255, **PLAIN)
PATIENT_SEARCH: Parameters = {
    "name": ParameterSpec(
        SEARCHED,
        "Part of any of paternal_last, maternal_last, first and middle, in any case; no other filter is read with it.",
    ),
    **{
        name: ParameterSpec(SEARCHED, "Part of it, in any case; with exact, the whole of it.")
        for name in ("paternal_last", "maternal_last", "first", "curp")
    },
    "exact": ParameterSpec(FLAG_WORD),
    "dob": ParameterSpec(DATE_OR_NONE),
    "gender": ParameterSpec(_or_empty(GENDER)),
    "oldid": ParameterSpec(ID_OR_NONE),
    "clinic": ParameterSpec(ID_OR_NONE, "There is an image of the patient taken at this clinic."),
}


def _body(fields: Mapping[str, Schema], *optional: str) -> Schema:
    """A JSON object with these fields; any others are ignored."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "required": required, "properties": dict(fields)}


def _found(schema: Schema) -> Mapping[int, ResponseSpec]:
    return {200: ResponseSpec("What was found.", {JSON: schema})}


def _records(
    name: str,
    search: Operation,
    body: Schema,
    again: str = "one that is there already keeps its id",
) -> dict[tuple[str, str], Operation]:
    path, shown = f"{ROOT}/{name}", {200: ResponseSpec("Itself.", {JSON: ref(name.capitalize())})}
    return {
        ("GET", path): search,
        ("POST", path): Operation(
            f"Make a {name}; {again}.", MADE, body=body, errors=(400, 409, 413)
        ),
        ("GET", f"{path}/{{key}}"): Operation(f"Show a {name}.", shown, errors=(404,)),
        ("DELETE", f"{path}/{{key}}"): Operation(f"Delete a {name}.", GONE, errors=(404,)),
    }


_PLACES = ("clinic", "station")
_IDS = ("patient", *_PLACES)
_ASKED: Parameters = {
    "of": group(
        {name: ParameterSpec(ID) for name in _IDS},
        {"anyOf": [{"required": [name]} for name in _IDS]},
        required=True,
    )
}
_SENT: Mapping[str, Schema] = {
    **dict.fromkeys(_IDS, KEY),
    "type": IMAGE_TYPE,
    "data": BASE64,
}


def _images(asked: Parameters, sent: Mapping[str, Schema]) -> dict[tuple[str, str], Operation]:
    path = f"{ROOT}/image"
    return {
        ("GET", path): Operation(
            "Search for images.",
            {
                200: ResponseSpec(
                    "Their ids, or with newest, upstream, the newest.",
                    {JSON: {"oneOf": [IDS, ref("Image")]}},
                )
            },
            {
                **asked,
                "type": ParameterSpec(_or_empty(IMAGE_TYPE)),
                "sort": ParameterSpec(FLAG_WORD),
                "newest": ParameterSpec(FLAG_WORD),
            },
            errors=(400, 404, 500),
        ),
        ("POST", path): Operation(
            "Add an image.",
            MADE,
            headers=IDEMPOTENCY,
            body=_body(sent, *_PLACES),
            errors=(400, 404, 409, 413),
        ),
    }


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", f"{ROOT}/login"): Operation(
        "Give the token of an account.",
        {
            200: ResponseSpec(
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
        body=_body({"username": TEXT, "password": TEXT}),
        errors=(400, 403, 413, 429),
    ),
    ("POST", f"{ROOT}/logout"): Operation(
        "Say goodbye; the token stays good.", {200: ResponseSpec("Goodbye.")}
    ),
    **_records(
        "clinic",
        Operation(
            "List every clinic, or show the first one on a day.",
            _found({"oneOf": [array(ref("Clinic")), ref("Clinic")]}),
            {
                "date": ParameterSpec(
                    DATE_OR_NONE, "Show the first clinic, by id, whose days hold this one."
                )
            },
            errors=(400, 404),
        ),
        _body({"location": STORED, "start": DATE, "end": DATE}),
    ),
    **_records(
        "station",
        Operation("List every station.", _found(array(ref("Station"))), errors=(404,)),
        _body({"name": text(1, **PLAIN), "level": INTEGER}, "level"),
    ),
    **_records(
        "patient",
        Operation(
            "Search for patients; without a filter, list all of them.",
            _found(IDS),
            PATIENT_SEARCH,
            errors=(400, 404),
        ),
        _body(_FIELDS, "curp", "oldid"),
        "one that is there already is a conflict",
    ),
    ("PUT", f"{ROOT}/patient/{{key}}"): Operation(
        "Change fields of a patient; what is left out stays.",
        {200: ResponseSpec("It is changed.", {JSON: EMPTY})},
        body=_body(_FIELDS, *_FIELDS),
        errors=(400, 404, 409, 413),
    ),
    **_images(_ASKED, _SENT),
    ("GET", f"{ROOT}/image/{{key}}"): Operation(
        "Show an image, its data as they were sent.",
        {200: ResponseSpec("The image.", {JSON: ref("Image")})},
        errors=(404, 500),
    ),
    ("DELETE", f"{ROOT}/image/{{key}}"): Operation(
        "Remove an image.", GONE, errors=(400, 404, 409)
    ),
}

UPSTREAM: Mapping[tuple[str, str], Operation] = _images(
    {name: ParameterSpec(ID_OR_NONE) for name in _IDS}, {**_SENT, "data": text(1)}
)
"""The operations that take more where the service answers as a deployed server does."""
