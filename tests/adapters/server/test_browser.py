"""`serve --open`: the browser is asked for the page once the service answers."""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest

from albumcore_adapters.server.browser import leading_to
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
    """It signs the browser in, by a file: no other user of the machine sees the code among the processes."""
    with serving(tmp_path / "data", "--demo", "--open", workers=1) as server:
        file = Path(unquote(urlsplit(opened_page()).path))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        [page] = re.findall(r'content="0; url=([^"]*)"', file.read_text())
        assert re.fullmatch(rf"{re.escape(server.address)}/ui/sign-in\?code=[\w.-]+", page)
        answer = httpx.get(page)
        assert "albumcore_session" in answer.headers.get("set-cookie", "")
        assert server.stop() == 0
        assert not file.exists()


def test_what_leads_to_a_page_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    """Also where somebody else made a file of its name before; the address of the page is text in it."""
    file = tmp_path / "a b.html"
    file.write_text("before")
    file.chmod(0o666)
    address = leading_to('http://127.0.0.1/?a=1&b="', file)
    assert address == f"file://{quote(str(file))}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert 'url=http://127.0.0.1/?a=1&amp;b=&quot;">' in file.read_text()
