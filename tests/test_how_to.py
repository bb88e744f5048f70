"""The diffs that the how-to pages show start from the code as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))


def hunks(page: Path) -> list[tuple[str, list[str]]]:
    """Each hunk that a page shows: its file, and the lines that must be there before it is applied."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(
        r"^```diff\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        name = ""
        for line in block.splitlines():
            if line.startswith("+++ "):
                name = line.removeprefix("+++ ")
            elif line.startswith("@@"):
                found.append((name, []))
            elif not line.startswith("+"):
                found[-1][1].append(line[1:])
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_diff_starts_from_the_code(page: Path) -> None:
    """What it leaves and what it takes away stands in the file, in one piece, once or more."""
    for name, lines in hunks(page):
        code = (ROOT / name).read_text(encoding="utf-8")
        assert "\n".join(["", *lines, ""]) in code, f"{page.name}, {name}: {lines}"


def test_the_page_of_a_whole_mutation_shows_diffs() -> None:
    """Of every part of it: that they are found is seen here."""
    names = [name for name, _ in hunks(ROOT / "docs" / "how-to" / "add-a-mutation.md")]
    assert {"src/albumcore/feed/entries.py", "src/adapters/http/kheops/routes.py"} <= set(names)
    assert len(names) > 20
