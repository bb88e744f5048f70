"""How long the long runs take: in full under ``nox -s deep``, and a share of it elsewhere."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

IS_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
"""Whether this is the run with fresh seeds and everything at its full length."""


def at_length(deep: T, by_default: T) -> T:
    """A length of time, a number of rounds or of seeds: in full in the deep run, and less of it by default."""
    return deep if IS_DEEP else by_default
