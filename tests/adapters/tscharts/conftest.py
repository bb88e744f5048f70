"""The API in process, opened once for each test, or once for all the examples of a property."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.tscharts import Api, arrange, make_template, opened

PLACES = {"patients": [1, 2], "clinics": [1], "stations": [1]}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an account."""
    path = tmp_path_factory.mktemp("tscharts") / "data"
    make_template(path)
    return path


@pytest.fixture
def api(template: Path, tmp_path: Path) -> Iterator[Api]:
    """The documented API, with two patients, a clinic and a station."""
    with opened(template, tmp_path) as api:
        arrange(api, PLACES)
        yield api


@pytest.fixture(scope="module")
def shared_api(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The documented API for all tests of a module."""
    with opened(template, tmp_path_factory.mktemp("shared")) as api:
        arrange(api, PLACES)
        yield api


@pytest.fixture(scope="module")
def shared_upstream_api(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API as upstream has it, for all tests of a module."""
    with opened(template, tmp_path_factory.mktemp("shared"), compat="upstream") as api:
        arrange(api, PLACES)
        yield api
