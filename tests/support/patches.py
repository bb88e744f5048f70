"""How-to pages as instructions that can be followed: their diffs, their files and their commands.

A page is followed from top to bottom. It has three kinds of blocks. In a ``diff`` block, ``+++ FILE`` names a file and
``@@ LINE`` begins a hunk: the lines below a line of the file, each marked with a blank, ``-`` or ``+``. A hunk that
only adds lines creates the file, if there is none. A ``python`` block is the content of the file that is named in
backticks at the end of the line above it. A ``sh`` block holds commands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen

_BLOCK = re.compile(
    r"(?:^[^\n]*`(\S+)`:\n\n)?^```(diff|python|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL
)


@frozen
class Hunk:
    """One change of a file.

    Attributes:
        file: Path of the file, from the root of the tree.
        heading: A line of the file that is above the change; empty if the change may be anywhere.
        lines: The lines, each with its mark: a blank, ``-`` or ``+``.
    """

    file: str
    heading: str
    lines: list[str] = field(factory=list)

    @property
    def before(self) -> str:
        """The lines as they are before the change."""
        return "".join(f"{line[1:]}\n" for line in self.lines if line[0] != "+")

    @property
    def after(self) -> str:
        """The lines as they are after it."""
        return "".join(f"{line[1:]}\n" for line in self.lines if line[0] != "-")

    def apply(self, root: Path) -> None:
        """Change the file in a tree.

        Raises:
            LookupError: the lines that the change starts from are not in the file, below the heading.
        """
        path = root / self.file
        if not path.exists() and not self.before:
            path.write_text(self.after, encoding="utf-8")
            return
        code = f"\n{path.read_text(encoding='utf-8')}"
        heading = re.search(f"^ *{re.escape(self.heading)}", code, re.MULTILINE)
        at = code.find(
            f"\n{self.before}", heading.start() - 1 if heading and heading.start() else 0
        )
        if heading is None or at < 0 or not self.before:
            raise LookupError(f"not in {self.file}, below {self.heading!r}:\n{self.before}")
        end = at + 1 + len(self.before)
        path.write_text(f"{code[1 : at + 1]}{self.after}{code[end:]}", encoding="utf-8")


def follow(page: str, root: Path, run: Callable[[str], None]) -> int:
    """Do to a tree what a page says.

    Args:
        page: The page.
        root: The tree.
        run: Runs a command in it.

    Returns:
        How many blocks the page has.
    """
    blocks = _BLOCK.findall(page)
    for file, kind, content in blocks:
        if kind == "diff":
            for hunk in hunks_of(content):
                hunk.apply(root)
        elif kind == "python":
            (root / file).write_text(content, encoding="utf-8")
        else:
            for command in content.splitlines():
                run(command)
    return len(blocks)


def hunks_of(diff: str) -> list[Hunk]:
    """The hunks of a ``diff`` block, in order."""
    found: list[Hunk] = []
    file = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ ")
        elif line.startswith("@@"):
            found.append(Hunk(file, line.removeprefix("@@").strip()))
        else:
            found[-1].lines.append(line or " ")
    return found
