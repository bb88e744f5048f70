"""A store on PostgreSQL behind a pooler, where the next transaction may be on another connection to the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from albumcore import Albumcore, create_album, post_comment
from albumcore.ids import AlbumId
from albumcore.streams import album_stream
from albumcore_adapters.sql.postgres import ConnectionLost
from albumcore_adapters.store import open_postgres
from support.contention import SHARED, SOMEBODY, contend
from support.databases import postgres_of
from support.deep import at_length
from support.given import ALICE
from support.pgbouncer import Pooler, pooler
from support.postgres import empty_database, postgres_server
from support.raw import tamper

A1 = album_stream(AlbumId("A1"))
SERVER_CONNECTIONS = 4
_LEFT = """
SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (
        SELECT oid FROM pg_database WHERE datname = current_database())) AS locks,
    (SELECT count(*) FROM pg_prepared_statements) AS prepared, current_setting('lock_timeout') AS waits,
    current_setting('statement_timeout') AS takes, current_setting('synchronous_commit') AS is_synced
"""


@pytest.fixture(scope="module", params=["transaction", "session"])
def pooled(request: pytest.FixtureRequest) -> Iterator[Pooler]:
    """The server behind a pooler of either kind."""
    size = SERVER_CONNECTIONS if request.param == "transaction" else 4 * SERVER_CONNECTIONS
    with pooler(postgres_server(), request.param, size) as made:
        yield made


@pytest.fixture
def direct_url() -> Iterator[str]:
    """The address of an empty database."""
    with empty_database() as made:
        yield made


@pytest.fixture
def url(pooled: Pooler, direct_url: str) -> str:
    """The address of the same database behind the pooler."""
    return pooled.url(direct_url)


@pytest.fixture
def app(url: str) -> Iterator[Albumcore]:
    """A store behind the pooler."""
    with open_postgres(url, snapshot_every=5) as opened:
        yield opened


def test_a_store_works_behind_a_pooler(app: Albumcore, url: str, direct_url: str) -> None:
    """Commands, reads, numbers, rows made again; and nothing is left on the connections of the server."""
    app.handle(A1, create_album, ALICE, "Knees")
    for number in range(12):
        app.handle(A1, post_comment, ALICE, f"{number}")
        assert app.next_image_id() == number + 1
        assert app.feed(AlbumId("A1"), ALICE.user).total == number + 2
    tamper(app, "UPDATE form_of_rows SET form = 'another'")
    with open_postgres(url) as other, open_postgres(direct_url) as direct:
        with postgres_of(other).read_snapshot():
            assert other.load(A1) == app.load(A1) == direct.load(A1)
        other.rebuild()
        assert other.verify() == []
        assert len(direct.follow(0)) == 13
    database = postgres_of(app)
    for _ in range(3):
        with database.get_connection() as one, database.get_connection() as another:
            for connection in (one, another):
                [row] = connection.execute(_LEFT).fetchall()
                assert tuple(row.values()) == (0, 0, "0", "0", "on")


def test_writers_behind_a_pooler(pooled: Pooler, app: Albumcore, url: str) -> None:
    """Twice as many processes as the server has connections for open the store and write, and none is refused."""
    writers = 2 * SERVER_CONNECTIONS if pooled.mode == "transaction" else 1
    app.handle(SHARED, create_album, SOMEBODY, "Shared")
    written = contend(url, writers, at_length(20, 2))
    assert [one.refused for one in written] == [()] * writers
    assert len(list(app.history(SHARED))) == 1 + sum(one.posted for one in written)
    assert app.verify() == []


def test_who_holds_the_lock_needs_no_further_connection(direct_url: str) -> None:
    """To open a store and to make its rows anew takes two: those who wait for the lock may have all others."""
    with (
        pooler(postgres_server(), size=2, wait=5) as few,
        open_postgres(few.url(direct_url)) as app,
    ):
        app.rebuild()
        tamper(app, "UPDATE form_of_rows SET form = 'another'")
        with open_postgres(few.url(direct_url)) as other:
            assert other.verify() == []


def test_a_connection_lost_behind_a_pooler_keeps_nothing(app: Albumcore) -> None:
    """The server is asked by the number of its own process, and not by that of the pooler."""
    tamper(app, "CREATE TABLE notes (name TEXT)")

    def lose_it() -> None:
        with postgres_of(app).transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO notes VALUES ('lost')")
            cursor.execute("SELECT pg_backend_pid() AS pid")
            [row] = cursor.fetchall()
            postgres_server().execute(f"SELECT pg_terminate_backend({row['pid']}, 10000)")
            cursor.execute("INSERT INTO notes VALUES ('gone')")

    with pytest.raises(ConnectionLost):
        lose_it()
    with postgres_of(app).single_read() as cursor:
        cursor.execute("SELECT count(*) AS number FROM notes")
        assert cursor.fetchall() == [{"number": 0}]


def test_the_first_schema_of_the_search_path_behind_a_pooler(url: str, direct_url: str) -> None:
    """It is where the tables are, whatever search path another client has set on a connection of the server."""
    server, name = postgres_server(), direct_url.split("/")[3].split("?")[0]
    server.execute("CREATE SCHEMA first", name)
    server.execute(f"ALTER DATABASE {name} SET search_path = first, public")
    with open_postgres(url) as app:
        app.handle(A1, create_album, ALICE, "Knees")
        assert postgres_of(app).schema == "first"
        with postgres_of(app).get_connection() as connection:
            connection.execute("SET search_path = public")
        assert app.next_image_id() == 1
        app.handle(A1, post_comment, ALICE, "Hm")
        assert app.verify() == []
