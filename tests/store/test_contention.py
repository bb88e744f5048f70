"""Several processes that write to one stream at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from albumcore import create_album
from support.contention import SHARED, SOMEBODY, contend, opened
from support.deep import at_length
from support.postgres import empty_database

WRITERS = 8


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The path or address of a store with an album in it."""
    if request.param == "sqlite":
        _create(str(tmp_path / "store.sqlite"))
        yield str(tmp_path / "store.sqlite")
    else:
        with empty_database() as url:
            _create(url)
            yield url


def _create(database: str) -> None:
    with opened(database) as app:
        app.handle(SHARED, create_album, SOMEBODY, "Shared")


def test_comments_never_conflict(database: str) -> None:
    """None is refused, every one is stored once, and no writer starves."""
    written = contend(database, WRITERS, at_length(60, 2))
    assert [one.refused for one in written] == [()] * WRITERS
    posted = [one.posted for one in written]
    with opened(database) as app:
        versions = [one.version for one in app.history(SHARED, after=1)]
        assert versions == list(range(2, 2 + sum(posted)))
    assert min(posted) >= max(posted) / at_length(2, 4)  # a short run is less even
