"""What a page does by script, by keys, and without script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Route, expect

from support.chromium import Chromium

ALBUM = "/ui/albums/{album}"
MOST_STOPS = 100
BUSY = "<main><h1>Busy</h1><p>Later.</p></main>"


def test_keys_lead_around(demo: Chromium) -> None:
    """Single letters do nothing in fields; the settings turn them off."""
    with demo.window() as window:
        page = window.open(ALBUM)
        page.keyboard.press("c")
        expect(page.locator("#comment")).to_be_focused()
        page.keyboard.type("g a ? /")
        expect(page.locator("#comment")).to_have_value("g a ? /")
        page.locator("#comment").fill("Sent with a key")
        with page.expect_navigation():  # the entry may be there before, by itself
            page.keyboard.press("Control+Enter")
        expect(page.locator("#feed blockquote").first).to_have_text("Sent with a key")
        page.locator("#main").focus()
        page.keyboard.press("/")
        expect(page.locator(".feed-filters button").first).to_be_focused()
        page.keyboard.press("g")
        page.keyboard.press("a")
        page.wait_for_url("**/ui/albums")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        window.open("/ui/settings")
        page.locator("[name=keys]").uncheck()
        page.locator("main button.primary").click()
        expect(page.get_by_role("status")).to_be_visible()
        page.keyboard.press("?")
        page.keyboard.press("Tab")
        assert page.url.endswith("/ui/settings?saved=1")


def test_what_is_written_while_a_comment_is_sent_is_not_lost(demo: Chromium) -> None:
    """The field is emptied when the comment is recorded: until then nothing more is written into it."""
    with demo.window() as window:
        page = window.open(ALBUM)
        field, found = page.locator("#comment"), []

        def write(route: Route) -> None:
            found.append(field.is_editable())
            page.keyboard.type(" and more")
            route.continue_()

        page.route("**/comments", write)
        field.fill("Sent")
        field.press("Control+Enter")
        expect(page.locator("#feed blockquote").first).to_have_text("Sent")
        expect(field).to_have_value("")
        expect(field).to_be_editable()
        assert found == [False]


@pytest.mark.parametrize(
    ("refuse", "words"),
    [
        (lambda route: route.abort(), None),
        (lambda route: route.fulfill(status=503, body=BUSY), "Busy Later."),
    ],
)
def test_a_comment_that_is_refused_stays_written(
    demo: Chromium, refuse: Callable[[Route], None], words: str | None
) -> None:
    """It is said why, and it can be sent again."""
    with demo.window() as window:
        page = window.open(ALBUM)
        field, refusal = page.locator("#comment"), page.locator("[data-refusal]")
        page.route("**/comments", refuse, times=1)
        field.fill("Written once")
        field.press("Control+Enter")
        expect(refusal).to_have_text(words or str(refusal.get_attribute("data-refusal")))
        expect(field).to_have_value("Written once")
        field.press("Control+Enter")
        expect(page.locator("#feed blockquote").first).to_have_text("Written once")
        expect(refusal).to_be_hidden()
        expect(field).to_have_value("")


def go_to(target: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(MOST_STOPS):
        target.page.keyboard.press("Tab")
        if target.evaluate("(one) => one === document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {target}")


def press(target: Locator, path: str) -> None:
    """Go to a link or a button, and press Enter there; it leads to a page with this path."""
    go_to(target)
    with target.page.expect_navigation():
        target.page.keyboard.press("Enter")
    expect(target.page).to_have_url(re.compile(f"{path}(\\?.*)?$"))


def test_everything_is_reached_with_the_keyboard_alone(demo: Chromium) -> None:
    """From the albums to a comment, to the past and back, to a study, its frames, a picture, and to signing out."""
    with demo.window() as window:
        page = window.open("/ui/albums")
        press(page.get_by_role("link", name="Tumour board"), "/ui/albums/[^/]+")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        go_to(page.get_by_role("textbox", name="Comment"))
        page.keyboard.type("By keys alone")
        press(page.get_by_role("button", name="Send"), "/ui/albums/[^/]+")
        expect(page.locator("#feed blockquote").first).to_have_text("By keys alone")
        go_to(page.get_by_role("slider"))
        page.keyboard.press("Home")
        expect(page.locator(".past-band")).to_contain_text("You are looking at the past")
        press(page.get_by_role("link", name="Back to now"), "/ui/albums/[^/]+")
        press(page.locator(".studies a", has_text="Brain-MRA"), "/studies/[^/]+")
        press(page.get_by_role("link", name="FAST PILOT"), "/series/[^/]+")
        words = page.locator("#frame-words")
        expect(words).to_have_text("1 of 3")
        go_to(page.get_by_role("slider"))
        page.keyboard.press("ArrowRight")
        expect(words).to_have_text("2 of 3")
        press(page.get_by_role("link", name="Patients"), "/ui/patients")
        go_to(page.locator("#name"))
        page.keyboard.type("Demo")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        press(page.locator(".list a").first, "/ui/patients/[0-9]+")
        press(page.get_by_role("link", name="X-ray"), "/pictures/[0-9]+")
        go_to(page.get_by_role("button", name="Sign out"))


def test_pages_work_without_script(demo: Chromium) -> None:
    """Filters, comments, older entries and settings are forms and links."""
    with demo.window(java_script_enabled=False) as window:
        page = window.open(ALBUM)
        page.locator("#comment").fill("Without script")
        page.locator(".composer button.primary").click()
        expect(page.locator("#feed blockquote").first).to_have_text("Without script")
        page.locator("button[value=members]").click()
        expect(page.locator("button[value=members]")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#feed blockquote")).to_have_count(0)
        page.locator(".bar nav a").first.click()
        page.locator("#q").fill("no such album")
        page.keyboard.press("Enter")
        expect(page.locator(".list")).to_have_count(0)
        window.open("/ui/settings")
        page.locator("[name=language]").select_option("es")
        page.locator("main button.primary").click()
        expect(page.locator("html")).to_have_attribute("lang", "es")


def test_a_date_that_is_written_leads_the_slider(demo: Chromium) -> None:
    """To the last change at or before it; what is shown is of another moment until the page is asked for."""
    with demo.window() as window:
        page = window.open(ALBUM)
        stop = page.locator("#stops option").nth(4)
        field, then, words = page.locator("#at"), page.locator("#past-then"), page.locator("output")
        now = field.input_value()
        field.fill(str(stop.get_attribute("data-field")))
        expect(page.get_by_role("slider")).to_have_value("4")
        expect(words).to_have_text(str(stop.get_attribute("label")))
        expect(then).to_have_attribute("aria-busy", "true")
        field.fill(now)
        expect(words).to_have_text("The album as it is now")
        expect(then).to_have_attribute("aria-busy", "false")
        field.fill(str(stop.get_attribute("data-field")))
        with page.expect_navigation():
            page.get_by_role("button", name="Look").click()
        expect(page.locator(".past-band")).to_contain_text("You are looking at the past")
        expect(page.get_by_role("slider")).to_have_value("4")


def test_keys_of_a_page_rest_under_a_dialog(demo: Chromium) -> None:
    """Those of the viewer as well."""
    with demo.window() as window:
        page = window.open("/ui/albums/{album}/studies/{study}/series/{series}")
        words = page.locator("#frame-words")
        before = str(words.text_content())
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        for key in ("j", "i", "g", "a"):
            page.keyboard.press(key)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("#about")).to_be_visible()
        expect(words).to_have_text(before)


def test_a_favourite_is_filled_wherever_it_is_marked(demo: Chromium) -> None:
    """An outline would say that it is none, as in the lists."""
    with demo.window() as window:
        page = window.open("/ui/albums/{album}/studies/{study}")
        marks = page.locator(".strip .starred .icon").all()
        assert marks
        for one in marks:
            assert one.evaluate("(one) => getComputedStyle(one).fill") != "none"
        page.locator("#favorite").click()
        expect(page.locator(".strip .starred")).to_have_count(0)
        page.locator("#favorite").click()
        expect(page.locator(".strip .starred")).not_to_have_count(0)
