"""The identity provider, keys and backups with faults of their own."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve
from joserfc.jwk import ECKey

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.operator_notes import note_backup
from albumcore_adapters.doctor.findings import CHECKS, age_text, size_text
from albumcore_adapters.service import open_service
from support.backups import back_up_service
from support.examined import examined, only_problem, settings_of, standing, verdicts
from support.places import Place

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}


# The identity provider


@define
class Provider:
    """An identity provider: what it answers, and what its clock says."""

    body: bytes = json.dumps(KEYS).encode()
    date: str | None = None
    url: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a service that asks it."""
        return {"jwks_url": self.url, "jwt_issuer": "https://idp", "jwt_audience": "albums"}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider on a free port, until the test ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            if provider.date is not None:
                self.send_header("Date", provider.date)
            self.send_header("Content-Length", str(len(provider.body)))
            self.end_headers()
            self.wfile.write(provider.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        provider.url = f"http://127.0.0.1:{server.server_port}/jwks"
        yield provider
        server.shutdown()
        thread.join()


def provided(provider: Provider, tmp_path: Path) -> Settings:
    """The settings of a service without a store, which asks a provider."""
    return Settings(data=tmp_path, **provider.settings)


def test_a_provider_that_answers(provider: Provider, tmp_path: Path) -> None:
    """It says how many keys are usable, and that the clocks agree."""
    provider.date = format_datetime(NOON, usegmt=True)
    settings = provided(provider, tmp_path)
    [found] = examined(settings, "jwks")
    assert (found.verdict, " 1 " in found.sentence) == ("fine", True)
    for seconds in (-60, 0, 60):
        now = NOON + timedelta(seconds=seconds)
        assert verdicts(examined(settings, "clock", clock=standing(now))) == ["fine"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(-61, "1 minute behind"), (7300, "2 hours ahead of")]
)
def test_a_clock_that_differs_from_that_of_the_provider(
    seconds: int, words: str, provider: Provider, tmp_path: Path
) -> None:
    """By more than ALBUMCORE_JWT_LEEWAY: tokens would be refused, or accepted for too long."""
    provider.date = format_datetime(NOON, usegmt=True)
    found = examined(
        provided(provider, tmp_path), "clock", clock=standing(NOON + timedelta(seconds=seconds))
    )
    sentence = only_problem(found)
    assert f"is {words} that of the identity provider: set the clocks by NTP" in sentence


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_a_provider_that_does_not_say_the_time(
    date: str | None, provider: Provider, tmp_path: Path
) -> None:
    """Nothing is compared."""
    provider.date = date
    assert verdicts(examined(provided(provider, tmp_path), "clock")) == ["left out"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": []}', b"<html>"])
def test_a_provider_without_usable_keys(body: bytes, provider: Provider, tmp_path: Path) -> None:
    """The setting that names it is in the sentence."""
    provider.body = body
    assert "ALBUMCORE_JWKS_URL" in only_problem(examined(provided(provider, tmp_path), "jwks"))


def test_a_provider_that_does_not_answer(provider: Provider, tmp_path: Path) -> None:
    """Nothing listens at its address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        provider.url = f"http://127.0.0.1:{closed.getsockname()[1]}/jwks"
        found = examined(provided(provider, tmp_path), "jwks")
        assert "can be reached from here" in only_problem(found)


def test_no_provider(tmp_path: Path) -> None:
    """Nothing is asked where none is set."""
    assert examined(Settings(data=tmp_path), "jwks") == []


# Keys


def test_the_same_secret_on_two_machines(place: Place, tmp_path: Path) -> None:
    """Each is compared with what the first one noted."""
    assert verdicts(examined(settings_of(place), "keys")) == ["fine"]
    (tmp_path / "copied").write_bytes((place.data / "secret").read_bytes())
    (tmp_path / "copied").chmod(0o600)
    other = evolve(settings_of(place), secret_file=tmp_path / "copied")
    open_service(other).close()
    assert verdicts(examined(other, "keys")) == ["fine"]


def test_different_secrets_on_two_machines(place: Place, tmp_path: Path) -> None:
    """The second is wrong, however often it has opened the store; until it is accepted."""
    file = tmp_path / "other"
    file.write_bytes(secrets.token_bytes(32))
    file.chmod(0o600)
    other = evolve(settings_of(place), secret_file=file)
    open_service(other).close()
    sentence = only_problem(examined(other, "keys"))
    assert str(file) in sentence
    assert "--accept-secret" in sentence
    assert verdicts(examined(settings_of(place), "keys")) == ["fine"]


def test_a_store_that_was_not_opened_since_secrets_are_noted(place: Place) -> None:
    """There is nothing to compare with."""
    place.run("DELETE FROM operator_note")
    assert verdicts(examined(settings_of(place), "keys")) == ["left out"]


# Backups


def noted(place: Place, *times: datetime) -> None:
    """Note backups of these times."""
    with closing(open_service(settings_of(place))) as service:
        for at in times:
            note_backup(service.database, at)


def test_no_backup(place: Place) -> None:
    """It says how to make one."""
    assert "`albumcore backup`" in only_problem(examined(settings_of(place), "backups"))


@pytest.mark.parametrize("order", [1, -1])
def test_a_backup_of_two_days_ago(place: Place, order: int) -> None:
    """The newest counts, in whichever order they ended."""
    times = [NOON, NOON - timedelta(days=5)]
    noted(place, *times[::order])
    found = examined(settings_of(place), "backups", clock=standing(NOON + timedelta(days=2)))
    assert "The newest backup is 2 days old" in only_problem(found)
    for hours, verdict in ((25, "fine"), (27, "problem")):
        clock = standing(NOON + timedelta(hours=hours))
        assert verdicts(examined(settings_of(place), "backups", clock=clock)) == [verdict]


def test_a_directory_of_backups(place: Place, tmp_path: Path) -> None:
    """The newest complete one in it counts, and so does the directory itself."""
    with closing(open_service(settings_of(place))) as service:
        manifest = back_up_service(service, tmp_path / "backups" / "sunday")
    (tmp_path / "backups" / "cut-off").mkdir()
    (tmp_path / "backups" / "damaged").mkdir()
    (tmp_path / "backups" / "damaged" / "manifest.json").write_text("{")
    (tmp_path / "backups" / "notes.txt").touch()
    for directory in (tmp_path / "backups", tmp_path / "backups" / "sunday"):
        for days, verdict in ((1, "fine"), (2, "problem")):
            found = examined(
                settings_of(place),
                "backups",
                backups=directory,
                clock=standing(manifest.made_at + timedelta(days=days)),
            )
            assert verdicts(found) == [verdict]


def test_backups_that_cannot_be_read(place: Place, tmp_path: Path) -> None:
    """The directory is named, and the database is not blamed for it."""
    found = examined(settings_of(place), "backups", backups=tmp_path / "nowhere")
    assert "nowhere cannot be read (No such file or directory)" in only_problem(found)
    assert [one.check for one in found] == ["backups"]


# Words


def test_sizes_and_ages_for_people() -> None:
    """In the largest unit of which there is one."""
    sizes = {0: "0 bytes", 1023: "1023 bytes", 1536: "1.5 KiB", 2 * 1024**2: "2.0 MiB"}
    assert {size: size_text(size) for size in sizes} == sizes
    ages = {0: "0 seconds", 1: "1 second", -120: "2 minutes", 3600: "1 hour", 200_000: "2 days"}
    assert {seconds: age_text(timedelta(seconds=seconds)) for seconds in ages} == ages
    assert len(set(CHECKS)) == len(CHECKS)
