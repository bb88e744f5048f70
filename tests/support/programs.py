"""Programs of the machine that some tests need."""

from __future__ import annotations

import shutil

import pytest


def needs(program: str) -> str:
    """The path of a program; the test is skipped where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} on this machine")
    return found
