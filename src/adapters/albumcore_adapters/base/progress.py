"""The progress display of a command, on standard error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

ReportProgress: TypeAlias = Callable[[int], None]
"""Reports how many things are done so far."""

Stage: TypeAlias = Callable[[str, int | None], AbstractContextManager[ReportProgress]]
"""Shows one stage of long work: called with its name and the number of things to do, None if that is unknown."""

_DELAY = 2.0  # seconds


@contextmanager
def progress_of(what: str, total: int | None = None) -> Iterator[ReportProgress]:
    """Show the progress of the work in the block, once it has taken two seconds.

    On a terminal it is a line with a spinner, or with a bar where ``total`` is known; elsewhere, one line of text.

    Args:
        what: The work, as the line names it.
        total: How many items there are, if known.

    Yields:
        A callback that takes the number of items done so far.
    """
    console = Console(stderr=True)
    counted: tuple[ProgressColumn, ...] = (TextColumn("{task.completed:.0f}"), TimeElapsedColumn())
    if total is not None:
        counted = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *counted,
        console=console,
        transient=True,
    )
    task = bar.add_task(what, total=total)

    def show() -> None:
        if console.is_terminal:
            bar.start()
        else:
            console.print(f"{what} ...")

    timer = threading.Timer(_DELAY, show)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done: bar.update(task, completed=done)
    finally:
        timer.cancel()
        timer.join()
        if bar.live.is_started:
            bar.stop()
