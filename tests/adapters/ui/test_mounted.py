"""The pages of a service that is mounted below a path of another application, as `docs/how-to/embed.md` has it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from wsgiref.util import shift_path_info

import falcon.testing
import pytest

from support.browser import Browser
from support.kheops import ALBUM, ALICE, World

MOUNT = "/albumcore"
_ADDRESS = re.compile(r'(?:href|src|action|hx-get|hx-post|data-root)="(/[^"]*)"')


@pytest.fixture
def browser(world: World) -> Browser:
    """A browser before the application that has the service below a path."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert shift_path_info(environ) == MOUNT[1:]
        return world.client.app(environ, start_response)

    return Browser(falcon.testing.TestClient(application))


def test_every_address_is_below_the_mount(world: World, browser: Browser) -> None:
    """From the root on: where redirects lead, and what the pages load, link to and send forms to."""
    browser.get(f"{MOUNT}/ui/albums/{ALBUM}?at=2026-01-01T00:00")
    assert browser.post(f"{MOUNT}/ui/sign-in", token=world.token(ALICE)).status_code == 200
    for page in (
        "/",
        "/ui/albums",
        f"/ui/albums/{ALBUM}",
        "/ui/settings",
        "/ui/nowhere",
        "/ui/inbox",
    ):
        browser.get(MOUNT + page)
        addresses = set(_ADDRESS.findall(browser.page))
        assert len(addresses) > 5
        assert [one for one in addresses if not one.startswith(f"{MOUNT}/")] == []
        for address in addresses:
            if "/static/" in address:
                assert browser.ask("GET", address).status_code == 200


def test_a_form_and_the_way_back(world: World, browser: Browser) -> None:
    """One signs in to the page that was asked for, and an album that was marked is below the mount."""
    here = f"{MOUNT}/ui/albums/{ALBUM}"
    browser.get(here)
    assert f'name="back" value="{here}"' in browser.page
    browser.post(f"{MOUNT}/ui/sign-in", token=world.token(ALICE), back=here)
    assert 'id="feed"' in browser.page
    star = re.search(rf'action="({here}/favorite[^"]*)"', browser.page)
    assert star is not None
    assert browser.post(star[1], on="true").status_code == 200
    assert f'action="{here}/favorite' in browser.page
