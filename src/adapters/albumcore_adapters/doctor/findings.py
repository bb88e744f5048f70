"""What an examination finds: a sentence each."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias, get_args

from attrs import frozen

Check: TypeAlias = Literal[
    "files", "disk", "database", "clock", "keys", "connections", "jwks", "backups"
]
CHECKS: tuple[Check, ...] = get_args(Check)
"""What is examined, in this order."""

Verdict: TypeAlias = Literal["fine", "problem", "left out"]


@frozen
class Finding:
    """One result of an examination.

    Attributes:
        check: What was examined.
        verdict: Whether it is fine, is a problem, or could not be examined.
        sentence: What was found; for a problem also what to do.
    """

    check: Check
    verdict: Verdict
    sentence: str


def size_text(size: int) -> str:
    """Return a number of bytes for people, such as `1.5 GiB`."""
    for unit, length in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size >= length:
            return f"{size / length:.1f} {unit}"
    return f"{size} bytes"


def age_text(age: timedelta) -> str:
    """Return a length of time for people, in the largest whole unit, such as `2 days`."""
    seconds = int(abs(age).total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = seconds // length
            return f"{number} {unit}{'s' * (number > 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"
