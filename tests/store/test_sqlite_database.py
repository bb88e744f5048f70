"""The SQLite database: one writer at a time, readers beside it, read snapshots and the data version."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    OperationalError,
)

from albumcore_adapters.sql import sqlite
from albumcore_adapters.sql.commit_counter import CommitCounter
from albumcore_adapters.sql.sqlite import SQLiteDatabase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    made = tmp_path / "pool.sqlite"
    connection = sqlite3.connect(made)
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    connection.close()
    return made


@pytest.fixture
def database(path: Path) -> Iterator[SQLiteDatabase]:
    """That database, whose writers wait for up to a second."""
    made = SQLiteDatabase(path.as_uri(), lock_timeout=1)
    yield made
    made.close()


def add(database: SQLiteDatabase, number: int, *others: str) -> None:
    """Write a row, and run other statements after that."""
    with database.transaction(commit=True) as cursor:
        cursor.execute("INSERT INTO t VALUES (?)", (number,))
        for statement in others:
            cursor.execute(statement)


def give_up(database: SQLiteDatabase) -> None:
    """Write a row, and leave the transaction with an error."""
    with suppress(KeyError), database.transaction(commit=True) as cursor:
        cursor.execute("INSERT INTO t VALUES (9)")
        raise KeyError


def numbers(database: SQLiteDatabase) -> list[int]:
    """Read all rows."""
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT n FROM t ORDER BY n")
        return [row["n"] for row in cursor.fetchall()]


def in_a_thread(database: SQLiteDatabase, number: int) -> None:
    """Write a row in another thread, and wait for it."""
    thread = threading.Thread(target=add, args=(database, number))
    thread.start()
    thread.join()


def test_one_writes_at_a_time_and_readers_pass(database: SQLiteDatabase) -> None:
    """The others write after the first has committed; a reader meanwhile sees the state before."""
    waiting = [threading.Thread(target=add, args=(database, number)) for number in (1, 2)]
    with database.transaction(commit=True) as cursor:
        cursor.execute("INSERT INTO t VALUES (0)")
        for thread in waiting:
            thread.start()
        assert numbers(database) == []
    for thread in waiting:
        thread.join()
    assert numbers(database) == [0, 1, 2]


def test_a_writer_waits_for_as_long_as_the_timeout_says(path: Path) -> None:
    """And gives up then, be it another thread or another process that keeps writing."""
    database = SQLiteDatabase(path.as_uri(), lock_timeout=0)
    told: list[type[Exception]] = []

    def refused() -> None:
        try:
            add(database, 1)
        except OperationalError as error:
            told.append(type(error))

    with database.transaction(commit=True):
        thread = threading.Thread(target=refused)
        thread.start()
        thread.join()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        refused()
        other.execute("ROLLBACK")
    other.close()
    assert told == [OperationalError, OperationalError]
    add(database, 1)
    database.close()


@pytest.mark.parametrize("commit", [True, False])
def test_a_connection_that_cannot_be_opened_leaves_everything_as_it_was(
    database: SQLiteDatabase, path: Path, commit: bool
) -> None:
    """The file went away and came back: the next transaction gets a connection, for writing too."""
    away = path.rename(path.with_suffix(".away"))
    path.mkdir()
    for _ in range(3):
        with pytest.raises(InterfaceError), database.transaction(commit=commit):
            pass
    path.rmdir()
    away.rename(path)
    add(database, 1)
    assert numbers(database) == [1]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """An error of the library's family, as every other."""
    path = tmp_path / "notes.txt"
    path.write_text("no database at all" * 100)
    with pytest.raises(InterfaceError):
        numbers(SQLiteDatabase(path.as_uri()))


def test_a_database_that_is_busy_for_too_long(tmp_path: Path) -> None:
    """It may answer if asked again: an error of its own."""
    path = tmp_path / "busy.sqlite"
    holding = sqlite3.connect(path, isolation_level=None)
    holding.execute("CREATE TABLE t (n INTEGER)")
    holding.execute("BEGIN EXCLUSIVE")
    database = SQLiteDatabase(path.as_uri(), lock_timeout=0)
    with pytest.raises(OperationalError):
        add(database, 1)
    holding.execute("ROLLBACK")
    holding.close()
    add(database, 1)
    database.close()


