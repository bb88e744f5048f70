"""What the doctor says of a service: its findings of one check."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from albumcore import utc_now
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.doctor.database import Workers
from albumcore_adapters.doctor.examination import examine
from albumcore_adapters.doctor.findings import Check, Finding
from support.places import Place


def settings_of(place: Place) -> Settings:
    """The settings of the service of a place."""
    return Settings(data=place.data, database=place.database)


def examined(
    settings: Settings,
    check: Check,
    *,
    clock: Callable[[], datetime] = utc_now,
    workers: int = 2,
    backups: Path | None = None,
) -> list[Finding]:
    """The findings of one check."""
    found = examine(settings, Workers(workers, 8, 16), clock=clock, backups=backups)
    return [finding for finding in found if finding.check == check]


def standing(at: datetime) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: at


def only_problem(found: Sequence[Finding]) -> str:
    """The sentence of the one problem among findings."""
    [sentence] = [finding.sentence for finding in found if finding.verdict == "problem"]
    return sentence


def verdicts(found: Sequence[Finding]) -> list[str]:
    """Their verdicts, in order."""
    return [finding.verdict for finding in found]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Have a file system in memory at a folder until the end of the block, where this user may mount one."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may mount nothing")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
