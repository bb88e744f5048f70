"""A data directory with an account, to be copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.tscharts import make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory."""
    path = tmp_path_factory.mktemp("tscharts") / "data"
    make_template(path)
    return path
