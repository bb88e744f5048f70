"""Worlds to ask the Kheops album API in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.kheops import World, open_world, settle


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world that answers as documented."""
    made = open_world(tmp_path, start=settle)
    yield made
    made.service.close()


@pytest.fixture
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world that answers as upstream does."""
    made = open_world(tmp_path_factory.mktemp("upstream"), compat="upstream", start=settle)
    yield made
    made.service.close()
