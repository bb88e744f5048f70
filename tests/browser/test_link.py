"""A link to an album, opened by a person without an account."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import expect

from support.chromium import SCHEMES, WIDTHS, Chromium, Window

NEW = "/ui/albums/{album}/tokens/new"

# The number of different values among the pixels of the picture that is shown.
_VALUES = """() => {
  const film = document.getElementById("film"), canvas = new OffscreenCanvas(film.naturalWidth, film.naturalHeight);
  const context = canvas.getContext("2d");
  context.drawImage(film, 0, 0);
  return new Set(context.getImageData(0, 0, canvas.width, canvas.height).data).size;
}"""


def check(window: Window) -> None:
    """Look for faults of the page that is shown, and for what does not fit."""
    window.await_images()
    assert [one for scheme in SCHEMES for one in window.faults(scheme)] == []
    assert window.cut() == []


def test_a_viewer_says_that_its_link_is_closed(demo: Chromium) -> None:
    """In place of the picture, as soon as the reader asks for another."""
    with demo.window() as maker, demo.window(signed_in=False) as window:
        maker.open(NEW)
        maker.page.fill("#title", "Short")
        maker.page.click("main form button.primary")
        address = maker.page.get_by_label("Link, to open in a browser").input_value()
        page = window.page
        page.goto(demo.address + urlsplit(address).path)
        page.locator(".studies b").first.click()
        page.get_by_role("link", name="Look at the images").click()
        expect(page.locator("#film")).to_be_visible()
        expect(page.locator("#film-closed")).to_be_hidden()
        maker.open("/ui/albums/{album}/tokens")
        maker.page.get_by_role("button", name="Revoke Short").click()
        expect(maker.page.get_by_role("button", name="Revoke Short")).to_have_count(0)
        page.keyboard.press("2")
        expect(page.locator("#film-closed")).to_contain_text("This link does not work any more")
        expect(page.locator("#film")).to_be_hidden()
        expect(page.locator("#film-failed")).to_be_hidden()
        assert [one for scheme in SCHEMES for one in window.faults(scheme)] == []
        page.reload()
        expect(page.locator("h1")).to_have_text("This link does not open anything")


def test_a_viewer_says_that_its_reader_is_signed_out(colleague: Chromium) -> None:
    """With the way back."""
    with colleague.window() as window:
        page = window.open("/ui/albums/{album}")
        page.locator(".studies b").first.click()
        page.get_by_role("link", name="Look at the images").click()
        expect(page.locator("#film")).to_be_visible()
        window.context.clear_cookies()
        page.keyboard.press("2")
        expect(page.locator("#film-closed")).to_contain_text("You are signed out: sign in.")
        expect(page.locator("#film-failed")).to_be_hidden()


def test_a_link_shows_a_study(demo: Chromium) -> None:
    """From the page that made it, to pixels in another browser, without a cookie and without a fault."""
    with demo.window() as window:
        page = window.open(NEW)
        page.fill("#title", "Second opinion")
        page.click("main form button.primary")
        address = page.get_by_label("Link, to open in a browser").input_value()
        token = address.split("/")[-2]
    for width in WIDTHS:
        with demo.window(width, signed_in=False) as window:
            page = window.page
            # As it is sent on by people: without what comes after the token.
            answer = page.goto(f"{demo.address}/link/{token}")
            assert answer is not None
            assert answer.status == 200
            check(window)
            page.locator(".studies b").first.click()
            expect(page.locator("#facts-title")).to_be_visible()
            check(window)
            page.get_by_role("link", name="Look at the images").click()
            expect(page.locator("#film")).to_be_visible()
            check(window)
            assert page.evaluate(_VALUES) > 20
            page.keyboard.press("2")
            expect(page.locator(".chips [aria-current]")).to_have_attribute("data-name", "full")
            page.locator(".crumb a").click()
            expect(page.locator(".studies")).to_be_visible()
            assert window.context.cookies() == []
            assert all(one.startswith((demo.address, "data:")) for one in window.asked)
            assert window.said == []
            page.goto(f"{demo.address}/link/{token}x/ui")
            expect(page.locator("h1")).to_have_text("This link does not open anything")
            check(window)
