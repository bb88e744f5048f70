"""The first ten minutes of a newcomer, with the demo: from the printed link to a comment that a colleague reads."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from time import monotonic

from playwright.sync_api import Browser, Page, expect

import albumcore_adapters.server
from albumcore import utc_now
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.server import demo
from support.chromium import Chromium, printed_link
from support.server import opened, serving

LONGEST = 10.0  # seconds: ten times what it may take on a machine that is not busy


def sign_in_by_the_link(page: Page, link: str) -> None:
    """Which the demo printed; it works once."""
    page.goto(link)
    expect(page.get_by_role("heading", name="My albums")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


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


def bring_ben_back(page: Page) -> None:
    """To the album, as its admin can."""
    page.get_by_role("link", name="Albums").first.click()
    page.get_by_role("link", name="Tumour board").click()
    page.get_by_label("Add a member by e-mail address").fill(demo.PEOPLE[demo.BEN][0])
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("aside .people")).to_contain_text("Ben Lindqvist")


def open_as_ben(page: Page, address: str, token: str) -> None:
    """The album in a browser of his own, in which he signs in by a token; it follows what comes."""
    page.goto(f"{address}/ui/sign-in")
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in with the token").click()
    with page.expect_request("**/events?after=*"):
        page.get_by_role("link", name="Tumour board").click()
    expect(page.locator(".me")).to_contain_text("Ben Lindqvist")


def seconds_to_ben(hers: Page, his: Page, text: str) -> float:
    """How long it takes from the click by which Ada sends a comment until it is shown to Ben."""
    hers.locator("#comment").fill(text)
    began = monotonic()
    hers.locator(".composer button.primary").click()
    entry = his.locator("#feed .entry").first
    expect(entry.locator("blockquote")).to_have_text(text, timeout=LONGEST * 1000)
    taken = monotonic() - began
    expect(entry).to_contain_text("Ada Okafor to everyone")
    return taken


def test_a_newcomer_finds_the_way(engine: Browser, tmp_path: Path) -> None:
    """Every step is done as people do it; the comment is there for Ben within ten times of one second."""
    data = tmp_path / "data"
    with serving(data, "--demo", workers=1) as server:
        link = printed_link(server)
        nobody = Chromium(engine, server.address, None, {})
        with nobody.window() as hers, nobody.window() as his:
            page = hers.page
            sign_in_by_the_link(page, link)
            find_what_ben_did(page)
            look_at_the_album_as_it_was(page)
            scroll_the_images_of_a_study(page)
            drop_a_photograph(page)
            bring_ben_back(page)
            with opened(data) as service:
                token = issue_token(
                    service.secret, demo.BEN, *demo.PEOPLE[demo.BEN], 3600, utc_now()
                )
            open_as_ben(his.page, server.address, token)
            taken = seconds_to_ben(page, his.page, "I have looked at all of it.")
            print(f"a comment was shown to a colleague after {taken * 1000:.0f} ms")
            assert taken < LONGEST
            assert hers.said == his.said == []
