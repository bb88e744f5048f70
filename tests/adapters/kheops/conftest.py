"""Worlds to ask the Kheops album API in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.kheops import World, open_world, settle


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world, shared by the tests of a module."""
    made = open_world(tmp_path_factory.mktemp("world"), start=settle)
    yield made
    made.service.close()
