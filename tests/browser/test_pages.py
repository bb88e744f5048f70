"""What holds for every page: for eyes, keyboards, screen readers, and for what the browser asks for."""

from __future__ import annotations

from itertools import pairwise

import pytest

from support.chromium import SCHEMES, WIDTHS, Chromium
from support.ui_pages import UI_PAGES, UiPage

FIRST_VIEW = 300_000
"""The most bytes of a first view, before compression."""

every_page = pytest.mark.parametrize("page", UI_PAGES, ids=lambda page: page.name)
every_width = pytest.mark.parametrize("width", WIDTHS)


@every_width
@every_page
def test_a_page_has_no_faults(demo: Chromium, page: UiPage, width: int) -> None:
    """Of contrast, names and roles, in both schemes; nor is it wider than its window."""
    with demo.window(width, signed_in=page.signed_in) as window:
        window.open(page)
        for scheme in SCHEMES:
            window.page.emulate_media(color_scheme=scheme)
            assert window.faults() == []
        assert window.cut() == []
        levels = window.headings()
        assert levels[:1] == [1]
        assert all(below <= above + 1 for above, below in pairwise(levels))


@every_width
@every_page
def test_every_stop_of_tab_is_seen(demo: Chromium, page: UiPage, width: int) -> None:
    """It has a ring of 3 px, and is large enough to be hit."""
    with demo.window(width, signed_in=page.signed_in) as window:
        window.open(page)
        stops = list(window.stops())
        assert len(stops) > 3
        assert [fault for fault in stops if fault] == []


@every_page
def test_a_page_asks_for_little_and_nothing_elsewhere(demo: Chromium, page: UiPage) -> None:
    """And the policy has nothing to stop."""
    with demo.window(signed_in=page.signed_in) as window:
        window.open(page)
        assert all(one.startswith((demo.address, "blob:", "data:")) for one in window.asked)
        assert [one for one in window.said if f"status of {page.status}" not in one] == []
        answers = window.page.evaluate(
            "performance.getEntries().filter(e => 'decodedBodySize' in e).map(e => e.decodedBodySize)"
        )
        assert 0 < sum(answers) <= FIRST_VIEW
