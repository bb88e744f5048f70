"""What the how-to pages show is the code as it is: the diffs start from it, and the examples are pieces of files."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

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
    assert {
        "src/albumcore/feed/entries.py",
        "src/adapters/albumcore_adapters/http/kheops/albums.py",
    } <= set(names)
    assert len(names) > 15


def pieces(page: Path) -> list[tuple[str, str]]:
    """Each piece of a file that a page shows, below the line that names the file."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^From `(.*)`:\n\n((?:^    .*\n|^\n)+)", text, re.MULTILINE)
    return [(name, dedent(piece).strip("\n")) for name, piece in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_piece_of_a_file_is_in_it(page: Path) -> None:
    """Line for line, however far it is indented there."""
    for name, piece in pieces(page):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        height = piece.count("\n") + 1
        starts = range(len(lines) - height + 1)
        assert piece in {dedent("\n".join(lines[start : start + height])) for start in starts}


def test_every_example_of_embedding_is_shown() -> None:
    """On the page that is about it."""
    shown = {name for name, _ in pieces(ROOT / "docs" / "how-to" / "embed.md")}
    there = (ROOT / "examples").glob("embed_*.py")
    assert shown == {str(path.relative_to(ROOT)) for path in there}
