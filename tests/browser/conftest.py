"""The demo as it is served, and Chromium with Ada signed in by the link that is printed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.chromium import Chromium, chromium, demo_in
from support.server import serving

LONGEST_WAIT = 30_000  # milliseconds: nothing takes as long, but a busy machine is slow

expect.set_options(timeout=LONGEST_WAIT)


@pytest.fixture(scope="session")
def engine() -> Iterator[Browser]:
    """The browser, without anybody signed in."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def demo(engine: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The demo, of a file of tests: what they do to it is not seen by others."""
    data = tmp_path_factory.mktemp("demo") / "data"
    with serving(data, "--demo", workers=1) as server, demo_in(engine, server) as opened:
        yield opened
