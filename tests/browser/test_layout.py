"""What has its place on a narrow screen: rows wrap, and the band of the past leaves room for what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from albumcore_adapters.http.ui.texts import LANGUAGES
from support.chromium import Chromium, Window

_NAV_LINKS = """() => {
  const nav = document.querySelector(".bar nav"), own = nav.getBoundingClientRect();
  const boxes = [...nav.querySelectorAll("a")].map((one) => one.getBoundingClientRect());
  return [nav.scrollWidth - nav.clientWidth, boxes.filter((one) => one.right > own.right).length, boxes.length];
}"""
_BAND_HEIGHT = "document.querySelector('.past-band').getBoundingClientRect().height"
_IS_BESIDE = """() => {
  const [field, button] = [...document.querySelectorAll(".when input[name=at], .when button")];
  return button.getBoundingClientRect().top < field.getBoundingClientRect().bottom;
}"""
HIGHEST_BAND = 148
"""The pixels of a phone's screen that the band of the past may take."""


@contextmanager
def phone(demo: Chromium, language: str) -> Iterator[Window]:
    """A window as narrow as a small phone, in a language."""
    with demo.window(360) as window:
        window.context.add_cookies([{"name": "lang", "value": language, "url": demo.address}])
        yield window


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_of_the_header_is_seen(demo: Chromium, language: str) -> None:
    """Those that have no room in a row are in the next one."""
    with phone(demo, language) as window:
        page = window.open("/ui/albums")
        assert page.evaluate(_NAV_LINKS) == [0, 0, 3]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "path",
    [
        "/ui/albums/{album}?at={then}",
        "/ui/albums/{album}/studies/{study}?at={then}",
        "/ui/patients/1?at={lately}",
    ],
)
def test_the_band_of_the_past_is_low(demo: Chromium, path: str, language: str) -> None:
    """It stays in place while the page is scrolled: what is looked at has the rest of the screen."""
    with phone(demo, language) as window:
        page = window.open(path)
        assert page.evaluate(_BAND_HEIGHT) <= HIGHEST_BAND


def test_the_moment_is_written_and_looked_at_in_one_row(demo: Chromium) -> None:
    """The button is beside the field of the date."""
    with phone(demo, "en") as window:
        page = window.open("/ui/albums/{album}?at={then}")
        assert page.evaluate(_IS_BESIDE)
