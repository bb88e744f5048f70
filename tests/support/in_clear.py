"""A store in clear, of the last release before stores were sealed: every event, every table, images, the secret.

It is in ``tests/fixtures/store-in-clear``, as SQL for each database, and never changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import falcon.testing
import orjson

from albumcore_adapters.base.data_directory import DATABASE_FILE, SECRET_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.accounts import Account
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.service import Service, open_service
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, STUDY, Clock
from support.named import NAMED
from support.older import FIXTURES, run

FIXTURE = FIXTURES / "store-in-clear"
ABOUT = orjson.loads((FIXTURE / "about.json").read_bytes())
AT = datetime.fromisoformat(ABOUT["at"])
"""When the last of it was recorded."""

ZOE = "auth0|zoë müller-8"
"""Has blanks, a hyphen and letters outside ASCII in her sub."""

GHOST = "sub-ghost"
"""Was a member, and never registered."""

TOKENS = ABOUT["capability_tokens"]
"""The secrets of capability tokens, by name; ``lost`` and ``carol`` are revoked."""

OTHER_STUDY = "1.2.4"


def put(data: Path, database: str | None = None) -> Path:
    """Put the store into a data directory that does not exist; its tables into an empty database, if one is named."""
    shutil.copytree(FIXTURE / "blobs", data / "blobs")
    for directory in (data, *data.rglob("*")):
        directory.chmod(0o700 if directory.is_dir() else 0o600)
    shutil.copyfile(FIXTURE / "secret", data / SECRET_FILE)
    (data / SECRET_FILE).chmod(0o600)
    system, place = ("sqlite", data / DATABASE_FILE) if database is None else ("postgres", database)
    run(place, (FIXTURE / f"{system}.sql").read_text(encoding="utf-8"))
    return data


@contextmanager
def served(
    data: Path, database: str | None = None, **settings: Any
) -> Iterator[tuple[Service, falcon.testing.TestClient]]:
    """Serve a store a day after the last of it was recorded, until the end of the block."""
    clock = Clock(AT)
    clock.tick(24 * 3600)
    service = open_service(
        Settings(data=data, database=database, **settings), must_exist=True, clock=clock
    )
    try:
        yield service, falcon.testing.TestClient(create_app(service), headers=NAMED)
    finally:
        service.close()


def answers(data: Path, database: str | None = None) -> dict[str, tuple[int, bytes]]:
    """What a store answers to requests that read, over both APIs: status and body, by request."""
    found = {}
    with served(data, database) as (service, client):
        for who, token in _tokens(service).items():
            for path, query in _reads(who):
                url = f"{path}?{urlencode(query, doseq=True)}"
                headers = {"Authorization": token}
                answer = client.simulate_get(url, headers=headers)
                found[f"{who} {url}"] = (answer.status_code, answer.content)
        for who, token in _tokens(service).items():
            form = urlencode({"token": token.partition(" ")[2]})
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = client.simulate_post("/token/introspect", body=form.encode(), headers=kind)
            found[f"{who} introspected"] = (answer.status_code, answer.content)
    return found


def _tokens(service: Service) -> dict[str, str]:
    at = service.clock()
    people = {
        sub: f"Bearer {issue_token(service.secret, sub, None, None, 3600, at)}"
        for sub in (ALICE, BOB, CAROL, DAVE, ZOE, GHOST)
    }
    capability = {f"token {name}": f"Bearer {secret}" for name, secret in TOKENS.items()}
    account = service.accounts.token(Account(1, "nurse", active=True))
    return people | capability | {"nurse": f"Token {account}"}


def _reads(who: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The paths and queries that one caller reads."""
    if who == "nurse":
        for path in ("clinic/", "station/", "patient/1/", "patient/2/", "patient/3/"):
            yield f"/tscharts/v1/{path}", {}
        for patient in (1, 2, 3):
            for more in ({}, {"sort": "true"}, {"newest": "true"}, {"type": "Xray"}):
                yield "/tscharts/v1/image/", {"patient": patient, **more}
        for image in range(1, 8):
            yield f"/tscharts/v1/image/{image}/", {}
        return
    yield "/albums", {}
    yield "/inboxinfo", {}
    yield "/studies", {"inbox": "true"}
    yield "/capabilities", {}
    yield "/capabilities", {"album": ALBUM}
    for search in ("example.org", "Zoë", "alice"):
        yield "/users", {"search": search}
    for reference in (ZOE, GHOST, "zoe@example.org", "unknown"):
        yield "/users", {"reference": reference, "album": ALBUM, "studyInstanceUID": STUDY}
    for study in (STUDY, OTHER_STUDY):
        yield f"/studies/{study}/comments", {}
        yield f"/studies/{study}/metadata", {"album": ALBUM}
        yield f"/studies/{study}/series", {"album": ALBUM}
    for album in (ALBUM, ABOUT["of_zoe"], "Other00001"):
        path = f"/albums/{quote(album)}"
        yield path, {}
        yield f"{path}/users", {}
        yield f"{path}/reportproviders", {}
        yield f"{path}/webhooks", {}
        yield f"{path}/webhooks/{ABOUT['webhook']}", {"numberOfTriggers": 100}
        yield "/studies", {"album": album}
        yield f"{path}/events", {"limit": 1000}
        yield f"{path}/events", {"limit": 5, "offset": 3}
        yield f"{path}/events", {"types": "comments"}
        for user in (ALICE, ZOE, GHOST, "zoe@example.org"):
            yield f"{path}/events", {"types": "mutations", "user": user}
