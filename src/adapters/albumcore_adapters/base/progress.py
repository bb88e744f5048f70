"""What a command shows on standard error while it works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

_PATIENCE = 2.0  # seconds a command may take before it shows that it is alive


@contextmanager
def progress_of(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show that work goes on, and how many things are done, once it takes long; a bar where all are counted.

    Gives what to tell how many things are done.
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

    def appear() -> None:
        # A log file is told once; on a terminal, a line keeps moving.
        if console.is_terminal:
            bar.start()
        else:
            console.print(f"{what} ...")

    appearing = threading.Timer(_PATIENCE, appear)
    appearing.daemon = True
    appearing.start()
    try:
        yield lambda done: bar.update(task, completed=done)
    finally:
        appearing.cancel()
        appearing.join()
        if bar.live.is_started:
            bar.stop()
