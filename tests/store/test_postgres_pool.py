"""Transactions on PostgreSQL: they behave as those on SQLite do, and say the truth about what was kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import psycopg
import pytest
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)

from albumcore_adapters.sql import postgres_server as found
from albumcore_adapters.sql.postgres import (
    PortableCursor,
    PostgresDatabase,
)
from albumcore_adapters.sql.postgres_pool import connection_settings
from support.pgbouncer import pooler
from support.postgres import empty_database, postgres_server


@pytest.fixture
def url() -> Iterator[str]:
    """The address of an empty database."""
    with empty_database() as made:
        yield made


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    """A database with one table."""
    made = PostgresDatabase(url)
    with made.transaction(commit=True) as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS notes "
            "(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, size INTEGER)"
        )
    yield made
    made.close()


def _names(database: PostgresDatabase) -> list[str]:
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM notes ORDER BY name")
        return [row["name"] for row in cursor.fetchall()]


def _add(database: PostgresDatabase, name: str) -> None:
    with database.transaction(commit=True) as cursor:
        cursor.execute("INSERT INTO notes (name) VALUES (?)", [name])


def _fail_after_a_note(database: PostgresDatabase) -> None:
    with database.transaction(commit=True) as cursor:
        cursor.execute("INSERT INTO notes (name) VALUES ('failed')")
        raise LookupError


def test_statements_for_sqlite_are_understood(database: PostgresDatabase) -> None:
    """Marks of parameters, percent signs, quoted question marks, truth values, sums, and the order of texts."""
    with database.transaction(commit=True) as cursor:
        cursor.executemany(
            "INSERT INTO notes (name, size) VALUES (?, ?)",
            [("b?", True), ("B%", False), ("a", 2**40)],
        )
        assert cursor.rowcount == 3
        cursor.execute(
            "SELECT name FROM notes WHERE name LIKE '_?' OR name LIKE ? ORDER BY 1", ["%\\%"]
        )
        assert [row["name"] for row in cursor.fetchall()] == ["B%", "b?"]
        cursor.execute("SELECT SUM(size) AS total, AVG(size) AS mean FROM notes WHERE number < 3")
        assert cursor.fetchone() == {"total": 1, "mean": 0.5}
        cursor.execute("SELECT name FROM notes ORDER BY name")
        assert [row["name"] for row in cursor.fetchall()] == ["B%", "a", "b?"]


def test_what_is_not_kept_is_undone(database: PostgresDatabase) -> None:
    """Without ``commit``, and on an error."""
    with database.transaction(commit=False) as cursor:
        cursor.execute("INSERT INTO notes (name) VALUES ('read')")
    with pytest.raises(LookupError):
        _fail_after_a_note(database)
    _add(database, "kept")
    assert _names(database) == ["kept"]


def test_a_reader_sees_one_moment(database: PostgresDatabase) -> None:
    """What others keep meanwhile is not seen by the next statement of the same transaction."""
    _add(database, "first")
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT COUNT(*) AS number FROM notes")
        before = cursor.fetchone()
        _add(database, "second")
        cursor.execute("SELECT COUNT(*) AS number FROM notes")
        assert cursor.fetchone() == before
    assert _names(database) == ["first", "second"]


def test_writers_are_serialized_and_see_what_was_committed_before(
    database: PostgresDatabase,
) -> None:
    """Who looks first and then writes is not overtaken between the two."""

    def count_on() -> None:
        for _ in range(25):
            with database.transaction(commit=True) as cursor:
                cursor.execute("SELECT COALESCE(MAX(size), 0) AS last FROM notes")
                [row] = cursor.fetchall()
                cursor.execute("INSERT INTO notes (name, size) VALUES ('n', ?)", [row["last"] + 1])

    writers = [threading.Thread(target=count_on) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT COUNT(DISTINCT size) AS distinct_, MAX(size) AS last FROM notes")
        assert cursor.fetchone() == {"distinct_": 100, "last": 100}


@pytest.mark.parametrize(
    ("statement", "parameters", "error"),
    [
        ("INSERT INTO notes (number, name) VALUES (1, 'x'), (1, 'y')", [], IntegrityError),
        ("INSERT INTO notes (name) VALUES (?)", ["nul \0"], DataError),
        ("SELECT * FROM nothing", [], ProgrammingError),
    ],
    ids=["key", "nul", "table"],
)
def test_errors_are_those_of_every_store(
    database: PostgresDatabase, statement: str, parameters: list[object], error: type[Exception]
) -> None:
    """They are raised where the statement is run, and quote nothing of a row."""
    with database.transaction(commit=False) as cursor:
        cursor.execute("INSERT INTO notes (name) VALUES ('before')")
        with pytest.raises(error) as raised:
            cursor.execute(statement, parameters)
    assert "DETAIL" not in str(raised.value)
    assert _names(database) == []


def test_a_transaction_with_a_failed_statement_is_not_kept(database: PostgresDatabase) -> None:
    """It does not pass for kept, even where the error was caught."""

    def fail_and_go_on() -> None:
        with database.transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO notes (name) VALUES ('before')")
            with pytest.raises(ProgrammingError):
                cursor.execute("SELECT * FROM nothing")

    with pytest.raises(InternalError):
        fail_and_go_on()
    assert _names(database) == []


def test_connections_that_the_server_closed_are_replaced(
    database: PostgresDatabase, url: str
) -> None:
    """After a restart of the server, no transaction gets a dead connection."""
    with (
        database.transaction(commit=False),
        database.transaction(commit=False),
        database.transaction(commit=False),
    ):
        pass
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    _add(database, "after")
    assert _names(database) == ["after"]


def test_a_connection_lost_before_the_end_keeps_nothing(database: PostgresDatabase) -> None:
    """And who asks next gets another one."""

    def lose_it() -> None:
        with database.transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO notes (name) VALUES ('lost')")
            cursor.connection.pgconn.finish()
            cursor.execute("SELECT 1")

    with pytest.raises(PersistenceError):
        lose_it()
    assert _names(database) == []


def test_tables_are_used_by_who_may_not_make_them(database: PostgresDatabase, url: str) -> None:
    """What makes a table or a lookup that is there is passed over; it would be refused."""
    server = postgres_server()
    name = str(connection_settings(url)["dbname"])
    server.execute("DROP ROLE IF EXISTS plain")
    server.execute("CREATE ROLE plain LOGIN")
    server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
    server.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO plain", name)
    plain = PostgresDatabase(server.url(name, "plain"))
    try:
        with plain.transaction(commit=True) as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY)")
            cursor.execute("INSERT INTO notes (number, name) VALUES (1, 'by plain')")
        with pytest.raises(ProgrammingError), plain.transaction(commit=True) as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS others (number INTEGER PRIMARY KEY)")
    finally:
        plain.close()
        server.execute("DROP OWNED BY plain", name)
    assert _names(database) == ["by plain"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file.sqlite",
        "mysql://u:secret@h/d",
        "postgresql://u:secret@h:port/d?nonsense=1",
        "postgresql://u:p@secret@localhost/d",
        "postgresql://u@/d?host=h,secret@h",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(ValueError, match="no address of a PostgreSQL database") as raised:
        PostgresDatabase(url)
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_database_that_is_not_there_is_an_error_of_the_store() -> None:
    """At once, not after waiting for it to come."""
    with pytest.raises(OperationalError):
        PostgresDatabase(postgres_server().url("nowhere"))


@pytest.mark.parametrize("state", ["25006", "25P03", "25P04"])
def test_what_passes_by_itself_may_be_tried_again(database: PostgresDatabase, state: str) -> None:
    """A server that only reads, for another takes over; a transaction that was idle, or took, too long."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END $$"
    with database.transaction(commit=False) as cursor, pytest.raises(OperationalError):
        cursor.execute(raising)


