"""The API in process, opened once for each test, or once for all the examples of a property."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.tscharts import Api, opened

PLACES = {"patients": [1, 2], "clinics": [1], "stations": [1]}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The documented API, with two patients, a clinic and a station."""
    with opened(tmp_path, PLACES) as api:
        yield api


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The documented API for all tests of a module, with sealed images."""
    with opened(tmp_path_factory.mktemp("shared"), PLACES, seals=True) as api:
        yield api


@pytest.fixture(scope="module")
def shared_upstream_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API as upstream has it, for all tests of a module, with images in clear."""
    with opened(tmp_path_factory.mktemp("shared"), PLACES, seals=False, compat="upstream") as api:
        yield api
