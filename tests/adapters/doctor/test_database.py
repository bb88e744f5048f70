"""The database with a fault of its own: what the doctor says, and what it says to do."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from albumcore import Source, create_album, utc_now
from albumcore.ids import AlbumId, UserId
from albumcore.streams import album_stream
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.doctor import database as examination
from albumcore_adapters.doctor.database import Workers
from albumcore_adapters.service import open_service
from albumcore_adapters.sql.migrations import MIGRATIONS
from albumcore_adapters.sql.postgres import PostgresDatabase
from albumcore_adapters.transfer.marker import mark_unfinished
from support.examined import examined, only_problem, settings_of, verdicts
from support.places import Place, place_for
from support.postgres import new_server, postgres_server

VERSION = {
    True: "PRAGMA user_version = {}",
    False: "UPDATE store_version SET version = {}",
}
"""The statement that sets the version of the tables, by whether it is SQLite."""


def at_version(place: Place, version: int) -> None:
    """Have the tables be of another version."""
    place.run(VERSION[place.database is None].format(version))


def test_nothing_is_wrong_with_a_new_store(place: Place) -> None:
    """It says which database answers, and the version of the tables."""
    [found] = examined(settings_of(place), "database")
    assert found.verdict == "fine"
    assert found.sentence.startswith("SQLite 3." if place.database is None else "PostgreSQL ")
    assert f"version {len(MIGRATIONS)}" in found.sentence


def test_tables_of_an_older_release(place: Place) -> None:
    """They are not changed, and nothing else is asked of them."""
    at_version(place, len(MIGRATIONS) - 1)
    assert "start the service" in only_problem(examined(settings_of(place), "database"))
    assert examined(settings_of(place), "backups") == []


def test_tables_of_a_newer_release(place: Place) -> None:
    """That release is needed."""
    at_version(place, len(MIGRATIONS) + 1)
    assert "install that release" in only_problem(examined(settings_of(place), "database"))


def test_an_unfinished_copy(place: Place) -> None:
    """It is to be ended."""
    with place.location.source() as endpoint:
        mark_unfinished(endpoint.database, utc_now())
    assert "albumcore copy" in only_problem(examined(settings_of(place), "database"))


def test_no_store(tmp_path: Path) -> None:
    """None is made."""
    sentence = only_problem(examined(Settings(data=tmp_path), "database"))
    assert "start `albumcore serve`, which makes one" in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """It is to be verified."""
    (tmp_path / DATABASE_FILE).write_text("This is no database. " * 1000)
    assert "`albumcore verify`" in only_problem(examined(Settings(data=tmp_path), "database"))


def test_a_database_server_that_is_down(tmp_path: Path) -> None:
    """Everything else is examined all the same, and the address is not repeated."""
    server = new_server()
    try:
        settings = Settings(data=tmp_path / "data", database=server.url(server.create()))
        open_service(settings).close()
    finally:
        server.stop()
    found = examined(settings, "database")
    assert "see that PostgreSQL runs" in only_problem(found)
    assert str(settings.database) not in only_problem(found)
    assert verdicts(examined(settings, "files")) == ["fine"]


def test_a_role_that_is_not_let_in(place: Place) -> None:
    """The setting that names the role is in the sentence."""
    if place.database is not None:
        other = place.database.replace("//albumcore@", "//nobody_of_ours@")
        settings = Settings(data=place.data, database=other)
        assert "ALBUMCORE_DATABASE" in only_problem(examined(settings, "database"))


def test_a_system_that_sorts_otherwise_than_before(tmp_path: Path) -> None:
    """As after an upgrade of the system's libraries: indexes are to be made again."""
    with ExitStack() as stack:
        place = place_for("postgres", tmp_path / "data", stack)
        open_service(settings_of(place)).close()
        server = postgres_server()
        [(name, made)] = server.execute(
            "SELECT datname, datcollversion FROM pg_database ORDER BY oid DESC LIMIT 1"
        )
        assert f"/{name}?" in str(place.database)
        if made is None:
            pytest.skip("the databases of this server have no collation that can change")
        server.execute(f"UPDATE pg_database SET datcollversion = '0' WHERE datname = '{name}'")
        sentence = only_problem(examined(settings_of(place), "database"))
        for command in (f"REINDEX DATABASE {name}", f"ALTER DATABASE {name} REFRESH COLLATION"):
            assert command in sentence
        server.execute(f"ALTER DATABASE {name} REFRESH COLLATION VERSION")
        assert verdicts(examined(settings_of(place), "database")) == ["fine"]


