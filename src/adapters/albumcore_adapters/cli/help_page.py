"""How help is laid out: prose fills the terminal, and an example stays the one line that it is."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from cyclopts.help import DefaultFormatter
from rich.console import Console, ConsoleOptions

_UNWRAPPED = 10_000  # columns, more than any line has


class HelpPage(DefaultFormatter):
    """Help whose indented lines are printed as they are, so that they can be copied out of any terminal."""

    def render_description(
        self, console: Console, options: ConsoleOptions, description: Any
    ) -> None:
        """Print the docstring of a command, or the help of the whole."""
        wide = Console(width=_UNWRAPPED, color_system=None)
        with wide.capture() as captured:
            wide.print(description)
        lines = captured.get().splitlines()
        for is_prose, block in groupby(lines, lambda line: line[:1].strip() != ""):
            if is_prose:
                console.print(" ".join(block), markup=False, highlight=False)
            else:
                console.print("\n".join(block), markup=False, highlight=False, soft_wrap=True)
