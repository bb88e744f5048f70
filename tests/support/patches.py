"""How-to pages as instructions that can be followed: their diffs, their files and their commands.

A page shows three kinds of blocks. In a ``diff`` block, ``+++ FILE`` names a file and ``@@ LINE`` begins a hunk: the
lines below a line of the file, each marked with a blank, ``-`` or ``+``. A hunk that only adds lines creates the
file, if there is none. A ``python`` block is the content of the file named in backticks by the line above it. A
``sh`` block holds commands, to be run from the root of the tree.
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import field, frozen

_DIFF = re.compile(r"^```diff\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^.*`(\S+\.py)`:\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


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


def hunks_of(page: str) -> list[Hunk]:
    """The changes that a page shows, in order."""
    found: list[Hunk] = []
    for block in _DIFF.findall(page):
        file = ""
        for line in block.splitlines():
            if line.startswith("+++ "):
                file = line.removeprefix("+++ ")
            elif line.startswith("@@"):
                found.append(Hunk(file, line.removeprefix("@@").strip()))
            else:
                found[-1].lines.append(line or " ")
    return found


def files_of(page: str) -> dict[str, str]:
    """The files that a page shows whole, by path."""
    return dict(_FILE.findall(page))


def commands_of(page: str) -> list[list[str]]:
    """The commands that a page shows, each split at its blanks."""
    return [line.split() for block in _COMMANDS.findall(page) for line in block.splitlines()]
