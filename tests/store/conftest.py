"""Every store, empty, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.store import open_memory, open_sqlite
from albumcore import Albumcore
from support.clock import Clock

Open = Callable[..., Albumcore]


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Opens a store of each kind, with the settings that the test needs."""
    opened: list[Albumcore] = []

    def open_(**settings: Any) -> Albumcore:
        settings = {"clock": clock, **settings}
        if request.param == "memory":
            app = open_memory(**settings)
        else:
            app = open_sqlite(tmp_path / "store.sqlite", **settings)
        opened.append(app)
        return app

    yield open_
    for app in opened:
        app.close()


@pytest.fixture
def app(open_store: Open) -> Albumcore:
    """An empty store of each kind."""
    return open_store()


@pytest.fixture
def open_file(tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Opens the same SQLite file, again and again."""
    opened: list[Albumcore] = []

    def open_(**settings: Any) -> Albumcore:
        opened.append(open_sqlite(tmp_path / "store.sqlite", **{"clock": clock, **settings}))
        return opened[-1]

    yield open_
    for app in opened:
        app.close()
