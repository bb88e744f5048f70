"""What belongs to a route is there: what it takes and records, its contract tests, and its line in the docs."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from albumcore.erasures import ERASURE_NOTICES, ErasureRecorded, StoreSealed
from albumcore.kernel import STORED
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http import tscharts
from albumcore_adapters.http.app import components, create_app
from albumcore_adapters.http.kheops.admission import KheopsApi
from albumcore_adapters.http.kheops.all_routes import ROUTES as KHEOPS_ROUTES
from albumcore_adapters.http.kheops.all_routes import routes as kheops_routes
from albumcore_adapters.http.route import Callers
from albumcore_adapters.service import open_service

ROOT = Path(__file__).parents[1]
DOCS: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "routes.py"))
COVERED = DOCS["covering"]()
MODULES = DOCS["covers"]()

ROUTES = (*KHEOPS_ROUTES, *tscharts.ROUTES)
ALL = {route.name: route for route in ROUTES}
each_route = pytest.mark.parametrize("name", ALL)

SILENT = {
    "POST /token": "no token of one study is kept",
    "POST /token/introspect": "it asks",
    "POST /reportproviders/metadata": "it asks",
    "POST /report": "what comes of it is recorded when it comes",
    "PUT /studies/{study}/users/{user}": "no inbox has a history",
    "PUT /studies/{study}/series/{series}/users/{user}": "no inbox has a history",
    "POST /studies/{study}/fetch": "the catalogue has no history",
    "POST /studies/{study}/series/fetch": "the catalogue has no history",
    "POST /tscharts/v1/login": "the token is the same every time",
    "POST /tscharts/v1/logout": "the token stays good",
    "POST /tscharts/v1/clinic": "reference data",
    "DELETE /tscharts/v1/clinic/{key}": "reference data",
    "POST /tscharts/v1/station": "reference data",
    "DELETE /tscharts/v1/station/{key}": "reference data",
    "POST /tscharts/v1/patient": "personal data",
    "PUT /tscharts/v1/patient/{key}": "personal data",
}
"""The routes that are no GET and record nothing, and why."""

REFUSING = {
    "DELETE /tscharts/v1/clinic",
    "DELETE /tscharts/v1/station",
    "DELETE /tscharts/v1/patient",
    "DELETE /tscharts/v1/image",
}
"""What is taken only to be refused, and has no row."""


def test_a_route_has_one_row() -> None:
    """No method of an address is said twice."""
    assert len(ALL) == len(ROUTES)


@each_route
def test_a_route_says_what_it_takes(name: str) -> None:
    """A permission, an album that must be reached, or something else in words; if nothing, it says so.

    A route of the TSCharts API takes an account's token, unless it says something else.
    """
    route = ALL[name]
    if route in KHEOPS_ROUTES:
        assert DOCS["takes"](route)
    else:
        assert bool(route.needs) == (route.callers is Callers.ANYBODY)


@each_route
def test_a_route_says_what_it_records(name: str) -> None:
    """Whatever is no GET records events, or is known to record none; a GET records none."""
    route = ALL[name]
    assert bool(route.records) == (route.method != "GET" and name not in SILENT)
    assert set(route.records) <= set(STORED.values())


def test_nothing_else_is_silent() -> None:
    """What is said to record nothing is a route."""
    assert set(SILENT) <= set(ALL)


@pytest.mark.parametrize(
    "stored",
    [
        name
        for name, cls in STORED.items()
        if cls not in (*ERASURE_NOTICES, ErasureRecorded, StoreSealed)
    ],
)
def test_an_event_is_recorded_by_a_route(stored: str) -> None:
    """Every class of events can be led to from outside, but for those of `albumcore erase` and `copy --seal`."""
    assert any(STORED[stored] in route.records for route in ALL.values())


@each_route
def test_a_route_is_covered(name: str) -> None:
    """A contract module asks it, and says so; that it does is seen when the module runs."""
    assert COVERED.get(name)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_contract_module_says_what_it_covers(path: Path) -> None:
    """In ``COVERS``, each route once, and routes that there are."""
    covers = MODULES[path]
    assert covers is not None
    assert set(covers) <= set(ALL)
    assert len(set(covers)) == len(covers)


def test_the_docs_are_what_the_code_says() -> None:
    """If this fails: ``python docs/routes.py``."""
    assert DOCS["page"]() == DOCS["PAGE"].read_text(encoding="utf-8")


def test_the_tables_are_all_there_is(tmp_path: Path) -> None:
    """Both APIs answer what their tables say, and nothing else."""
    service = open_service(Settings(data=tmp_path))
    app, accounts = falcon.testing.TestClient(create_app(service)), service.accounts
    token = accounts.token(accounts.add("nurse", "correct horse"))
    answered = {
        f"{method} {path}"
        for path in {route.path for route in tscharts.ROUTES}
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
        if app.simulate_request(
            method, path.format(key=1), headers={"Authorization": f"Token {token}"}
        ).status_code
        != 405
    } | {
        f"{name.removeprefix('on_').upper()} {path.replace(':path}', '}')}"
        for path, resource in kheops_routes(
            KheopsApi(service.database, service.auth), None, components(service)
        )
        for name in dir(resource)
        if name.startswith("on_")
    }
    service.close()
    assert answered - REFUSING == set(ALL)
    assert answered >= REFUSING
