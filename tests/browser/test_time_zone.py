"""The time zone of the reader, which script alone knows."""

from __future__ import annotations

from playwright.sync_api import expect

from support.chromium import Chromium


def test_the_first_page_of_a_browser_is_in_its_time_zone(demo: Chromium) -> None:
    """It is asked for twice; every other page once."""
    with demo.window(timezone_id="Europe/Madrid") as window:
        window.context.clear_cookies(name="tz")
        page = window.open("/ui/albums")
        expect(page.locator(".foot")).to_contain_text("Europe/Madrid (UTC+")
        path = f"{demo.address}/ui/albums"
        assert window.asked.count(path) == 2
        window.open("/ui/inbox")
        assert window.asked.count(f"{demo.address}/ui/inbox") == 1


def test_a_browser_without_cookies_shows_utc(demo: Chromium) -> None:
    """And asks for its first page once."""
    with demo.window(signed_in=False, timezone_id="Europe/Madrid") as window:
        window.context.add_init_script(
            "Object.defineProperty(Document.prototype, 'cookie', {get: () => '', set: () => {}})"
        )
        page = window.open("/ui/sign-in")
        expect(page.locator(".foot")).to_contain_text("UTC (UTC+0)")
        assert window.asked.count(f"{demo.address}/ui/sign-in") == 1
