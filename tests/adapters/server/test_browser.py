"""`serve --open`: the browser is asked for the page once the service answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.server import START_SECONDS, serving


@pytest.fixture
def opened_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Be a browser that writes down what it is to open; return that."""
    browser, page = tmp_path / "browser", tmp_path / "page"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {page}.new && mv {page}.new {page}\n')
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(browser))

    def wait() -> str:
        until = time.monotonic() + START_SECONDS
        while not page.exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        return page.read_text()

    return wait


def test_the_page_of_a_service(opened_page: Callable[[], str], tmp_path: Path) -> None:
    """It is that of the address at which the service listens, and the service goes on."""
    with serving(tmp_path / "data", "--open", workers=1) as server:
        assert opened_page() == f"{server.address}/ui/"
        assert httpx.get(f"{server.address}/healthz").status_code == 200


def test_the_page_of_the_demo(opened_page: Callable[[], str], tmp_path: Path) -> None:
    """It signs the browser in."""
    with serving(tmp_path / "data", "--demo", "--open", workers=1) as server:
        page = opened_page()
        assert re.fullmatch(rf"{re.escape(server.address)}/ui/sign-in\?code=[\w.-]+", page)
        answer = httpx.get(page)
        assert "albumcore_session" in answer.headers.get("set-cookie", "")
