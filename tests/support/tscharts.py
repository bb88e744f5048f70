"""The TSCharts API over a service of its own, and what there is in it to ask for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from attrs import asdict, define, evolve, frozen
from falcon import testing

from albumcore import add_image
from albumcore.ids import ImageId, PatientId, UserId
from albumcore.image_sets import ImageType
from albumcore.kernel import Source, stored_name
from albumcore.streams import patient_stream
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import ImageBytes
from albumcore_adapters.blobs.text_encoding import decode_text
from albumcore_adapters.directory.accounts import Account
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.store import database_of
from support.named import NAMED
from support.templates import IS_ON_POSTGRES, begin, place
from support.watched import watched

ROOT = "/tscharts/v1"
EMPTY: Mapping[str, Any] = {}
PASSWORD = "correct horse"
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").decode("ascii")
"""The start of a PNG file, in canonical base64."""

PATIENT = {
    "paternal_last": "Lopez",
    "maternal_last": "Ruiz",
    "first": "Ana",
    "middle": "",
    "suffix": "",
    "prefix": "",
    "dob": "04/01/2012",
    "gender": "Female",
    "street1": "1234 First Ave",
    "street2": "",
    "city": "Ensenada",
    "colonia": "",
    "state": "Baja California",
    "phone1": "1-111-111-1111",
    "phone2": "",
    "email": "ana@example.com",
    "emergencyfullname": "Maria Ruiz",
    "emergencyphone": "1-222-222-2222",
    "emergencyemail": "maria@example.com",
    "curp": "LORA120401MBCPZN00",
}
"""A patient as a client sends one."""

_RECORDS = {
    "clinic": {"location": "Ensenada {}", "start": "04/18/2017", "end": "04/20/2017"},
    "station": {"name": "Station {}"},
    "patient": PATIENT | {"first": "Ana {}"},
}


@define
class Clock:
    """A clock that stands still until it is set."""

    now: datetime = datetime(2017, 4, 19, 1, 53, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The moment it was set to."""
        return self.now


@frozen
class Api:
    """The API in process: who calls it is the nurse, unless another token is given."""

    service: Service
    client: testing.TestClient
    clock: Clock
    token: str

    def request(
        self,
        method: str,
        path: str,
        body: object = b"",
        *,
        headers: Mapping[str, str] | None = None,
        extras: Mapping[str, Any] | None = None,
        raise_faults: bool = True,
    ) -> testing.Result:
        """Send a request; a body that is not bytes is sent as JSON.

        A 5xx fails the test at once, unless it is what the test is about.
        """
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Authorization": f"Token {self.token}"} if headers is None else dict(headers)
        result = self.client.simulate_request(
            method, path, body=sent, headers=given, extras=dict(extras or {})
        )
        assert not raise_faults or result.status_code < 500, result.text
        return result

    def upload(self, **changes: object) -> testing.Result:
        """Upload an image of patient 1; a field that is None in ``changes`` is left out."""
        fields = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1, "data": PIXEL} | changes
        kept = {name: value for name, value in fields.items() if value is not None}
        return self.request("POST", f"{ROOT}/image/", kept)

    def position(self) -> int:
        """The position of the newest event in the store."""
        return max((position for position, _ in self.service.albums.follow()), default=0)

    def recorded(self, after: int = 0) -> list[dict[str, Any]]:
        """What was recorded after a position, in plain values, without secrets."""
        return [
            {
                "stream": one.stream,
                "by": one.act.source.user,
                "stored": stored_name(type(one.event)).name,
                "says": asdict(one.event, filter=_is_shown, value_serializer=_plain),
            }
            for _, one in self.service.albums.follow(after)
        ]


def _is_shown(field: attrs.Attribute[Any], value: object) -> bool:
    """Whether a field is no secret, such as the key of sealed bytes."""
    return bool(field.repr)


def _plain(instance: object, field: object, value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


@contextmanager
def opened(
    data: Path, given: Mapping[str, Any] = EMPTY, *, seals: bool | None = None, **settings: Any
) -> Iterator[Api]:
    """Open the API, with an account and with what is given, until the block ends.

    New images are sealed, or stored in clear, as ``seals`` says; by default, as the store says.

    What is given is put in its place once in each process, by an API with default settings; see `arrange`.
    """
    made_at = begin(data, f"tscharts {json.dumps(given)}", partial(_make, given))
    with _opened(data, Clock(made_at), seals, **settings) as api:
        yield api


def _make(given: Mapping[str, Any], data: Path) -> datetime:
    """Put things in their places, and tell when it was done."""
    begin(data, "tscharts account", _make_account)
    with _opened(data, Clock()) as api:
        arrange(api, given)
        return api.clock.now


def _make_account(data: Path) -> None:
    """Make the account alone: hashing its password takes too long to be done more than once."""
    service = open_service(Settings(**place(data)))
    service.accounts.add("nurse", PASSWORD)
    service.close()


@contextmanager
def _opened(data: Path, clock: Clock, seals: bool | None = None, **settings: Any) -> Iterator[Api]:
    service = open_service(Settings(**place(data), **settings), clock=clock)
    if seals is not None:
        service = evolve(service, image_bytes=ImageBytes(service.blobs, seals=seals))
    try:
        token = service.accounts.token(Account(1, "nurse", active=True))
        app = watched(create_app(service), service)
        yield Api(service, testing.TestClient(app, headers=NAMED), clock, token)
    finally:
        service.close()


def arrange(api: Api, given: Mapping[str, Any]) -> None:
    """Put things in their places under given ids, as they would be after a longer history.

    Images come with a number of minutes as ``at``, if the order of their times is not that of their ids. Fields of a
    patient that are not those of all come as ``patient_fields``, by id.
    """
    for kind, fields in _RECORDS.items():
        for key in sorted(given.get(f"{kind}s", ())):
            _give_next(api, f"directory_{kind}", key)
            own = given.get(f"{kind}_fields", {}).get(str(key), {})
            body = {name: value.format(key) for name, value in fields.items()} | own
            assert api.request("POST", f"{ROOT}/{kind}/", body).json == {"id": key}
    start = api.clock.now
    for number, image in enumerate(
        sorted(given.get("images", ()), key=lambda one: one.get("at", 0))
    ):
        api.clock.now = start + timedelta(minutes=image.get("at", number))
        _add_image(api, image)
    for patient in given.get("deleted_patients", ()):
        api.request("DELETE", f"{ROOT}/patient/{patient}/")
    last = given.get("last_image", max((one["id"] for one in given.get("images", ())), default=0))
    while last and api.service.albums.next_image_id() < last:
        pass


def _give_next(api: Api, table: str, key: int) -> None:
    """Let the next row of a table have this id."""
    with database_of(api.service.albums).transaction(commit=True) as cursor:
        if IS_ON_POSTGRES:
            cursor.execute("SELECT setval(pg_get_serial_sequence(?, 'id'), ?, false)", [table, key])
            return
        cursor.execute("DELETE FROM sqlite_sequence WHERE name = ?", [table])
        cursor.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", [table, key - 1])


def _add_image(api: Api, image: Mapping[str, Any]) -> None:
    stored, encoding = decode_text(image.get("data", PIXEL))
    api.service.albums.handle(
        patient_stream(PatientId(image["patient"])),
        add_image,
        Source(UserId("tscharts-1")),
        ImageId(image["id"]),
        image.get("clinic"),
        image.get("station"),
        ImageType(image.get("type", "Xray")),
        *api.service.image_bytes.put(stored, encoding),
    )
