"""A real browser: Debian's Chromium, driven by Playwright, with what is measured of a page."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import pytest
from attrs import Factory, define, evolve, frozen
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from albumcore import utc_now
from support.server import Server
from support.ui_pages import UiPage

Scheme: TypeAlias = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS = (1280, 360)
HEIGHTS = {1280: 900, 360: 740}

MISSING = "Chromium is not installed; Debian's package is `chromium`"

_LINK = re.compile(r"http://\S+/ui/sign-in\?code=\S+")
_AXE = files("axe_playwright_python").joinpath("axe.min.js")

# Of what axe is unsure of, contrasts count; not those of what a box that scrolls hides, and of punctuation alone.
_FAULTS = """async () => {
  const found = await axe.run({resultTypes: ["violations", "incomplete"]});
  const unsure = (node) => {
    const one = document.querySelector(node.target[0]), scroller = one.closest(".strip, .scroll");
    return /\\p{L}/u.test(one.textContent)
      && !(scroller && one.getBoundingClientRect().right > scroller.getBoundingClientRect().right);
  };
  const told = (rule, nodes) => nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary ?? ""}`);
  return [
    ...found.violations.flatMap((rule) => told(rule, rule.nodes)),
    ...found.incomplete.filter((rule) => rule.id === "color-contrast")
      .flatMap((rule) => told(rule, rule.nodes.filter(unsure))),
  ];
}"""

_CUT = """() => {
  const found = [];
  if (document.documentElement.scrollWidth !== document.documentElement.clientWidth)
    found.push("the page is wider than the window");
  for (const one of document.querySelectorAll("body *")) {
    const style = getComputedStyle(one);
    if (one.closest("svg, .hidden, .skip, select, dialog:not([open])") || style.clipPath !== "none"
      || ["auto", "scroll"].includes(style.overflowX) || style.display === "inline"
      || !one.innerText?.trim() || one.matches("textarea") || !one.checkVisibility()) continue;
    const isWide = one.scrollWidth > one.clientWidth + 1 && one.clientWidth;
    const isHigh = style.overflowY === "hidden" && one.scrollHeight > one.clientHeight + 1;
    // A column of a few letters cuts nothing, and cannot be read.
    const isBroken = one.clientWidth < 48 && one.innerText.length > 20;
    if (isWide || isHigh || isBroken)
      found.push(`${one.tagName}.${one.className}: ${one.innerText.slice(0, 60)}`);
  }
  return found;
}"""

# German and French take two fifths more room than English. Words become longer, for they are what cannot be broken.
_LONGER = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const longer = (word) => word + word.slice(-Math.ceil(word.length * 0.4)).toLowerCase();
  for (let one = walker.nextNode(); one; one = walker.nextNode()) {
    if (!one.parentElement.closest("svg, code, kbd, .mono, .brand"))
      one.data = one.data.replace(/\\p{L}{2,}/gu, longer);
  }
}"""

# What is folded is looked at as well; of what there is much of, the first ones.
_UNFOLD = """() => {
  const [open, left] = [8, 24];
  for (const one of document.querySelectorAll("section, nav ul"))
    [...one.children].slice(left).forEach((part) => part.remove());
  [...document.querySelectorAll("details")].forEach((one, place) => {
     if (place < open) one.open = true;
    else one.remove();
  });
}"""

# Waited for in one evaluation: to evaluate it again and again, the policy stops.
_SHOWN = """async () => {
  const missing = [...document.images].filter((one) => !one.complete && one.checkVisibility()
    && (one.loading === "eager" || one.getBoundingClientRect().top < innerHeight));
  await Promise.all(missing.map((one) => new Promise((done) => { one.onload = one.onerror = done; })));
}"""
_BYTES = """() => performance.getEntries().filter((one) => "decodedBodySize" in one)
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""

_RING = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const target = one.matches('[type=checkbox], [type=radio]') ? one.closest('label') ?? one : one;
  const inside = one.matches("[type^=date]") ? one : one.closest(":focus-visible") ?? one;
  const style = getComputedStyle(inside), box = target.getBoundingClientRect();
  const inline = getComputedStyle(one).display === "inline";
  const name = `${one.tagName}.${one.className} ${(one.innerText || one.name || one.id).slice(0, 40)}`;
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 3;
  const large = inline || one.matches("main, [type=range]") || (box.width >= 24 && box.height >= 24);
  // Where the place of an element in the order of Tab is remembered.
  const place = [...document.querySelectorAll("*")].indexOf(one);
  return {place, fault: ring ? large ? "" : `${name}: smaller than 24 px` : `${name}: no ring`};
}"""


@frozen
class Chromium:
    """A running browser, and the cookies of who is signed in.

    Attributes:
        browser: The browser.
        address: Where the service listens.
        cookies: The state of a browser in which a user is signed in, as Playwright stores it.
        places: What the places in the paths of pages stand for.
    """

    browser: Browser
    address: str
    cookies: Any
    places: Mapping[str, str]

    @contextmanager
    def window(
        self,
        width: int = 1280,
        scheme: Scheme = "light",
        *,
        signed_in: bool = True,
        **options: Any,
    ) -> Iterator[Window]:
        """A window in a browser of its own, without motion."""
        context = self.browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme=scheme,
            reduced_motion="reduce",
            locale="en-GB",
            storage_state=self.cookies if signed_in else None,
            **options,
        )
        try:
            yield Window(self, context, context.new_page())
        finally:
            context.close()


@define
class Window:
    """A window, and what is remembered of what it did.

    Attributes:
        chromium: The browser.
        context: Its cookies.
        page: What it shows.
        said: What the browser complained of: errors of scripts, and of the policy.
        asked: The addresses that were asked for.
    """

    chromium: Chromium
    context: BrowserContext
    page: Page
    said: list[str] = Factory(list)
    asked: list[str] = Factory(list)

    def __attrs_post_init__(self) -> None:
        """Listen to what the browser says."""
        self.page.on(
            "console",
            lambda one: self.said.append(one.text) if one.type in {"error", "warning"} else None,
        )
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda one: self.asked.append(one.url))

    def open(self, page: UiPage | str) -> Page:
        """Open a page, by its line or its path, and wait until its scripts have run."""
        line = page if isinstance(page, UiPage) else UiPage("", page)
        answer = self.page.goto(self.chromium.address + line.path.format_map(self.chromium.places))
        if line.press:
            for place, text in line.fields.items():
                self.page.fill(place, text)
            with self.page.expect_navigation() as led:
                self.page.click(line.press)
            answer = led.value
        assert answer is not None
        assert answer.status == line.status, answer.status
        return self.page

    def first_view(self) -> int:
        """How many bytes, before compression, the page has asked for once it is shown."""
        self.await_images()
        return int(self.page.evaluate(_BYTES))

    def await_images(self) -> None:
        """Wait until the images are shown that are in the window, or are not lazy."""
        self.page.evaluate(_SHOWN)

    def height(self) -> int:
        """The height of the page, in pixels."""
        return int(self.page.evaluate("document.documentElement.scrollHeight"))

    def unfold(self) -> None:
        """Open what is folded, and leave the rest of a long list of it out."""
        self.page.evaluate(_UNFOLD)

    def faults(self, scheme: Scheme) -> Sequence[str]:
        """What axe finds in a scheme of colours: violations, and contrasts that it cannot compute."""
        self.page.emulate_media(color_scheme=scheme)
        if self.page.evaluate("typeof axe === 'undefined'"):
            # Evaluated, not added as a script: the policy stops those.
            self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        return list(self.page.evaluate(_FAULTS))

    def cut(self) -> Sequence[str]:
        """The texts that do not fit into their boxes, and the page if it is wider than the window."""
        return list(self.page.evaluate(_CUT))

    def lengthen(self) -> None:
        """Make every word two fifths longer, as translations are."""
        self.page.evaluate(_LONGER)

    def headings(self) -> Sequence[int]:
        """The levels of the headings, in their order."""
        return list(
            self.page.evaluate(
                "[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])"
            )
        )

    def stops(self) -> Iterator[str]:
        """What is wrong with each stop of Tab, in their order; empty where nothing is."""
        seen: set[int] = set()
        last = -1
        while True:
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(_RING)
            # Fields for dates have several stops in one element.
            if stop is None or (stop["place"] in seen and stop["place"] != last):
                return
            last = stop["place"]
            seen.add(last)
            yield stop["fault"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser that is installed.

    Skips the test where there is none; where ``CI`` is set, that is an error.
    """
    path = shutil.which("chromium")
    if path is None and not os.environ.get("CI"):
        pytest.skip(MISSING)
    assert path is not None, MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def printed_link(server: Server) -> str:
    """The link that a demo prints, which signs in once."""
    return next(found[0] for line in server.output if (found := _LINK.search(line)))


@contextmanager
def demo_in(browser: Browser, server: Server) -> Iterator[Chromium]:
    """Sign in by the link that a demo prints, and find its album."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(printed_link(server))
        assert page.url == f"{server.address}/ui/albums"
        album = page.locator(".list h2 a").get_attribute("href")
        assert album is not None
        page.goto(server.address + album)
        # Before the last five entries.
        then = page.locator("#feed time").nth(5).get_attribute("datetime")
        study = page.locator(".studies a").first
        page.goto(server.address + str(study.get_attribute("href")))
        series = str(page.locator(".strip a").first.get_attribute("href")).split("/")
        places = {
            "album": series[3],
            "study": series[5],
            "series": series[7],
            "then": quote(str(then)),
            "lately": quote(utc_now().isoformat()),
        }
        yield Chromium(browser, server.address, context.storage_state(), places)


def signed_in_by_token(
    browser: Browser, address: str, token: str, places: Mapping[str, str]
) -> Chromium:
    """Sign in by a token that is pasted into the form."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/ui/sign-in")
        page.fill("#token", token)
        with page.expect_navigation(url="**/ui/albums"):
            page.click("form:has(#token) button.primary")
        return Chromium(browser, address, context.storage_state(), places)


def furnished(demo: Chromium) -> Chromium:
    """The demo with what it removes again: a webhook, ``{webhook}`` in paths."""
    with demo.window() as window:
        page = window.open("/ui/albums/{album}/webhooks")
        page.fill("#new-name", "Archive")
        page.fill("#new-url", "https://archive.example/told")
        page.click("main form button.primary")
        address = page.locator("main li h2 a").get_attribute("href")
        return evolve(demo, places={**demo.places, "webhook": str(address).split("/")[-1]})


def scroll_down(page: Page) -> None:
    """Away from the newest entries, however short the page is."""
    page.evaluate("document.body.style.minHeight = '300vh'; scrollTo(0, 600)")
