"""Copies of whole stores, also in processes that are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from albumcore import utc_now
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, open_blobs
from albumcore_adapters.transfer import tables
from albumcore_adapters.transfer.copy import Copied, copy_store
from albumcore_adapters.transfer.location import Location, location_of


@contextmanager
def quiet(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda done: None


def copied(source: Path | str, target: Path | str, stage: Any = quiet) -> Copied:
    """Copy between directories and databases, and images if both are directories."""
    places = [
        Location(directory=one) if isinstance(one, Path) else location_of(one)
        for one in (source, target)
    ]

    def blobs() -> tuple[Blobs, Blobs]:
        assert isinstance(source, Path)
        assert isinstance(target, Path)
        return open_blobs(Settings(data=source)), open_blobs(Settings(data=target))

    are_directories = isinstance(source, Path) and isinstance(target, Path)
    return copy_store(places[0], places[1], blobs if are_directories else None, stage, utc_now)


def copy_and_die(source: Path, target: Path, after: int) -> None:
    """Copy in small batches, and be killed after some of them."""
    told = iter(range(1000))

    def tell(done: int) -> None:
        if next(told) == after:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def stage(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        yield tell

    tables.BATCH = 9
    copied(source, target, stage)
