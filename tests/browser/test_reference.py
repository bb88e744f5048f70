"""The reference of the HTTP interface as a page: its search, its contents, and its tables on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

from support.chromium import Chromium

_EMPTY_HEADINGS = """() => [...document.querySelectorAll("main h2, main h3")].filter((one) => {
  const part = one.parentElement;
  return one.checkVisibility() && ![...part.querySelectorAll("details")].some((each) => each.checkVisibility());
}).map((one) => one.innerText)"""

_TORN = """() => [...document.querySelectorAll("nav ul")].filter((list) => {
  const end = list.previousElementSibling.getBoundingClientRect().bottom;
  return [...list.children].some((one) => one.getBoundingClientRect().top < end);
}).length"""

_SIDEWAYS = """() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  return [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth).length;
}"""


def test_the_search_leaves_no_heading_without_a_match(demo: Chromium) -> None:
    """All of them are there again without words; a link to what is hidden shows it."""
    with demo.window(signed_in=False) as window:
        page = window.open("/docs")
        headings = page.locator("main h2:visible, main h3:visible")
        total = headings.count()
        page.fill("#words", "webhook")
        assert page.evaluate(_EMPTY_HEADINGS) == []
        assert 1 < headings.count() < total
        page.fill("#words", "nothing like it")
        assert headings.count() == 0
        page.fill("#words", "")
        assert headings.count() == total
        page.fill("#words", "GET /albums/{album} ")
        page.locator("details:visible summary").first.click()
        page.locator("details[open] a[href^='#schema-']").first.click()
        expect(page.locator(":target")).to_be_in_viewport()
        assert headings.count() == total


def test_a_heading_of_the_contents_stays_with_its_list(demo: Chromium) -> None:
    """The columns of the list begin below it."""
    with demo.window(signed_in=False) as window:
        assert window.open("/docs").evaluate(_TORN) == 0


def test_no_table_scrolls_sideways_on_a_phone(demo: Chromium) -> None:
    """Its rows are stacked."""
    with demo.window(360, signed_in=False) as window:
        page = window.open("/docs")
        assert page.evaluate(_SIDEWAYS) == 0
        assert window.cut() == []
