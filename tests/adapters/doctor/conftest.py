"""A store on each database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from albumcore_adapters.service import open_service
from support.examined import settings_of
from support.places import SYSTEMS, Place, place_for


@pytest.fixture(params=SYSTEMS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place with an empty store, as the service makes it."""
    with ExitStack() as stack:
        place = place_for(request.param, tmp_path / "data", stack)
        open_service(settings_of(place)).close()
        yield place