@pytest.fixture(params=["direct", "pooled"])
def impatient(
    request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresDatabase]:
    """A database where no statement may take longer than a tenth of a second, behind a pooler as well."""
    monkeypatch.setattr(found, "STATEMENT_SECONDS", 0.05)
    with ExitStack() as stack:
        if request.param == "pooled":
            url = stack.enter_context(pooler(postgres_server())).url(url)
        made = PostgresDatabase(url, 0.05)
        stack.callback(made.close)
        yield made


def test_a_statement_that_takes_too_long_is_ended(impatient: PostgresDatabase) -> None:
    """By the server; one of a transaction that makes tables may take its time."""
    for begin in (
        impatient.single_read,
        partial(impatient.transaction, commit=False),
        partial(impatient.transaction, commit=True),
    ):
        with pytest.raises(OperationalError, match="statement timeout"), begin() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
    with impatient.transaction(commit=False) as cursor:
        cursor.execute("CREATE TEMP TABLE compared (number INTEGER)")
        cursor.execute("SELECT pg_sleep(0.3)")
    with pytest.raises(OperationalError), impatient.single_read() as cursor:
        cursor.execute("SELECT pg_sleep(30)")


def test_statements_of_a_table_that_was_made_anew(database: PostgresDatabase, url: str) -> None:
    """What was prepared for the old one is refused once; its connection is given up, and another one will do."""
    with database.get_connection() as connection:
        cursor = PortableCursor(connection)
        cursor.execute("SELECT * FROM notes", prepare=True)
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("ALTER TABLE notes ADD COLUMN another INTEGER")
        with pytest.raises(OperationalError):
            cursor.execute("SELECT * FROM notes", prepare=True)
        assert connection.closed
    assert _names(database) == []


def test_an_old_server_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is needed of it came with version 13."""
    monkeypatch.setattr(found, "OLDEST_VERSION", 990000)
    with pytest.raises(NotSupportedError, match="13 or later"):
        PostgresDatabase(url)


@pytest.mark.parametrize(
    ("option", "says"),
    [("ENCODING 'LATIN1' LOCALE 'C'", "UTF-8"), ("", "schema")],
    ids=["encoding", "schema"],
)
def test_a_database_that_cannot_hold_a_store_is_refused(option: str, says: str) -> None:
    """Of another encoding, or without a schema to make tables in."""
    server = postgres_server()
    server.execute(f"CREATE DATABASE unfit TEMPLATE template0 {option}")
    try:
        if not option:
            server.execute("DROP SCHEMA public", "unfit")
        with pytest.raises(NotSupportedError, match=says):
            PostgresDatabase(server.url("unfit"))
    finally:
        server.drop("unfit")


def test_options_of_the_address_reach_the_server(url: str) -> None:
    """The schema that the search path names first is where tables are made."""
    name = str(connection_settings(url)["dbname"])
    postgres_server().execute("CREATE SCHEMA elsewhere", name)
    database = PostgresDatabase(f"{url}&options=-csearch_path%3Delsewhere&application_name=mine")
    try:
        with database.transaction(commit=False) as cursor:
            cursor.execute("SELECT current_setting('application_name') AS name")
            assert cursor.fetchone() == {"name": "mine"}
    finally:
        database.close()
    assert database.schema == "elsewhere"
