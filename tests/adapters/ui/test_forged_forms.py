"""Forged forms are refused by every route of the pages, by one that is added as well."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from albumcore_adapters.directory.sessions import Sessions
from albumcore_adapters.http.app import components
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.ui import link_pages
from albumcore_adapters.http.ui.all_routes import ROUTES, page_routes
from albumcore_adapters.http.ui.csrf import CsrfTokens
from albumcore_adapters.http.ui.data import DataApi
from albumcore_adapters.http.ui.page_api import PageApi
from albumcore_adapters.http.ui.session import SessionCookies
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, STUDY, World

ACTS = [route for route in ROUTES if route.method != "GET"]
FILES = "multipart/form-data; boundary=b"
_PLACES = {"album": ALBUM, "study": STUDY, "series": "1.2.3.1"}
_WRITING = ("on_post", "on_put", "on_patch", "on_delete")


def path_of(route: Route) -> str:
    """A path of a route."""
    return re.sub(r"\{(\w+)\}", lambda place: _PLACES.get(place[1], "1"), route.path)


@pytest.fixture
def browser(world: World) -> Browser:
    """A browser with a session of each kind."""
    browser = signed_in(world, ALICE)
    account = world.service.accounts.add("nurse", "secret")
    sessions, now = Sessions(world.service.database), world.clock.now
    ends_at = now + timedelta(hours=1)
    browser.cookies["albumcore_account"] = sessions.begin("tscharts", account.user, ends_at, now)
    return browser


def sent(browser: Browser, route: Route, token: str | None, **headers: str) -> str:
    """Send the form of a route, with a CSRF token if there is one; what it is refused with."""
    if route.bodies:
        field = 'Content-Disposition: form-data; name="_csrf"'
        body = f"--b\r\n{field}\r\n\r\n{token or ''}\r\n--b--\r\n"
        headers = {"Content-Type": FILES, **headers}
    else:
        body = "" if token is None else f"_csrf={token}"
    answer = browser.ask("POST", path_of(route), body, headers)
    found = re.search("from another site|of another session", answer.text)
    return f"{answer.status_code} {found and found[0]}"


def test_a_forged_form_is_refused(world: World, browser: Browser) -> None:
    """Without the token of the session, with that of another, and from another site; nothing is recorded."""
    tokens = CsrfTokens(world.service.secret)
    right = tokens.of(browser.cookies["albumcore_session"])
    before = world.position()
    for route in ACTS:
        for token in (None, "", "0" * 64, tokens.of("another session")):
            assert sent(browser, route, token) == "403 of another session", route.path
        for site in ("cross-site", "same-site"):
            headers = {"Sec-Fetch-Site": site}
            assert sent(browser, route, right, **headers) == "403 from another site", route.path
    assert world.position() == before


def test_nothing_else_is_a_form(world: World) -> None:
    """Every path of the pages, and of what they read, is for reading alone, but for those of `ACTS`."""
    found = components(world.service)
    cookies: SessionCookies = found[SessionCookies]  # type: ignore[assignment]
    database, auth = world.service.database, world.service.auth
    pages = PageApi(database, cookies, CsrfTokens(b"secret"))
    links = link_pages.LinkApi(database, cookies, pages.csrf)
    data = DataApi(database, auth, cookies=cookies)
    writing = {
        (path, name)
        for path, resource in page_routes(pages, links, data, None, found)
        for name in _WRITING
        if hasattr(resource, name)
    }
    assert writing == {(route.path, "on_post") for route in ACTS}
