"""``patient/``: the patients that images are of, and the search for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import falcon
from attrs import NOTHING, asdict, fields, frozen

from albumcore import delete_patient
from albumcore.ids import PatientId
from albumcore.kernel import Source
from albumcore.streams import patient_stream
from albumcore_adapters.directory.ids import ids_exist
from albumcore_adapters.directory.patient_search import (
    Condition,
    contains,
    equals,
    has_image_of_clinic,
    is_whole,
)
from albumcore_adapters.directory.patients import Patient, PatientExists
from albumcore_adapters.http.tscharts.records import Kind, read
from albumcore_adapters.http.tscharts.values import (
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
from albumcore_adapters.service import Service

# Search


@frozen
class Filter:
    """A parameter that patients are searched by.

    Attributes:
        name: Its name; without a value it filters nothing.
        read: Reads its value. A `ValueError` says why it is a bad one.
        condition: What a patient must meet, by what was read.
        exact: The same with ``exact=true``, where that makes a difference.
        stands_alone: With it, the other filters are not read.

    """

    name: str
    read: Callable[[str], Any]
    condition: Callable[[Any], Condition]
    exact: Callable[[Any], Condition] | None = None
    stands_alone: bool = False


FILTERS = (
    Filter(
        "name",
        short_text,
        contains("paternal_last", "maternal_last", "first", "middle"),
        stands_alone=True,
    ),
    Filter("paternal_last", short_text, contains("paternal_last"), is_whole("paternal_last")),
    Filter("maternal_last", short_text, contains("maternal_last"), is_whole("maternal_last")),
    Filter("first", short_text, contains("first"), is_whole("first")),
    Filter("curp", short_text, contains("curp"), is_whole("curp")),
    Filter("dob", day, equals("dob")),
    Filter("gender", gender, equals("gender")),
    Filter("oldid", digits, equals("oldid")),
    Filter("clinic", identifier, has_image_of_clinic),
)
"""Every filter there is; they are ANDed, those that stand alone first."""


def _search(service: Service, req: falcon.Request) -> list[PatientId]:
    asked = [(one, value) for one in FILTERS if (value := req.get_param(one.name))]
    if asked and asked[0][0].stands_alone:
        asked = asked[:1]
    exact = any(one.exact for one, _ in asked) and read("exact", flag, req.get_param("exact") or "")
    values = [(one, read(one.name, one.read, value)) for one, value in asked]
    clinics = {one.name: value for one, value in values if one.name == "clinic"}
    if not ids_exist(service.database, clinics):
        raise falcon.HTTPNotFound
    found = service.patients.search(
        (one.exact if exact and one.exact else one.condition)(value) for one, value in values
    )
    if not found:
        raise falcon.HTTPNotFound
    return found


# Fields

_FIELDS = fields(Patient)
_READERS: dict[str, Callable[[Any], Any]] = {
    **{field.name: text for field in _FIELDS},
    "dob": day,
    "gender": gender,
    "oldid": whole,
}
_NEEDED = [field.name for field in _FIELDS if field.default is NOTHING]


def _taken(body: dict[str, Any], needed: Iterable[str] = ()) -> dict[str, Any]:
    """The fields of a patient that a request has; others are ignored."""
    if missing := [name for name in needed if name not in body]:
        raise falcon.HTTPBadRequest(description=f"missing: {', '.join(missing)}")
    given = [(name, reader) for name, reader in _READERS.items() if name in body]
    return {name: read(name, reader, body[name]) for name, reader in given}


def patients(service: Service) -> Kind:
    """Patients: curp and oldid may be missing, and fields that are none are ignored."""
    directory, albums = service.patients, service.albums

    def add(patient: Patient) -> int:
        try:
            return directory.add(patient)
        except PatientExists:
            raise falcon.HTTPConflict from None

    def change(key: int, body: dict[str, Any]) -> bool:
        try:
            return directory.change(key, _taken(body))
        except PatientExists:
            raise falcon.HTTPConflict from None

    def delete(key: int, source: Source) -> bool:
        if not directory.exists(key):
            return False
        # The images first. If this process dies in between, the patient is still there to be
        # deleted again; the other way round, images of nobody would stay in sight for good.
        albums.handle(patient_stream(PatientId(key)), delete_patient, source)
        return directory.delete(key)

    return Kind(
        take=lambda body: Patient(**_taken(body, _NEEDED)),
        add=add,
        find=directory.patient,
        show=lambda key, patient: {"id": key, **asdict(patient), "dob": shown_day(patient.dob)},
        listed=lambda req: _search(service, req),
        delete=delete,
        change=change,
    )
