"""Sealed stores on both databases, and what erases in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from albumcore import Albumcore
from albumcore_adapters.store import open_postgres, open_sqlite
from support.clock import Clock
from support.postgres import empty_database
from support.sealed_place import Place


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A sealed store on each database, empty."""
    clock = Clock()
    with ExitStack() as stack:
        url = stack.enter_context(empty_database()) if request.param == "postgres" else None

        def open_again() -> Albumcore:
            if url is None:
                albums = open_sqlite(tmp_path / "albumcore.sqlite", clock=clock, sealed=True)
            else:
                albums = open_postgres(url, clock=clock, sealed=True)
            stack.callback(albums.close)
            return albums

        yield Place(tmp_path, url, open_again(), clock, open_again)
