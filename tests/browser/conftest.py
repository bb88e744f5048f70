"""The demo as it is served, and Chromium with Ada signed in by the link that is printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from albumcore import Source, add_member, album_stream, utc_now
from albumcore.ids import AlbumId
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.server.demo import ADA, BEN, PEOPLE
from support.chromium import Chromium, chromium, demo_in, signed_in_by_token
from support.server import opened, serving, user_of

LONGEST_WAIT = 30_000  # milliseconds: nothing takes as long, but a busy machine is slow

expect.set_options(timeout=LONGEST_WAIT)


@pytest.fixture(scope="session")
def engine() -> Iterator[Browser]:
    """The browser, without anybody signed in."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of `demo`."""
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def demo(engine: Browser, demo_data: Path) -> Iterator[Chromium]:
    """The demo, of a file of tests: what they do to it is not seen by others."""
    with serving(demo_data, "--demo", workers=1) as server, demo_in(engine, server) as found:
        yield found


@pytest.fixture
def colleague(demo: Chromium, demo_data: Path) -> Chromium:
    """Ben, who is a member of the album of the demo again, in a session of his own."""
    stream = album_stream(AlbumId(demo.places["album"]))
    with opened(demo_data) as service:
        ada, ben = (user_of(service, sub) for sub in (ADA, BEN))
        if ben not in service.albums.load(stream).members:
            service.albums.handle(stream, add_member, Source(ada), ben)
        token = issue_token(service.secret, BEN, *PEOPLE[BEN], 3600, utc_now())
    return signed_in_by_token(demo.browser, demo.address, token, demo.places)
