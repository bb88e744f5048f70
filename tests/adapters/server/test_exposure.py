"""The warnings of a service that is reachable from other machines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from albumcore_adapters import cli
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server import demo
from albumcore_adapters.server.address import is_loopback
from albumcore_adapters.server.exposure import exposures
from albumcore_adapters.service import open_service

TLS = "https://albums.example"


@pytest.mark.parametrize(
    ("bind", "loopback"),
    [
        ("127.0.0.1:8000", True),
        ("127.8.0.1:8000", True),
        ("[::1]:8000", True),
        ("localhost:8000", True),
        ("0.0.0.0:8000", False),
        ("[::]:8000", False),
        ("192.168.0.4:8000", False),
        ("albums.example:8000", False),
    ],
)
def test_what_is_a_loopback_address(bind: str, loopback: bool) -> None:
    """Loopback addresses, and the name localhost."""
    assert is_loopback(bind) == loopback


@pytest.mark.parametrize(
    ("bind", "public_url", "has_account", "has_people", "named"),
    [
        ("127.0.0.1:8000", None, True, True, []),
        ("0.0.0.0:8000", TLS, False, False, []),
        ("0.0.0.0:8000", None, False, False, ["without TLS"]),
        ("0.0.0.0:8000", "http://albums.example", False, False, ["without TLS"]),
        ("[::]:8000", TLS, True, False, ["demo's credentials"]),
        ("[::]:8000", TLS, False, True, ["demo's credentials"]),
        ("[::]:8000", None, True, True, ["without TLS", "demo's credentials"]),
    ],
)
def test_what_is_said(
    tmp_path: Path,
    bind: str,
    public_url: str | None,
    has_account: bool,
    has_people: bool,
    named: list[str],
) -> None:
    """One line for each reason if the address is reachable from outside, otherwise none."""
    service = open_service(Settings(data=tmp_path, bind=bind, public_url=public_url))
    try:
        if has_account:
            service.accounts.add(demo.ACCOUNT, "secret")
        if has_people:
            service.people.register(demo.ADA, *demo.PEOPLE[demo.ADA])
        said = list(exposures(service.settings, service.people, service.accounts))
        assert len(said) == len(named)
        for line, words in zip(said, named, strict=True):
            assert bind in line
            assert words in line
        assert not [line for line in said if "\n" in line]
        if has_account and not has_people:
            service.accounts.disable(demo.ACCOUNT)
            assert list(exposures(service.settings, service.people, service.accounts)) == []
    finally:
        service.close()


@pytest.mark.parametrize(("origin", "lines"), [(None, 1), ("http://viewer.example", 0)])
def test_a_viewer_at_the_origin_of_the_pages(
    tmp_path: Path, origin: str | None, lines: int
) -> None:
    """It is said of a loopback address too, which a proxy may stand before."""
    service = open_service(Settings(data=tmp_path / "data", ohif=tmp_path, ohif_url=origin))
    try:
        said = list(exposures(service.settings, service.people, service.accounts))
        assert ["ALBUMCORE_OHIF_URL" in line for line in said] == [True] * lines
    finally:
        service.close()


def test_serve_says_it_before_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints the warnings to standard error, and then serves."""
    served = []

    def serve(settings: Settings, announce: object) -> None:
        served.append(capsys.readouterr().err)

    monkeypatch.setattr("albumcore_adapters.cli.serve.serve_until_stopped", serve)
    monkeypatch.setattr(
        sys, "argv", ["albumcore", "serve", "--data", str(tmp_path), "--bind", "0.0.0.0:8000"]
    )
    with pytest.raises(SystemExit):
        cli.main()
    [[line]] = [err.splitlines() for err in served]
    assert line.startswith("warning: 0.0.0.0:8000 ")
    assert "ALBUMCORE_PUBLIC_URL" in line
