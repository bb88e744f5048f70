"""Fixtures: a world with webhooks, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import templates
from support.webhooks import Hooked, hooked


@pytest.fixture(params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database that the stores of worlds are in."""
    monkeypatch.setattr(templates, "IS_ON_POSTGRES", request.param == "postgres")
    return str(request.param)


@pytest.fixture
def world(system: str, tmp_path: Path) -> Iterator[Hooked]:
    """A settled world, and a receiver of its webhooks."""
    with hooked(tmp_path / "data") as made:
        yield made
