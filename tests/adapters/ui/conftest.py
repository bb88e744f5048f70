"""Worlds to look at in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.kheops import World, open_world, settle


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world."""
    made = open_world(tmp_path_factory.mktemp("world"), start=settle)
    yield made
    made.service.close()
