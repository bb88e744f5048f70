"""``clinic/``, ``station/`` and ``patient/``: what has to be there before an image can refer to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import falcon
from attrs import asdict, fields_dict, frozen

from adapters.deployment import Deployment
from adapters.directory import Clinic, Patient, PatientExists, Station
from adapters.http.tscharts.resource import Resource, not_found
from adapters.http.tscharts.values import day, identifier, shown_day, text
from albumcore.ids import PatientId
from albumcore.imagesets import PatientImageSet
from albumcore.kernel import Source
from albumcore.streams import patient_stream


@frozen
class Kind:
    """What can be done with one kind of record.

    Attributes:
        take: Takes the fields of a request. A `KeyError` or `ValueError` says that one is missing or bad.
        add: Adds what was taken, and returns the id.
        find: Returns the record with an id, or None.
        show: Gives an id and its record the form of the API.
        listed: Returns what the list of all records holds.
        delete: Deletes one in somebody's name, and tells whether it was there.

    """

    take: Callable[[dict[str, Any]], Any]
    add: Callable[[Any], int]
    find: Callable[[int], Any]
    show: Callable[[int, Any], Any]
    listed: Callable[[], Sequence[Any]]
    delete: Callable[[int, Source], bool]


class Records(Resource):
    """The path of all records of a kind."""

    def __init__(self, deployment: Deployment, kind: Kind) -> None:
        super().__init__(
            deployment, {"GET": self._list, "POST": self._add, "DELETE": self._refuse_delete}
        )
        self._kind = kind

    def _list(self, req: falcon.Request) -> Any:
        if not (records := self._kind.listed()):
            raise not_found()
        return records

    def _add(self, req: falcon.Request) -> Any:
        try:
            taken = self._kind.take(self.body(req))
        except (KeyError, ValueError):
            raise falcon.HTTPBadRequest from None
        return {"id": self._kind.add(taken)}

    def _refuse_delete(self, req: falcon.Request) -> Any:
        raise not_found()


class Record(Resource):
    """The path of one record."""

    def __init__(self, deployment: Deployment, kind: Kind) -> None:
        super().__init__(deployment, {"GET": self._show, "DELETE": self._delete})
        self._kind = kind

    def _show(self, req: falcon.Request, key: str) -> Any:
        record_id = id_in_path(key)
        if (record := self._kind.find(record_id)) is None:
            raise not_found()
        return self._kind.show(record_id, record)

    def _delete(self, req: falcon.Request, key: str) -> Any:
        if not self._kind.delete(id_in_path(key), req.context.source):
            raise not_found()
        return {}


def id_in_path(key: str) -> int:
    """Return the id that a part of a path is; 0, which nothing has, where it is none."""
    try:
        return identifier(key)
    except ValueError:
        return 0


def clinics(deployment: Deployment) -> Kind:
    """Clinics: the same place and days are the same clinic."""
    directory = deployment.clinics

    def show(key: int, clinic: Clinic) -> Any:
        days = {"start": shown_day(clinic.start), "end": shown_day(clinic.end)}
        return {"id": key, **days, "location": clinic.location}

    return Kind(
        take=lambda body: (text(body["location"]), day(body["start"]), day(body["end"])),
        add=lambda taken: directory.add_clinic(*taken),
        find=directory.clinic,
        show=show,
        listed=lambda: [show(clinic.id, clinic) for clinic in directory.clinics()],
        delete=lambda key, source: directory.delete_clinic(key),
    )


def stations(deployment: Deployment) -> Kind:
    """Stations: the same name is the same station."""
    directory = deployment.clinics

    def take(body: dict[str, Any]) -> tuple[str, int]:
        name, level = text(body["name"]), body.get("level", 1)
        if not name or isinstance(level, bool) or not isinstance(level, int):
            raise ValueError("a station has a name, and a number as its level")
        return name, level

    def show(key: int, station: Station) -> Any:
        return asdict(station)

    return Kind(
        take=take,
        add=lambda taken: directory.add_station(*taken),
        find=directory.station,
        show=show,
        listed=lambda: [show(station.id, station) for station in directory.stations()],
        delete=lambda key, source: directory.delete_station(key),
    )


def patients(deployment: Deployment) -> Kind:
    """Patients: every field of `Patient` is needed except curp, and no other is taken."""
    directory, albums = deployment.patients, deployment.albums
    names = fields_dict(Patient).keys()

    def take(body: dict[str, Any]) -> Patient:
        if body.keys() - names or body.get("gender") not in ("Male", "Female"):
            raise ValueError("a field that is none, or a gender that the API does not know")
        texts: Any = {name: text(body[name]) for name in names - {"dob", "curp"}}
        return Patient(**texts, dob=day(body["dob"]), curp=text(body.get("curp", "")))

    def add(patient: Patient) -> int:
        try:
            return directory.add(patient)
        except PatientExists:
            raise falcon.HTTPConflict from None

    def delete(key: int, source: Source) -> bool:
        if not directory.exists(key):
            return False
        # The images first. If this process dies in between, the patient is still there to be
        # deleted again; the other way round, images of nobody would stay in sight for good.
        albums.handle(patient_stream(PatientId(key)), PatientImageSet.delete_patient, source)
        return directory.delete(key)

    return Kind(
        take=take,
        add=add,
        find=directory.patient,
        show=lambda key, patient: {"id": key, **asdict(patient), "dob": shown_day(patient.dob)},
        listed=directory.ids,
        delete=delete,
    )