def test_a_writer_tries_often_to_begin(database: SQLiteDatabase, path: Path) -> None:
    """And not by the busy handler of SQLite, which sleeps longer and longer; readers hardly ever wait, and use it."""
    add(database, 1)
    with database.transaction(commit=True) as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 0
    with database.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 1000
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.1, lambda: other.execute("ROLLBACK"))
    ending.start()
    add(database, 2)
    ending.join()
    other.close()
    assert numbers(database) == [1, 2]


def test_a_database_that_is_one_connection_s_own() -> None:
    """In memory, what is written is read by the same connection."""
    database = SQLiteDatabase(":memory:", lock_timeout=1)
    with database.transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    add(database, 1)
    assert numbers(database) == [1]
    database.close()


def synchronous(transaction: AbstractContextManager[sqlite3.Cursor]) -> int:
    """What a transaction waits for; FULL is 2, NORMAL is 1."""
    with transaction as cursor:
        cursor.execute("PRAGMA synchronous")
        return int(cursor.fetchone()[0])


def test_a_commit_has_reached_the_disk(database: SQLiteDatabase) -> None:
    """Said on every connection, also on one that did not wait for it the last time, as was asked."""
    assert synchronous(database.transaction(commit=True)) == 2
    assert synchronous(database.unsynced()) == 1
    with pytest.raises(KeyError), database.unsynced():
        raise KeyError
    assert synchronous(database.transaction(commit=True)) == 2


def test_what_fails_is_undone(database: SQLiteDatabase) -> None:
    """Whatever it fails with, known by the library's names, and the connection is as good as before."""
    add(database, 1)
    for wrong, known in (
        ("INSERT INTO t VALUES (1)", IntegrityError),
        ("INSERT INTO nowhere VALUES (1)", OperationalError),
    ):
        with pytest.raises(known):
            add(database, 2, wrong)
    give_up(database)
    assert numbers(database) == [1]


