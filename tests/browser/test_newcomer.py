"""The first ten minutes of a newcomer, with the demo: from the printed link to a comment that a colleague reads."""

from __future__ import annotations

import re
from importlib.resources import files

from playwright.sync_api import Page, expect

import albumcore_adapters.server
from support.chromium import Chromium

TEN_SECONDS = 10_000  # milliseconds: ten times what it takes on a machine that is not busy


def find_what_ben_did(page: Page) -> None:
    """The timeline says it in sentences, under their days."""
    page.get_by_role("link", name="Tumour board").click()
    expect(page.get_by_text("The angiogram is the one to start with.")).to_be_visible()
    entry = page.locator(".entry", has_text="removed a series").filter(has_text="Ben Lindqvist")
    expect(entry).to_contain_text("Cervical LAT")


def look_at_the_album_as_it_was(page: Page) -> None:
    """With the slider: Ben is a member, nothing can be changed; and back again."""
    expect(page.locator("aside .people")).not_to_contain_text("Ben Lindqvist")
    page.get_by_role("slider").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".past-band")).to_contain_text("You are looking at the past")
    expect(page.locator("aside .people")).to_contain_text("Ben Lindqvist")
    expect(page.locator(".composer")).to_have_count(0)
    expect(page).to_have_url(re.compile("[?&]at="))
    page.locator("#main").focus()
    page.keyboard.press("n")
    expect(page.locator(".composer")).to_be_visible()


def scroll_the_images_of_a_study(page: Page) -> None:
    """By keys, in a viewer."""
    page.locator(".studies a", has_text="Brain").last.click()
    series = page.locator(".strip a", has_text="images").first
    series.click()
    words = page.locator("#frame-words")
    before = words.text_content()
    page.keyboard.press("j")
    expect(words).not_to_have_text(str(before))
    expect(page.locator("#film-failed")).to_be_hidden()


def drop_a_photograph(page: Page) -> None:
    """Onto a patient who was found by name."""
    page.get_by_role("link", name="Patients").click()
    page.locator("#name").fill("Demo")
    page.keyboard.press("Enter")
    page.locator(".list a").first.click()
    pictures = page.locator(".gallery figure")
    before = pictures.count()
    photo = files(albumcore_adapters.server).joinpath("demo_images", "headshot.jpg").read_bytes()
    dropped = page.evaluate_handle(
        """bytes => {
          const dropped = new DataTransfer();
          dropped.items.add(new File([new Uint8Array(bytes)], "photo.jpg", {type: "image/jpeg"}));
          return dropped;
        }""",
        list(photo),
    )
    page.dispatch_event("#add", "drop", {"dataTransfer": dropped})
    expect(page.locator("[data-preview] img")).to_be_visible()
    page.locator("#add button.primary").click()
    expect(pictures).to_have_count(before + 1)


def test_a_newcomer_finds_the_way(demo: Chromium) -> None:
    """Ada is signed in by the link already; every step is done as people do it."""
    with demo.window() as hers, demo.window() as colleague:
        page = hers.open("/ui/albums")
        find_what_ben_did(page)
        look_at_the_album_as_it_was(page)
        scroll_the_images_of_a_study(page)
        drop_a_photograph(page)
        hers.open("/ui/albums/{album}")
        with colleague.page.expect_request("**/events?after=*"):
            colleague.open("/ui/albums/{album}")
        page.locator("#comment").fill("I have looked at all of it.")
        page.locator(".composer button.primary").click()
        first = colleague.page.locator("#feed blockquote").first
        expect(first).to_have_text("I have looked at all of it.", timeout=TEN_SECONDS)
        assert hers.said == colleague.said == []
