"""What comes by a stream of events, where the server sends them: the same as by the long poll."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from playwright.sync_api import Page, Route, expect

from albumcore import Source, add_member, album_stream, post_comment, remove_member, utc_now
from albumcore.ids import AlbumId
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.server.demo import ADA, BEN, PEOPLE
from support.chromium import Chromium, Window, scroll_down, signed_in_by_token
from support.server import opened, serving_asgi, user_of

ALBUM = "/ui/albums/{album}"
FOLLOWED = "**/events?after=*"


@pytest.fixture(scope="module")
def streaming(demo: Chromium, demo_data: Path) -> Iterator[Chromium]:
    """The demo as the ASGI application serves it, without anybody signed in."""
    with serving_asgi(demo_data) as (address, _):
        yield evolve(demo, address=address)


def reader(streaming: Chromium, data: Path, sub: str) -> Chromium:
    """Somebody who is signed in there, a member of the album."""
    with opened(data) as service:
        token = issue_token(service.secret, sub, *PEOPLE[sub], 3600, utc_now())
        album = service.albums.load(album_stream(AlbumId(streaming.places["album"])))
        is_member = user_of(service, sub) in album.members
    if not is_member:
        act(streaming, data, add_member, sub)
    return signed_in_by_token(streaming.browser, streaming.address, token, streaming.places)


def act(demo: Chromium, data: Path, decision: Callable[..., Any], *arguments: str) -> None:
    """Let Ada decide something, without a browser."""
    with opened(data) as service:
        known = [user_of(service, one) if one in PEOPLE else one for one in arguments]
        stream, ada = album_stream(AlbumId(demo.places["album"])), user_of(service, ADA)
        service.albums.handle(stream, decision, Source(ada), *known)


def follow(window: Window, path: str = ALBUM) -> Page:
    """Open a page, and wait until it listens to its stream."""
    with window.page.expect_response(FOLLOWED) as answered:
        page = window.open(path)
    assert answered.value.headers["content-type"] == "text/event-stream"
    return page


def requests(window: Window) -> list[str]:
    """The requests for what comes."""
    return [one for one in window.asked if "/events?after=" in one]


def test_entries_come_by_one_stream(streaming: Chromium, demo_data: Path) -> None:
    """One by one and many at once; a reader who is further down is asked first."""
    with reader(streaming, demo_data, ADA).window() as window:
        page = follow(window)
        first, pill = page.locator("#feed blockquote").first, page.locator("#live button")
        for number in range(2):
            act(streaming, demo_data, post_comment, f"by a stream {number}")
            expect(first).to_have_text(f"by a stream {number}")
        scroll_down(page)
        for number in range(3):
            act(streaming, demo_data, post_comment, f"further up {number}")
        expect(pill).to_have_text("Show 3 new entries")
        pill.click()
        expect(first).to_have_text("further up 2")
        expect(pill).to_have_count(0)
        assert len(requests(window)) == 1
        assert window.said == []


def test_the_past_counts_what_comes_by_a_stream(streaming: Chromium, demo_data: Path) -> None:
    """Nothing else of the page changes."""
    with reader(streaming, demo_data, ADA).window() as window:
        page = follow(window, f"{ALBUM}?at={{then}}")
        since, then = page.locator(".past-band .since"), page.locator("#past-then")
        number, shown = int(str(since.get_attribute("data-since"))), then.inner_html()
        for more in (1, 2):
            act(streaming, demo_data, post_comment, f"after then {more}")
            expect(since).to_have_attribute("data-since", str(number + more))
        assert then.inner_html() == shown
        assert len(requests(window)) == 1


def test_what_cannot_be_read_after_a_stream_is_read_again(
    streaming: Chromium, demo_data: Path
) -> None:
    """The cursor stays before what is not shown: a poll asks for it once more."""
    with reader(streaming, demo_data, ADA).window() as window:
        page = follow(window)
        refused = []

        def refuse(route: Route) -> None:
            refused.append(route.request.url)
            route.fulfill(status=503, body="busy")

        page.route(page.url, refuse, times=1)
        act(streaming, demo_data, post_comment, "in spite of it")
        expect(page.locator("#feed blockquote").first).to_have_text("in spite of it")
        assert len(refused) == 1
        act(streaming, demo_data, post_comment, "and on")
        expect(page.locator("#feed blockquote").first).to_have_text("and on")


def test_the_end_of_a_stream_is_said(streaming: Chromium, demo_data: Path) -> None:
    """To a member who is removed: a poll finds out why it ended."""
    with reader(streaming, demo_data, BEN).window() as window:
        page = follow(window)
        act(streaming, demo_data, remove_member, BEN)
        expect(page.locator("#live")).to_have_text("This album is not here for you any more.")
