"""The connections of a store: writers in a line of their own, readers past them, nothing lost when one fails."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventsourcing.persistence import (
    ConnectionUnavailableError,
    InterfaceError,
    OperationalError,
)

from adapters.store.pool import DurablePool


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    made = tmp_path / "pool.sqlite"
    connection = sqlite3.connect(made)
    connection.execute("CREATE TABLE t (n INTEGER)")
    connection.close()
    return made


@pytest.fixture
def pool(path: Path) -> Iterator[DurablePool]:
    """A pool of connections to it, that waits up to a second."""
    made = DurablePool(db_name=path.as_uri(), lock_timeout=1)
    yield made
    made.close()


def test_one_writes_at_a_time(pool: DurablePool) -> None:
    """The next writer has its turn when the first is done, or gives up."""
    first = pool.get_connection(is_writer=True)
    with pytest.raises(ConnectionUnavailableError):
        pool.get_connection(timeout=0.01, is_writer=True)
    pool.put_connection(first)
    second = pool.get_connection(timeout=0.01, is_writer=True)
    pool.put_connection(second)


def test_a_reader_does_not_queue_behind_writers(pool: DurablePool) -> None:
    """However many wait to write, reading goes on."""
    writing = pool.get_connection(is_writer=True)
    got: list[str] = []

    def write() -> None:
        pool.put_connection(pool.get_connection(is_writer=True))
        got.append("written")

    waiting = [threading.Thread(target=write) for _ in range(2)]
    for thread in waiting:
        thread.start()
    reading = pool.get_connection(timeout=0.5, is_writer=False)
    assert got == []
    pool.put_connection(reading)
    pool.put_connection(writing)
    for thread in waiting:
        thread.join()
    assert got == ["written", "written"]


@pytest.mark.parametrize("is_writer", [True, False, None])
def test_a_connection_that_cannot_be_opened_leaves_the_pool_as_it_was(
    pool: DurablePool, path: Path, is_writer: bool | None
) -> None:
    """The file went away and came back: whoever asks next gets one, for writing too."""
    away = path.rename(path.with_suffix(".away"))
    path.mkdir()
    for _ in range(3):
        with pytest.raises(InterfaceError):
            pool.get_connection(is_writer=is_writer)
    path.rmdir()
    away.rename(path)
    for wanted in (True, False):
        pool.put_connection(pool.get_connection(timeout=0.1, is_writer=wanted))
    assert pool.num_in_use == 0


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """An error of the library's family, as every other."""
    path = tmp_path / "notes.txt"
    path.write_text("no database at all" * 100)
    pool = DurablePool(db_name=path.as_uri(), lock_timeout=1)
    with pytest.raises(InterfaceError):
        pool.get_connection(is_writer=False)
    pool.close()


def test_a_database_that_is_busy_for_too_long(tmp_path: Path) -> None:
    """It may answer if asked again: an error of its own."""
    path = tmp_path / "busy.sqlite"
    holding = sqlite3.connect(path, isolation_level=None)
    holding.execute("CREATE TABLE t (n INTEGER)")
    holding.execute("BEGIN EXCLUSIVE")
    pool = DurablePool(db_name=path.as_uri(), lock_timeout=1)
    with pytest.raises(OperationalError):
        pool.get_connection(is_writer=True)
    holding.execute("ROLLBACK")
    holding.close()
    pool.put_connection(pool.get_connection(is_writer=True))
    pool.close()


def test_a_commit_has_reached_the_disk(pool: DurablePool) -> None:
    """Said on every connection: FULL is 2."""
    connection = pool.get_connection(is_writer=False)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous")
    assert cursor.fetchone()[0] == 2
    pool.put_connection(connection)


def test_what_was_taken_is_given_back_once(pool: DurablePool, path: Path) -> None:
    """Also when the connection that was waited for comes back closed, and no other can be opened."""
    taken = [pool.get_connection(is_writer=False) for _ in range(15)]
    away = path.rename(path.with_suffix(".away"))
    path.mkdir()
    closed = taken.pop()
    closed.close()
    timer = threading.Timer(0.05, pool.put_connection, [closed])
    timer.start()
    with pytest.raises(InterfaceError):
        pool.get_connection(timeout=5, is_writer=False)
    timer.join()
    assert pool._num_readers == len(taken)
    path.rmdir()
    away.rename(path)
    for connection in taken:
        pool.put_connection(connection)
    assert (pool.num_in_use, pool._num_readers) == (0, 0)


def test_waiting_for_a_connection_that_comes_back(path: Path) -> None:
    """All are handed out; the next reader waits for one, and counts once."""
    pool = DurablePool(db_name=path.as_uri(), lock_timeout=5)
    taken = [pool.get_connection(is_writer=False) for _ in range(15)]
    with pytest.raises(ConnectionUnavailableError):
        pool.get_connection(timeout=0.01, is_writer=False)
    timer = threading.Timer(0.05, pool.put_connection, [taken.pop()])
    timer.start()
    taken.append(pool.get_connection(timeout=5, is_writer=False))
    timer.join()
    for connection in taken:
        pool.put_connection(connection)
    assert (pool.num_in_use, pool._num_readers) == (0, 0)
    pool.close()
