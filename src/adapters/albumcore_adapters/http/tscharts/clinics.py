"""Clinics and stations, where images are taken."""

from __future__ import annotations

from typing import Any

import falcon
from attrs import asdict

from albumcore_adapters.directory.clinics import Clinic, Clinics
from albumcore_adapters.http.openapi.specs import INTEGER, ParameterSpec, array, ref
from albumcore_adapters.http.openapi.specs import text as text_schema
from albumcore_adapters.http.openapi.value_schemas import DATE, DATE_OR_NONE, PLAIN
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.tscharts.request import TSChartsRequest, read
from albumcore_adapters.http.tscharts.shared_specs import (
    GONE,
    MADE,
    ROOT,
    STORED_TEXT,
    done,
    found,
    itself,
    json_body,
    made,
    results,
)
from albumcore_adapters.http.tscharts.value_readers import day, shown_day, text


def list_clinics(request: TSChartsRequest, clinics: Clinics) -> Response:
    """List every clinic; with ``date``, show the first one, by id, whose days include it."""
    if date := request.param("date"):
        return found(_json(clinics.clinic_on(read("date", day, date))))
    return found([_json(clinic) for clinic in clinics.clinics()])


def add_clinic(request: TSChartsRequest, clinics: Clinics) -> Response:
    """Add a clinic. The same place and days are the same clinic."""
    body = request.json()
    try:
        clinic = text(body["location"]), day(body["start"]), day(body["end"])
    except (KeyError, ValueError):
        raise falcon.HTTPBadRequest from None
    return made(clinics.add_clinic(*clinic))


def show_clinic(request: TSChartsRequest, clinics: Clinics) -> Response:
    """Show a clinic."""
    return found(_json(clinics.clinic(request.id)))


def delete_clinic(request: TSChartsRequest, clinics: Clinics) -> Response:
    """Delete a clinic. Images that refer to it stay."""
    return done(existed=clinics.delete_clinic(request.id))


def _json(clinic: Clinic | None) -> Any:
    if clinic is None:
        return None
    days = {"start": shown_day(clinic.start), "end": shown_day(clinic.end)}
    return {"id": clinic.id, **days, "location": clinic.location}


def list_stations(request: TSChartsRequest, clinics: Clinics) -> Response:
    """List every station."""
    return found([asdict(station) for station in clinics.stations()])


def add_station(request: TSChartsRequest, clinics: Clinics) -> Response:
    """Add a station. The same name is the same station; its level stays."""
    body = request.json()
    name, level = body.get("name"), body.get("level", 1)
    if not name or not isinstance(name, str) or type(level) is not int:
        raise falcon.HTTPBadRequest
    return made(clinics.add_station(name, level))


def show_station(request: TSChartsRequest, clinics: Clinics) -> Response:
    """Show a station."""
    station = clinics.station(request.id)
    return found(station and asdict(station))


def delete_station(request: TSChartsRequest, clinics: Clinics) -> Response:
    """Delete a station. Images that refer to it stay."""
    return done(existed=clinics.delete_station(request.id))


_CLINIC, _STATION = f"{ROOT}/clinic", f"{ROOT}/station"

ROUTES = (
    Route(
        *("GET", _CLINIC, list_clinics, "List every clinic, or show the first one on a day."),
        query={
            "date": ParameterSpec(
                DATE_OR_NONE, "Show the first clinic, by id, whose days hold this one."
            )
        },
        responses=results({"oneOf": [array(ref("Clinic")), ref("Clinic")]}),
        errors=(400, 404),
        from_store=True,
    ),
    Route(
        *("POST", _CLINIC, add_clinic),
        summary="Make a clinic; one that is there already keeps its id.",
        body=json_body({"location": STORED_TEXT, "start": DATE, "end": DATE}),
        responses=MADE,
        errors=(400, 409, 413),
    ),
    Route(
        *("GET", f"{_CLINIC}/{{key}}", show_clinic, "Show a clinic.", itself("Clinic")),
        errors=(404,),
        from_store=True,
    ),
    Route(
        *("DELETE", f"{_CLINIC}/{{key}}", delete_clinic, "Delete a clinic.", GONE),
        errors=(404,),
    ),
    Route(
        *("GET", _STATION, list_stations, "List every station."),
        responses=results(array(ref("Station"))),
        errors=(404,),
        from_store=True,
    ),
    Route(
        *("POST", _STATION, add_station),
        summary="Make a station; one that is there already keeps its id.",
        body=json_body({"name": text_schema(1, **PLAIN), "level": INTEGER}, "level"),
        responses=MADE,
        errors=(400, 409, 413),
    ),
    Route(
        *("GET", f"{_STATION}/{{key}}", show_station, "Show a station.", itself("Station")),
        errors=(404,),
        from_store=True,
    ),
    Route(
        *("DELETE", f"{_STATION}/{{key}}", delete_station, "Delete a station.", GONE),
        errors=(404,),
    ),
)
