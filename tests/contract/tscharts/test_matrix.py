"""Who may ask what: every route, with and without the token of an account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from albumcore_adapters.http.tscharts import ROUTES
from support.tscharts import PASSWORD, PATIENT, PIXEL, ROOT, Api, opened

COVERS = ()
"""What answers say is others' to test."""

BODIES: dict[str, dict[str, Any]] = {
    "login": {"username": "nurse", "password": PASSWORD},
    "clinic": {"location": "Tecate", "start": "04/18/2017", "end": "04/20/2017"},
    "station": {"name": "Dental"},
    "patient": PATIENT,
    "image": {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL},
}
GIVEN = {
    "clinics": [1],
    "stations": [1],
    "patients": [1],
    "images": [{"id": 1, "clinic": 1, "station": 1, "patient": 1}],
}

# No token, one of nobody, one of another scheme, one of an account that was disabled, and one that is good.
REFUSED = {
    "nobody": None,
    "unknown": f"Token {'0' * 40}",
    "bearer": "Bearer {}",
    "disabled": "Token {}",
}
OPEN_TO_ALL = {"POST /tscharts/v1/login": 200, "POST /tscharts/v1/logout": 200}
"""A login needs no token yet, and clients log out without one; a disabled account cannot log in."""

NAMES = [route.name for route in ROUTES]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """One of everything."""
    with opened(tmp_path / "data", GIVEN) as made:
        yield made


def request(api: Api, name: str, authorization: str | None) -> int:
    """Ask what must succeed for who may."""
    method, path = name.split()
    kind = path.removeprefix(f"{ROOT}/").partition("/")[0]
    query = "?patient=1" if (method, kind) == ("GET", "image") and not path.endswith("}") else ""
    headers = {} if authorization is None else {"Authorization": authorization.format(api.token)}
    body = BODIES.get(kind, {}) if method in ("POST", "PUT") else b""
    address = f"{path.format(key=1)}/{query}"
    return api.request(method, address, body, headers=headers).status_code


@pytest.mark.parametrize("name", NAMES)
def test_token_of_an_account(name: str, api: Api) -> None:
    """Whoever has an account may do everything."""
    assert request(api, name, "Token {}") == 200


@pytest.mark.parametrize("who", REFUSED)
def test_no_token_of_an_account(who: str, api: Api) -> None:
    """Without one, there is nothing but login and logout, and nothing is recorded."""
    if who == "disabled":
        api.service.accounts.disable("nurse")
    before = api.position()
    told = {name: request(api, name, REFUSED[who]) for name in NAMES}
    expected = {name: OPEN_TO_ALL.get(name, 401) for name in NAMES}
    if who == "disabled":
        expected["POST /tscharts/v1/login"] = 403
    assert told == expected
    assert api.position() == before
