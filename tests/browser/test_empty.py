"""A new album says how it begins, until something is in it."""

from __future__ import annotations

from playwright.sync_api import expect

from support.chromium import Chromium


def test_the_first_comment_takes_the_place_of_how_an_album_begins(demo: Chromium) -> None:
    """Without a reload; the button before leads to the field for the address of another member."""
    with demo.window(360) as window:
        page = window.open("/ui/new-album")
        page.fill("#name", "Second opinions")
        page.click("main form button.primary")
        about = page.locator("#feed .empty")
        expect(about).to_contain_text("Nothing in here but you")
        assert window.cut() == []
        about.get_by_text("Invite someone").click()
        expect(page.locator("#new-member")).to_be_focused()
        page.fill(".composer textarea", "The first one.")
        page.click(".composer button.primary")
        expect(page.locator("#feed blockquote")).to_have_text("The first one.")
        expect(about).to_have_count(0)
