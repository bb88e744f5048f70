"""What holds for every page: for eyes, keyboards, screen readers, and for what the browser asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import pairwise, product

import pytest
from attrs import frozen

from albumcore_adapters.http.ui.all_routes import ROUTES
from support.chromium import SCHEMES, WIDTHS, Chromium, Scheme, Window, furnished
from support.ui_pages import UI_PAGES, UiPage

NO_PAGES = re.compile(r"/ui|/ui/static/.*|/ui/sign-in/.+|.*/(file|thumbnail)|/ohif.*")
"""Paths of redirects, of files, and of the viewer of others."""


@frozen
class Shown:
    """A page in a window, with what was noted when it had just been shown."""

    page: UiPage
    window: Window
    said: list[str]
    asked: list[str]
    size: int


@pytest.fixture(scope="module")
def windows(demo: Chromium) -> Iterator[Callable[[int, bool], Window]]:
    """A window for each width, and for who is signed in and who is not; with something on each page."""
    full = furnished(demo)
    with ExitStack() as opened:
        yield cache(
            lambda width, signed_in: opened.enter_context(full.window(width, signed_in=signed_in))
        )


@pytest.fixture(
    scope="module",
    params=product(WIDTHS, UI_PAGES),
    ids=lambda one: f"{one[1].name}-{one[0]}",
)
def shown(windows: Callable[[int, bool], Window], request: pytest.FixtureRequest) -> Shown:
    """Every page, in a wide window and in a narrow one."""
    width, page = request.param
    window = windows(width, page.signed_in)
    window.said.clear()
    window.asked.clear()
    window.open(page)
    size = window.first_view()
    noted = Shown(page, window, list(window.said), list(window.asked), size)
    window.unfold()
    return noted


def test_it_asks_for_little_and_nothing_elsewhere(demo: Chromium, shown: Shown) -> None:
    """And the policy has nothing to stop."""
    assert all(one.startswith((demo.address, "blob:", "data:")) for one in shown.asked)
    assert [one for one in shown.said if f"status of {shown.page.status}" not in one] == []
    assert 0 < shown.size <= shown.page.most


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_has_no_faults(shown: Shown, scheme: Scheme) -> None:
    """Of contrast, names and roles."""
    assert shown.window.faults(scheme) == []


def test_its_headings_are_in_order(shown: Shown) -> None:
    """There is one for the page, and none leaves a level out."""
    levels = shown.window.headings()
    assert levels[:1] == [1]
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_every_stop_of_tab_is_seen(shown: Shown) -> None:
    """It has a ring of 3 px, and is large enough to be hit."""
    stops = list(shown.window.stops())
    assert len(stops) > 3
    assert [fault for fault in stops if fault] == []


def test_no_text_is_cut(shown: Shown) -> None:
    """Nor is the page wider than its window; with longer words neither."""
    assert shown.window.cut() == []
    shown.window.lengthen()
    assert shown.window.cut() == []


def test_no_page_is_left_out() -> None:
    """Each path of pages has its line in the table."""
    paths = [page.path.partition("?")[0] for page in UI_PAGES]
    templates = [route.path for route in ROUTES if route.method == "GET"]
    assert [
        template
        for template in templates
        if not NO_PAGES.fullmatch(template)
        and not any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) for path in paths)
    ] == []
