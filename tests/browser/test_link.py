"""A link to an album, opened by a person without an account."""

from __future__ import annotations

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
