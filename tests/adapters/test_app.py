"""What holds for every path of the application, whichever API it belongs to."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon
import falcon.testing
import pytest
from gunicorn.config import Config

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.errors import status_of
from albumcore_adapters.server.serve import DiscreetLogger
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.store import StoreError, StoreUnavailable, database_of


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An empty data directory."""
    opened = open_service(Settings(data=tmp_path))
    yield opened
    opened.close()


def _ask(service: Service, method: str, path: str, **extras: Any) -> falcon.testing.Result:
    return falcon.testing.TestClient(create_app(service)).simulate_request(
        method, path, extras=extras
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_is_told_while_the_database_answers(service: Service, method: str) -> None:
    """Load balancers ask by HEAD as well."""
    assert _ask(service, method, "/healthz").status_code == 200


def test_health_is_gone_with_the_database(service: Service) -> None:
    """A database that cannot be read is no health; asked again later, it may be."""
    with database_of(service.albums).transaction(commit=True) as cursor:
        cursor.execute("ALTER TABLE stored_events RENAME TO elsewhere")
    assert _ask(service, "GET", "/healthz").status_code == 503


def test_only_what_may_pass_is_unavailable() -> None:
    """Every other failure of the database is a fault of ours."""
    assert status_of(StoreUnavailable()) == 503
    assert status_of(StoreError()) is None


def test_a_database_that_is_away_is_told_alike_where_there_is_no_route(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for a path that is none is looked up as well."""

    def by_token(self: Accounts, token: str) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(Accounts, "by_token", by_token)
    token = {"HTTP_AUTHORIZATION": f"Token {'0' * 40}"}
    assert _ask(service, "GET", "/tscharts/v1/none", **token).status_code == 503


SLASHES = ("%2F", "%2f")
ADMIN = "/albums/A1/users/ann/admin"


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize("slash", SLASHES)
def test_encoded_slash_does_not_change_the_route(service: Service, slash: str, name: str) -> None:
    """A user whose name ends in /admin is not the admin route of a shorter name."""
    told = {"RAW_URI": "", name: f"/albums/A1/users/ann{slash}admin"}
    assert _ask(service, "PUT", ADMIN, **told).status_code == 404
    told[name] = f"{ADMIN}?next=a{slash}b"
    assert _ask(service, "PUT", ADMIN, **told).status_code == 401


@pytest.mark.parametrize(
    ("sent", "status"),
    [(None, 404), (b"/mounted" + ADMIN.encode(), 401), (b"/users/a%2fadmin", 404)],
)
def test_the_path_as_it_was_sent_is_that_of_an_asgi_server_too(
    service: Service, sent: bytes | None, status: int
) -> None:
    """Where the service is mounted in such an application; its server need not tell."""
    told = {"RAW_URI": "", "asgi.scope": {"raw_path": sent}}
    assert _ask(service, "PUT", ADMIN, **told).status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (ADMIN, 404),
        ("/albums/A1/users/a/b/c", 404),
        ("/api" + ADMIN, 404),
        ("/albums/A1/users/ann/", 404),
        ("/albums/A1/users/ann\n/admin", 404),
        ("/albums/A1/users/ann", 401),
        ("/api/albums/A1/users/ann", 401),
        ("/albums/A1/favorites", 401),
    ],
)
def test_what_may_have_been_an_encoded_slash_is_refused(
    tmp_path: Path, path: str, status: int
) -> None:
    """Where the server tells the path as it was sent by no name, and only what a user's name may have been."""
    service = open_service(Settings(data=tmp_path, kheops_prefix="/api"))
    assert _ask(service, "PUT", path, RAW_URI="").status_code == status
    service.close()


def test_malformed_requests_are_logged_without_what_they_hold() -> None:
    """A header without its colon may well be an Authorization."""
    log = DiscreetLogger(Config())
    written = io.StringIO()
    log.error_log.handlers = [logging.StreamHandler(written)]
    log.warning("Invalid request from ip=%s: %s", "127.0.0.1", "'Authorization Bearer SECRET'")
    log.warning("worker %s is late", 7)
    assert written.getvalue() == "a malformed request was refused\nworker 7 is late\n"


def test_failed_requests_are_logged_without_their_path() -> None:
    """That of a link has a token."""
    log = DiscreetLogger(Config())
    written = io.StringIO()
    log.error_log.handlers = [logging.StreamHandler(written)]
    log.exception("Error handling request %s", "/link/SECRET/studies")
    log.exception("Exception in worker %s", "process")
    assert written.getvalue() == (
        "a request could not be handled\nNoneType: None\nException in worker process\nNoneType: None\n"
    )


def test_secret_is_not_told_with_the_service(service: Service) -> None:
    """Whoever prints or logs it does not print the secret."""
    assert repr(service.secret) not in repr(service)
