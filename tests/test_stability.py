"""What was promised is still there, and what is promised stands on a page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from public import FILE, REFERENCE, public

RELEASED: Mapping[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("place", RELEASED)
def test_no_public_name_is_gone(place: str) -> None:
    """Before the first release: ``python docs/public.py``. After it, a name goes by the rules of the page."""
    assert sorted(set(RELEASED[place]) - set(public()[place])) == []


def test_every_kind_of_name_is_listed() -> None:
    """None is empty: a page of another form would promise nothing."""
    assert RELEASED.keys() == public().keys()
    assert all(public().values())


def test_the_page_says_of_each_kind_how_it_changes() -> None:
    """By the key under which the file has it."""
    page = (REFERENCE / "stability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w. ]+)` \|", page, re.MULTILINE)
    assert rows == list(RELEASED)
