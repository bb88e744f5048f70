"""The patients that images are of, and the search for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import falcon
from attrs import NOTHING, asdict, fields, frozen

from albumcore import Albumcore, PatientDeleted, PatientRestored, delete_patient
from albumcore.ids import PatientId
from albumcore.kernel import RecordedEvent
from albumcore.streams import patient_stream
from albumcore.times import Clock
from albumcore_adapters.access.restoring import bring_patient_back
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.existence import ids_exist
from albumcore_adapters.directory.patient_search import (
    Condition,
    contains,
    equals,
    has_image_of_clinic,
    is_whole,
)
from albumcore_adapters.directory.patients import Patient, PatientExists, Patients
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.openapi import specs
from albumcore_adapters.http.openapi.schemas import GENDER, PATIENT
from albumcore_adapters.http.openapi.specs import (
    TEXT,
    Parameters,
    ParameterSpec,
    ResponseSpec,
    Schema,
)
from albumcore_adapters.http.openapi.value_schemas import DATE, DATE_OR_NONE, ID_OR_NONE, PLAIN
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.tscharts.request import TSChartsRequest, not_found, read
from albumcore_adapters.http.tscharts.shared_specs import (
    EMPTY,
    EMPTY_OBJECT,
    FLAG_WORD,
    GONE,
    IDS,
    MADE,
    ROOT,
    STORED_TEXT,
    done,
    found,
    itself,
    json_body,
    made,
    or_empty,
    results,
)
from albumcore_adapters.http.tscharts.value_readers import (
    day,
    digits,
    flag,
    gender,
    identifier,
    short_text,
    shown_day,
    text,
    whole,
)
from albumcore_adapters.sql.database import Database

# Search


@frozen
class PatientFilter:
    """A filter of the search for patients.

    Attributes:
        name: The name of its query parameter; without a value it filters nothing.
        read: Reads the value. A `ValueError` says why it is a bad one.
        condition: What a patient must meet, by the value.
        parameter: The query parameter.
        exact: The condition with ``exact=true``, if that makes a difference.
        stands_alone: With it, the other filters are not read.
    """

    name: str
    read: Callable[[str], Any]
    condition: Callable[[Any], Condition]
    parameter: ParameterSpec
    exact: Callable[[Any], Condition] | None = None
    stands_alone: bool = False


_SEARCHED: Schema = specs.text(longest=255, **PLAIN)
_PART = ParameterSpec(_SEARCHED, "Part of it, in any case; with exact, the whole of it.")
_NAME = ParameterSpec(
    _SEARCHED,
    "Part of any of paternal_last, maternal_last, first and middle, in any case; no other filter is read with it.",
)
_OF_CLINIC = ParameterSpec(ID_OR_NONE, "There is an image of the patient taken at this clinic.")
_ANY_NAME = contains("paternal_last", "maternal_last", "first", "middle")

_TEXT_FILTERS = (
    PatientFilter("name", short_text, _ANY_NAME, _NAME, stands_alone=True),
    *(
        PatientFilter(name, short_text, contains(name), _PART, is_whole(name))
        for name in ("paternal_last", "maternal_last", "first", "curp")
    ),
)
PATIENT_FILTERS = (
    *_TEXT_FILTERS,
    PatientFilter("dob", day, equals("dob"), ParameterSpec(DATE_OR_NONE)),
    PatientFilter("gender", gender, equals("gender"), ParameterSpec(or_empty(GENDER))),
    PatientFilter("oldid", digits, equals("oldid"), ParameterSpec(ID_OR_NONE)),
    PatientFilter("clinic", identifier, has_image_of_clinic, _OF_CLINIC),
)
"""The filters, combined with AND; one that stands alone comes first."""


def search(request: TSChartsRequest, patients: Patients, database: Database) -> Response:
    """List the ids of the patients that meet every filter."""
    given = [(one, value) for one in PATIENT_FILTERS if (value := request.param(one.name))]
    if given and given[0][0].stands_alone:
        given = given[:1]
    exact = any(one.exact for one, _ in given) and read("exact", flag, request.param("exact") or "")
    filters = [(one, read(one.name, one.read, value)) for one, value in given]
    clinics = {one.name: value for one, value in filters if one.name == "clinic"}
    if not ids_exist(database, clinics):
        raise falcon.HTTPNotFound
    ids = patients.search(
        (one.exact if exact and one.exact else one.condition)(value) for one, value in filters
    )
    if not ids:
        raise falcon.HTTPNotFound
    return Response.json(ids)


# One patient

_READERS: Mapping[str, Callable[[Any], Any]] = {
    **{field.name: text for field in fields(Patient)},
    "dob": day,
    "gender": gender,
    "oldid": whole,
}
_NEEDED = [field.name for field in fields(Patient) if field.default is NOTHING]


def add(request: TSChartsRequest, patients: Patients) -> Response:
    """Add a patient. Fields that a patient has not are ignored."""
    patient = Patient(**_fields(request.json(), _NEEDED))
    try:
        return made(patients.add(patient))
    except PatientExists:
        raise falcon.HTTPConflict from None


def show(request: TSChartsRequest, patients: Patients) -> Response:
    """Show a patient."""
    patient = patients.patient(request.id)
    return found(patient and {"id": request.id, **asdict(patient), "dob": shown_day(patient.dob)})


def change(request: TSChartsRequest, patients: Patients) -> Response:
    """Change fields of a patient; the others stay."""
    if not patients.exists(request.id):
        raise not_found()
    try:
        return done(existed=patients.change(request.id, _fields(request.json())))
    except PatientExists:
        raise falcon.HTTPConflict from None


def delete(
    request: TSChartsRequest,
    albums: Albumcore,
    patients: Patients,
    settings: Settings,
    clock: Clock,
) -> Response:
    """Delete a patient, and hide their images. Both can be restored for some time."""
    if not patients.exists(request.id):
        raise not_found()
    now = clock()
    existed = False

    def project(recorded: tuple[RecordedEvent[Any], ...]) -> None:
        # In the transaction of the event: a restore at the same time has both, or neither.
        nonlocal existed
        existed = patients.set_aside(request.id, now)

    stream = patient_stream(PatientId(request.id))
    albums.handle_projected(project, stream, delete_patient, request.source)
    patients.purge(settings.restorable_since(now))
    return done(existed=existed)


def restore(
    request: TSChartsRequest,
    albums: Albumcore,
    patients: Patients,
    settings: Settings,
    clock: Clock,
) -> Response:
    """Restore a deleted patient, with their images. One who is there stays as they are."""
    if request.id <= 0:
        raise not_found()
    since = settings.restorable_since(clock())
    bring_patient_back(albums, patients, request.source, PatientId(request.id), since)
    patients.purge(since)
    return EMPTY_OBJECT


def _fields(body: Mapping[str, Any], needed: Iterable[str] = ()) -> dict[str, Any]:
    """The fields of a patient in a body.

    Raises:
        falcon.HTTPBadRequest: a needed one is missing, or a value is bad.
    """
    if missing := [name for name in needed if name not in body]:
        raise falcon.HTTPBadRequest(description=f"missing: {', '.join(missing)}")
    given = [(name, reader) for name, reader in _READERS.items() if name in body]
    return {name: read(name, reader, body[name]) for name, reader in given}


_PATH = f"{ROOT}/patient"
_QUERY: Parameters = {
    **{one.name: one.parameter for one in _TEXT_FILTERS},
    "exact": ParameterSpec(FLAG_WORD),
    **{one.name: one.parameter for one in PATIENT_FILTERS if one not in _TEXT_FILTERS},
}
_FIELDS: Mapping[str, Schema] = {
    **{name: STORED_TEXT if schema == TEXT else schema for name, schema in PATIENT.items()},
    "dob": DATE,
}

ROUTES = (
    Route(
        *("GET", _PATH, search),
        summary="Search for patients; without a filter, list all of them.",
        query=_QUERY,
        responses=results(IDS),
        errors=(400, 404),
        from_store=True,
    ),
    Route(
        *("POST", _PATH, add),
        summary="Make a patient; one that is there already is a conflict.",
        body=json_body(_FIELDS, "curp", "oldid"),
        responses=MADE,
        errors=(400, 409, 413),
    ),
    Route(
        *("GET", f"{_PATH}/{{key}}", show, "Show a patient.", itself("Patient")),
        errors=(404,),
        from_store=True,
    ),
    Route(
        *("DELETE", f"{_PATH}/{{key}}", delete, "Delete a patient.", GONE),
        records=(PatientDeleted,),
        errors=(404,),
    ),
    Route(
        *("POST", f"{_PATH}/{{key}}/restore", restore, "Restore a deleted patient."),
        records=(PatientRestored,),
        responses={200: ResponseSpec("They are there again.", {JSON: EMPTY})},
        errors=(404, 409, 410),
    ),
    Route(
        *("PUT", f"{_PATH}/{{key}}", change),
        summary="Change fields of a patient; what is left out stays.",
        body=json_body(_FIELDS, *_FIELDS),
        responses={200: ResponseSpec("It is changed.", {JSON: EMPTY})},
        errors=(400, 404, 409, 413),
    ),
)
