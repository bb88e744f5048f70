"""Blocks of code in the pages: where each is, its language, and the line above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]
PAGES = tuple(sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]))
"""The pages of the documentation, and those beside the README."""

_FENCE = re.compile(
    r"(?:^(?P<above>[^\n]*)\n\n)?^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_FROM = re.compile(r"^From `(.*)`:$")


@frozen
class Block:
    """One block of a page, between its fences.

    Attributes:
        page: The page, from the root of the project.
        line: The number of its first line in the page.
        language: The language, as the fence names it.
        code: The code, without the indentation of a list around it.
        above: The line above the block; empty if there is none.
    """

    page: str
    line: int
    language: str
    code: str
    above: str

    @property
    def name(self) -> str:
        """Where it is, for the name of a test."""
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that it is a piece of, from the root of the project; None if it is not one."""
        found = _FROM.match(self.above)
        return None if found is None else found[1]


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        indent = found["indent"]
        code = "".join(line.removeprefix(indent) for line in found["code"].splitlines(True))
        line = text.count("\n", 0, found.start("code")) + 1
        above = (found["above"] or "").strip()
        yield Block(str(page.relative_to(ROOT)), line, found["language"], code, above)