def test_a_closed_database(database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its data version is unknown."""
    monkeypatch.setattr(sqlite, "_VERSION_SECONDS", 3600)
    assert database.data_version() == database.data_version()
    with database.transaction(commit=False):
        database.close()
    assert database.data_version() is None


def test_a_closed_database_that_is_written_to(database: SQLiteDatabase) -> None:
    """A transaction that is open commits, and no other begins."""
    with database.transaction(commit=True) as cursor:
        database.close()
        cursor.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(InterfaceError):
        numbers(database)
    assert database.data_version() is None


def test_reads_of_a_snapshot_share_one_transaction(database: SQLiteDatabase) -> None:
    """It begins with the first read; blocks may be nested; after the outermost, reads see the present."""
    with database.read_snapshot():
        in_a_thread(database, 1)
        assert numbers(database) == [1]
        with database.read_snapshot():
            in_a_thread(database, 2)
            assert numbers(database) == [1]
        assert numbers(database) == [1]
    assert numbers(database) == [1, 2]


def test_a_write_in_a_read_snapshot_is_seen_by_the_next_read(database: SQLiteDatabase) -> None:
    """The next read begins another transaction; a read that is still going on keeps its snapshot."""
    with database.read_snapshot():
        assert numbers(database) == []
        add(database, 1)
        assert numbers(database) == [1]
        with database.transaction(commit=False) as cursor:
            cursor.execute("SELECT n FROM t UNION ALL SELECT n + 10 FROM t")
            assert cursor.fetchone()["n"] == 1
            add(database, 2)
            assert cursor.fetchone()["n"] == 11
            assert numbers(database) == [1]
        assert numbers(database) == [1, 2]


def test_a_wrong_statement_among_those_read_together(database: SQLiteDatabase) -> None:
    """It is known by the library's name where it happens, and the others go on."""
    with database.read_snapshot():
        assert numbers(database) == []
        with (
            pytest.raises(OperationalError),
            database.transaction(commit=False) as cursor,
        ):
            cursor.execute("SELECT * FROM nowhere")
        assert numbers(database) == []


def test_the_data_version_changes_with_every_commit(database: SQLiteDatabase, path: Path) -> None:
    """At once, in every process; it stays the same after a rollback and after reads."""
    versions = [database.data_version()]
    numbers(database)
    with database.transaction(commit=True):
        pass
    give_up(database)
    assert database.data_version() == versions[0]
    add(database, 1)
    versions.append(database.data_version())
    with closing(SQLiteDatabase(path.as_uri())) as other:
        add(other, 2)
        versions.append(database.data_version())
        with other.unsynced() as cursor:
            cursor.execute("INSERT INTO t VALUES (3)")
        versions.append(database.data_version())
    assert None not in versions
    assert len(set(versions)) == 4


def write_by_another_program(path: Path, number: int) -> None:
    """Write a row as another program does."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO t VALUES (?)", (number,))


def test_the_data_version_changes_with_a_commit_of_another_program(
    database: SQLiteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as the version that was read before is no longer valid."""
    before = database.data_version()
    assert database.data_version() == before
    write_by_another_program(path, 1)
    until = time.monotonic() + 10
    while database.data_version() == before:
        assert time.monotonic() < until
    monkeypatch.setattr(sqlite, "_VERSION_SECONDS", 3600)
    add(database, 2)
    before = database.data_version()
    write_by_another_program(path, 3)
    assert database.data_version() == before


def test_the_data_version_after_a_commit_of_unknown_outcome(
    database: SQLiteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite is asked every time then."""
    monkeypatch.setattr(sqlite, "_VERSION_SECONDS", 3600)
    before = database.data_version()
    CommitCounter(f"{path}-commits").begin()
    assert database.data_version() == before
    write_by_another_program(path, 1)
    assert database.data_version() != before


class Watched:
    """A commit counter that notes how many rows another connection sees at each call."""

    def __init__(self, path: Path) -> None:
        self._other = sqlite3.connect(path)
        self.seen: list[tuple[str, int]] = []

    def begin(self) -> int:
        """A commit begins."""
        self._note("begin")
        return 1

    def end(self, number: int) -> None:
        """It has ended."""
        self._note("end")

    def close(self) -> None:
        """Look no more."""
        self._other.close()

    def _note(self, what: str) -> None:
        [rows] = self._other.execute("SELECT COUNT(*) FROM t").fetchone()
        self.seen.append((what, rows))


def test_a_commit_is_counted_before_it_is_visible_and_again_after(
    database: SQLiteDatabase, path: Path
) -> None:
    """Or a stale entry of a cache could be returned."""
    numbers(database)
    with closing(Watched(path)) as watched:
        database.connections.commit_counter = watched  # type: ignore[assignment]
        add(database, 1)
        assert watched.seen == [("begin", 0), ("end", 1)]


def test_a_commit_while_the_data_version_is_read(
    database: SQLiteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next data version differs."""
    monkeypatch.setattr(sqlite, "_VERSION_SECONDS", 3600)
    database.data_version()
    add(database, 1)
    assert database._version_cursor is not None
    watcher = database._version_cursor
    with closing(SQLiteDatabase(path.as_uri())) as other:

        def slowly(statement: str, asking: sqlite3.Cursor = watcher) -> sqlite3.Cursor:
            told = asking.execute(statement).fetchall()
            add(other, 2)
            database._version_cursor = asking
            return asking.execute(f"SELECT {told[0][0]}")

        database._version_cursor = SimpleNamespace(execute=slowly)  # type: ignore[assignment]
        before = database.data_version()
        assert database.data_version() != before


def test_a_path_that_is_no_utf_8(tmp_path: Path) -> None:
    """It is a path like any other."""
    folder = tmp_path / os.fsdecode(b"d\xff\xe9")
    folder.mkdir()
    with closing(SQLiteDatabase((folder / "a.sqlite").as_uri())) as database:
        with database.transaction(commit=True) as cursor:
            cursor.execute("CREATE TABLE t (n INTEGER)")
        assert numbers(database) == []
    assert (folder / "a.sqlite-commits").exists()


def test_without_a_commit_counter(path: Path) -> None:
    """SQLite is asked every time."""
    Path(f"{path}-commits").mkdir()
    with closing(SQLiteDatabase(path.as_uri())) as database:
        before = database.data_version()
        write_by_another_program(path, 1)
        assert database.data_version() != before
        add(database, 2)
        assert numbers(database) == [1, 2]


def test_in_memory_the_data_version_is_unknown() -> None:
    """Nothing is cached by it; a thread may read in two transactions."""
    database = SQLiteDatabase("file:pool-of-a-test?mode=memory&cache=shared")
    with database.transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE t (n INTEGER)")
    with database.transaction(commit=False):
        assert numbers(database) == []
    assert database.data_version() is None
    database.close()
