"""Every store, empty, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from albumcore import Albumcore
from albumcore_adapters.store import open_memory, open_postgres, open_sqlite
from support.clock import Clock
from support.postgres import StoreDatabases

Open = Callable[..., Albumcore]


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@cache
def _databases() -> StoreDatabases:
    return StoreDatabases(lambda url: open_postgres(url).close())


@contextmanager
def _database() -> Iterator[str]:
    url = _databases().take()
    yield url
    _databases().give_back(url)


def _opener(kind: str, folder: Path, clock: Clock) -> Iterator[Open]:
    with ExitStack() as stack:
        url = stack.enter_context(_database()) if kind == "postgres" else ""

        def open_(**settings: Any) -> Albumcore:
            settings = {"clock": clock, **settings}
            if kind == "memory":
                app = open_memory(**settings)
            elif kind == "sqlite":
                app = open_sqlite(folder / "store.sqlite", **settings)
            else:
                app = open_postgres(url, **settings)
            stack.callback(app.close)
            return app

        yield open_


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Opens a store of each kind, with the settings that the test needs."""
    yield from _opener(request.param, tmp_path, clock)


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgres"])
def open_shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Open]:
    """Opens a store of each kind for all tests of a module, which read what one of them may fill it with."""
    yield from _opener(request.param, tmp_path_factory.mktemp("shared"), Clock())


@pytest.fixture(params=["sqlite", "postgres"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Opens the same store of each kind that stays, again and again."""
    yield from _opener(request.param, tmp_path, clock)


@pytest.fixture
def app(open_store: Open) -> Albumcore:
    """An empty store of each kind."""
    return open_store()


@pytest.fixture
def open_file(tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Opens the same SQLite file, again and again."""
    yield from _opener("sqlite", tmp_path, clock)
