"""A store in clear, of the last release before stores were sealed, is served as it is."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from albumcore_adapters.base.data_directory import DATABASE_FILE
from support.in_clear import ABOUT, ZOE, answers, put, served
from support.postgres import empty_database


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where its tables are: None for a file in the data directory."""
    if request.param == "sqlite":
        yield None
    else:
        with empty_database() as url:
            yield url


def test_it_is_served(database: str | None, tmp_path: Path) -> None:
    """It verifies, and shows what was recorded; opened again, it verifies still."""
    data = put(tmp_path / "data", database)
    for _ in range(2):
        with served(data, database) as (service, _client):
            assert service.albums.verify(service.image_bytes.check) == []
            assert service.people.find("zoe@example.org") == service.people.find(ZOE)
    found = answers(data, database)
    statuses = Counter(status for status, _ in found.values())
    assert set(statuses) <= {200, 204, 400, 401, 403, 404}
    assert statuses[200] > 150
    for text in ("Between us", "From my laptop", "Zoë Müller"):
        assert any(text in body.decode() for _, body in found.values()), text


def test_its_bytes_stay(tmp_path: Path) -> None:
    """Opening and serving it changes no event that is in it, byte for byte."""
    data = put(tmp_path / "data")

    def events() -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(data / DATABASE_FILE)) as connection:
            return connection.execute("SELECT rowid, * FROM stored_events").fetchall()

    before = events()
    with served(data) as (service, client):
        path = f"/albums/{ABOUT['album']}/users"
        assert client.simulate_get(path, headers={}).status_code == 401
        assert service.albums.rebuild() == len(before)
    assert events() == before
