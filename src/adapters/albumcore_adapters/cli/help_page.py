"""The layout of the help: prose is wrapped to the width of the terminal, and examples are not."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from cyclopts.help import DefaultFormatter
from rich.console import Console, ConsoleOptions

_UNWRAPPED = 10_000  # columns, more than the longest line


class HelpPage(DefaultFormatter):
    """Prints indented lines unwrapped, so that they can be copied from any terminal."""

    def render_description(
        self, console: Console, options: ConsoleOptions, description: Any
    ) -> None:
        """Print the docstring of a command, or the help of the application."""
        wide = Console(width=_UNWRAPPED, color_system=None)
        with wide.capture() as captured:
            wide.print(description)
        lines = captured.get().splitlines()
        for is_prose, block in groupby(lines, lambda line: line[:1].strip() != ""):
            if is_prose:
                console.print(" ".join(block), markup=False, highlight=False)
            else:
                console.print("\n".join(block), markup=False, highlight=False, soft_wrap=True)
