"""``clinic/`` and ``station/``, and what they have in common with ``patient/``.

All three have to be there before an image can refer to them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import falcon
from attrs import asdict, frozen

from albumcore.kernel import Source
from albumcore_adapters.directory.clinics import Clinic, Station
from albumcore_adapters.http.tscharts.resource import Resource, not_found
from albumcore_adapters.http.tscharts.values import day, identifier, shown_day, text
from albumcore_adapters.service import Service

T = TypeVar("T")
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")


@frozen
class Kind:
    """What can be done with one kind of record.

    Attributes:
        take: Takes the fields of a request. A `KeyError` or `ValueError` says that one is missing or bad.
        add: Adds what was taken, and returns the id.
        find: Returns the record with an id, or None.
        show: Gives an id and its record the form of the API.
        listed: Answers the GET of the path of all records; empty where there is nothing to answer.
        delete: Deletes one in somebody's name, and tells whether it was there.
        change: Gives one the values of a request's fields, and tells whether it was there; None where the API changes
            none.

    """

    take: Callable[[dict[str, Any]], Any]
    add: Callable[[Any], int]
    find: Callable[[int], Any]
    show: Callable[[int, Any], Any]
    listed: Callable[[falcon.Request], Any]
    delete: Callable[[int, Source], bool]
    change: Callable[[int, dict[str, Any]], bool] | None = None

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods that ``Allow`` names."""
        return tuple(method for method in _METHODS if method != "PUT" or self.change is not None)


class Records(Resource):
    """The path of all records of a kind."""

    def __init__(self, service: Service, kind: Kind) -> None:
        self.allow = kind.allow
        super().__init__(
            service, {"GET": self._list, "POST": self._add, "DELETE": self._refuse_delete}
        )
        self._kind = kind

    def _list(self, req: falcon.Request) -> Any:
        if not (records := self._kind.listed(req)):
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

    def __init__(self, service: Service, kind: Kind) -> None:
        self.allow = kind.allow
        verbs = {"GET": self._show, "PUT": self._change, "DELETE": self._delete}
        super().__init__(
            service, {method: verb for method, verb in verbs.items() if method in self.allow}
        )
        self._kind = kind

    def _show(self, req: falcon.Request, key: str) -> Any:
        record_id = id_in_path(key)
        if (record := self._kind.find(record_id)) is None:
            raise not_found()
        return self._kind.show(record_id, record)

    def _change(self, req: falcon.Request, key: str) -> Any:
        record_id, change = id_in_path(key), self._kind.change
        assert change is not None
        if self._kind.find(record_id) is None or not change(record_id, self.body(req)):
            raise not_found()
        return {}

    def _delete(self, req: falcon.Request, key: str) -> Any:
        if not self._kind.delete(id_in_path(key), req.context.source):
            raise not_found()
        return {}


def read(name: str, reader: Callable[[Any], T], value: Any) -> T:
    """Return what a reader makes of a value.

    Raises:
        falcon.HTTPBadRequest: it cannot be read; the answer names it.

    """
    try:
        return reader(value)
    except ValueError as error:
        raise falcon.HTTPBadRequest(description=f"{name}: {error}") from None


def id_in_path(key: str) -> int:
    """Return the id that a part of a path is; 0, which nothing has, where it is none."""
    try:
        return identifier(key)
    except ValueError:
        return 0


def clinics(service: Service) -> Kind:
    """Clinics: the same place and days are the same clinic; ``date`` asks for the first one on that day."""
    directory = service.clinics

    def show(key: int, clinic: Clinic) -> Any:
        days = {"start": shown_day(clinic.start), "end": shown_day(clinic.end)}
        return {"id": key, **days, "location": clinic.location}

    def listed(req: falcon.Request) -> Any:
        if not (date := req.get_param("date")):
            return [show(clinic.id, clinic) for clinic in directory.clinics()]
        clinic = directory.clinic_on(read("date", day, date))
        return clinic and show(clinic.id, clinic)

    return Kind(
        take=lambda body: (text(body["location"]), day(body["start"]), day(body["end"])),
        add=lambda taken: directory.add_clinic(*taken),
        find=directory.clinic,
        show=show,
        listed=listed,
        delete=lambda key, source: directory.delete_clinic(key),
    )


def stations(service: Service) -> Kind:
    """Stations: the same name is the same station."""
    directory = service.clinics

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
        listed=lambda req: [show(station.id, station) for station in directory.stations()],
        delete=lambda key, source: directory.delete_station(key),
    )
