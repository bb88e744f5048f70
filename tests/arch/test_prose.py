"""Prose in the words of the field: no private words in the source, and no pronoun that makes a caller a man."""

from __future__ import annotations

import re

import pytest

from sources import MODULES, ROOT

WORDS = ("whoever", "whomever", "nobody", "somebody", "at hand", "he", "his", "him")
"""Say the caller, the user, another process, cached; and they."""

PRIVATE = re.compile(rf"(?<!['\"`])\b({'|'.join(WORDS)})\b(?!['\"`](?!s))", re.IGNORECASE)
"""One of the words. In quotes it is a value, such as the name of a user."""

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_no_private_words(module: str) -> None:
    """In names, comments, docstrings and texts."""
    assert PRIVATE.findall(MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_private_words(page: object) -> None:
    """The pages that are made from the source included."""
    name = str(page).removeprefix(f"{ROOT}/")
    assert PRIVATE.findall((ROOT / name).read_text(encoding="utf-8")) == []