# Connections


def test_connections(place: Place) -> None:
    """A few workers fit into each database; SQLite has no limit."""
    [found] = examined(settings_of(place), "connections")
    assert found.verdict == "fine"
    assert place.database is None or "needs 32 at most" in found.sentence


def test_more_workers_than_the_database_admits(tmp_path: Path) -> None:
    """The server, the database and the role each have a limit; the least counts, and may be met exactly."""
    with ExitStack() as stack:
        place = place_for("postgres", tmp_path / "data", stack)
        settings = settings_of(place)
        open_service(settings).close()
        server = postgres_server()
        [(most,)] = server.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
            " - coalesce(current_setting('reserved_connections', true)::int, 0)"
        )
        assert verdicts(examined(settings, "connections", workers=most // 16)) == ["fine"]
        sentence = only_problem(examined(settings, "connections", workers=most // 16 + 1))
        assert f"admits {most} for all machines" in sentence
        assert "ALBUMCORE_WORKERS" in sentence
        name = server.execute("SELECT datname FROM pg_database ORDER BY oid DESC LIMIT 1")[0][0]
        server.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 31")
        assert "admits 31 for all" in only_problem(examined(settings, "connections", workers=2))
        assert verdicts(examined(settings, "connections", workers=1)) == ["fine"]
        server.execute("ALTER ROLE albumcore CONNECTION LIMIT 30")
        try:
            sentence = only_problem(examined(settings, "connections", workers=2))
        finally:
            server.execute("ALTER ROLE albumcore CONNECTION LIMIT -1")
        assert "admits 30 for all" in sentence


def test_a_pooler_before_the_database(tmp_path: Path) -> None:
    """It has limits of its own, which the database does not know."""
    with ExitStack() as stack:
        place = place_for("postgres", tmp_path / "data", stack)
        database = PostgresDatabase(str(place.database))
        stack.callback(database.close)
        database.server = evolve(database.server, is_pooled=True)
        found = examination.connections(database, Workers(2, 8, 16))
        assert found.verdict == "left out"


# Clocks


def test_a_clock_that_agrees(place: Place) -> None:
    """It is compared with that of the database server, where there is one."""
    assert verdicts(examined(settings_of(place), "clock")) == ["fine"]


@pytest.mark.parametrize(("minutes", "where"), [(10, "ahead of"), (-10, "behind")])
def test_a_wrong_clock_beside_a_database_server(minutes: int, where: str, tmp_path: Path) -> None:
    """It says by how much, and in which direction."""
    with ExitStack() as stack:
        place = place_for("postgres", tmp_path / "data", stack)
        open_service(settings_of(place)).close()
        found = examined(
            settings_of(place), "clock", clock=lambda: utc_now() + timedelta(minutes=minutes)
        )
        assert f" minutes {where} that of the database server: " in only_problem(found)


def test_an_event_of_a_later_time(place: Place) -> None:
    """It was recorded while a clock was ahead; here, this clock is behind."""
    now = datetime(2030, 6, 1, 12, tzinfo=UTC)
    service = open_service(settings_of(place), clock=lambda: now)
    service.albums.handle(
        album_stream(AlbumId("Q7bZ2mP0xT")), create_album, Source(UserId("alice")), "Cases"
    )
    service.close()
    found = examined(settings_of(place), "clock", clock=lambda: now - timedelta(hours=3))
    assert any("newest event of an album" in each.sentence for each in found)
    assert any("3 hours ahead" in each.sentence for each in found)
    found = examined(settings_of(place), "clock", clock=lambda: now)
    assert not any("newest event" in each.sentence for each in found)
