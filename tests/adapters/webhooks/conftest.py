"""Worlds with webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.webhooks import Hooked, hooked


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Hooked]:
    """A settled world whose webhooks are received."""
    with hooked(tmp_path / "data") as made:
        yield made
