"""The store in an SQLite file: it stays, it is shared, and what is acknowledged is on the disk."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from albumcore import Albumcore, StoreOptions, create_album, edit_album
from albumcore.ids import AlbumId
from albumcore.state_cache import StateCache
from albumcore.streams import album_stream
from albumcore.testing import Clock
from albumcore_adapters.sql.sqlite_pool import LOG_BYTES
from albumcore_adapters.store import StoreError, database_of, open_sqlite
from support.given import ALICE
from support.raw import query, tamper

A1, A2 = (album_stream(AlbumId(name)) for name in ("A1", "A2"))
Open = Callable[..., Albumcore]


@pytest.mark.parametrize("name", ["a ?mode=memory.sqlite", "a#b.sqlite", "a%20b é.sqlite"])
def test_a_path_is_a_path(tmp_path: Path, name: str) -> None:
    """Whatever signs are in it."""
    app = open_sqlite(tmp_path / name)
    app.handle(A1, create_album, ALICE, "Knees")
    app.close()
    assert (tmp_path / name).is_file()


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """The store does not make it."""
    with pytest.raises(FileNotFoundError):
        open_sqlite(tmp_path / "nowhere" / "store.sqlite")
    assert not (tmp_path / "nowhere").exists()


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """There are people's comments in it; a file that is there keeps what it allows."""
    path = tmp_path / "store.sqlite"
    open_sqlite(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    open_sqlite(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "settings", [{"busy_seconds": 0}, {"snapshot_every": 0}, {"cache_size": 0}], ids=str
)
def test_settings_out_of_range(tmp_path: Path, settings: StoreOptions) -> None:
    """Are refused, and no store is opened."""
    with pytest.raises(ValueError, match="or more"):
        open_sqlite(tmp_path / "store.sqlite", **settings)


def test_the_process_environment_is_not_listened_to(
    open_file: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would take settings of like names from it."""
    monkeypatch.setenv("ALBUMCORE_SQLITE_DBNAME", "/nowhere/else.sqlite")
    monkeypatch.setenv("IS_SNAPSHOTTING_ENABLED", "n")
    monkeypatch.setenv("COMPRESSOR_TOPIC", "nothing:Here")
    app = open_file(snapshot_every=1)
    app.handle(A1, create_album, ALICE, "Knees")
    assert query(app, "SELECT originator_version FROM stored_snapshots") == [(1,)]


def test_every_append_is_synced(open_file: Open) -> None:
    """A write-ahead log, and full synchronisation: what a command returned for survives a power cut."""
    app = open_file()
    assert query(app, "PRAGMA journal_mode") == [("wal",)]
    assert query(app, "PRAGMA synchronous") == [(2,)]


def test_the_log_does_not_stay_as_long_as_it_once_was(tmp_path: Path, open_file: Open) -> None:
    """Once it was written back to the file, the next write makes it short: the disk may be small."""
    app, log = open_file(), tmp_path / "store.sqlite-wal"
    app.handle(A1, create_album, ALICE, "Knees")
    tamper(app, "CREATE TABLE large (content BLOB)")
    tamper(app, "INSERT INTO large VALUES (zeroblob(?))", 2 * LOG_BYTES)
    assert log.stat().st_size > 2 * LOG_BYTES
    query(app, "PRAGMA wal_checkpoint(RESTART)")
    app.handle(A1, edit_album, ALICE, name="Hips")
    assert log.stat().st_size <= LOG_BYTES


@pytest.mark.parametrize("length", [40, 40_000])
def test_what_was_deleted_is_not_left_in_the_file(
    tmp_path: Path, open_file: Open, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in a page that is still used, nor in one that is free by then, whatever SQLite does by default."""
    connect = sqlite3.connect

    def by_another_default(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **named)
        connection.execute("PRAGMA secure_delete=OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", by_another_default)
    app, file = open_file(), tmp_path / "store.sqlite"
    text = f"Ana Núñez {'x' * length}"
    tamper(app, "INSERT INTO directory_person (sub, name) VALUES ('a', ?), ('b', 'Ben')", text)
    tamper(app, "DELETE FROM directory_person WHERE sub = 'a'")
    app.close()
    assert b"Ben" in file.read_bytes()
    assert "Núñez".encode() not in file.read_bytes()
    assert not file.with_name("store.sqlite-wal").exists()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at" * 10)
    with pytest.raises(StoreError):
        open_sqlite(path)
    assert path.read_text().startswith("not a database")


def test_a_backup_that_is_restored_under_an_open_store(tmp_path: Path, open_file: Open) -> None:
    """The cached state is of a history that is gone: it is dropped, and the next event follows the last."""
    app = open_file()
    app.handle(A1, create_album, ALICE, "Knees")
    with (
        closing(sqlite3.connect(tmp_path / "store.sqlite")) as file,
        closing(sqlite3.connect(tmp_path / "backup.sqlite")) as backup,
    ):
        file.backup(backup)
        for is_looked_at in (True, False):
            for name in ("Hips", "Toes"):
                app.handle(A1, edit_album, ALICE, name=name)
            backup.backup(file)
            if is_looked_at:
                assert app.load(A1).name == "Knees"
                cached = app.states.cached(A1)
                assert cached is not None
                assert cached.version == 1
            app.handle(A1, edit_album, ALICE, name="Heads")
            assert [one.version for one in app.history(A1)] == [1, 2]
            assert app.load(A1).name == "Heads"


def test_a_snapshot_that_is_older_than_the_cached_state(
    open_file: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on from a state before it, without a replay, and the newest one stays cached."""
    app = open_file()
    app.handle(A1, create_album, ALICE, "Knees")
    with database_of(app).read_snapshot():
        assert app.load(A1).name == "Knees"
        for name in ("Hips", "Toes"):
            thread = Thread(target=app.handle, args=(A1, edit_album, ALICE), kwargs={"name": name})
            thread.start()
            thread.join()
        with monkeypatch.context() as without_replay:
            without_replay.setattr(StateCache, "_snapshot", None)
            assert app.load(A1).name == "Knees"
    cached = app.states.cached(A1)
    assert cached is not None
    assert (cached.version, cached.state.name) == (3, "Toes")
    assert app.load(A1).name == "Toes"


def test_a_backup_that_went_on_to_the_same_version_is_told_by_its_time(
    tmp_path: Path, open_file: Open
) -> None:
    """Another event of the same version has replaced the cached one, and differs by its time."""
    clock = Clock()
    app = open_file(clock=clock)
    app.handle(A1, create_album, ALICE, "Knees")
    with (
        closing(sqlite3.connect(tmp_path / "store.sqlite")) as file,
        closing(sqlite3.connect(tmp_path / "backup.sqlite")) as backup,
    ):
        file.backup(backup)
        app.handle(A1, edit_album, ALICE, name="Hips")
        with closing(open_sqlite(tmp_path / "backup.sqlite", clock=clock)) as other:
            clock.now += timedelta(seconds=1)
            other.handle(A1, edit_album, ALICE, name="Toes")
        cached = app.states.cached(A1)
        assert cached is not None
        assert (cached.version, cached.state.name) == (2, "Hips")
        backup.backup(file)
    assert app.load(A1).name == "Toes"
    app.handle(A1, edit_album, ALICE, description="both")
    assert (app.load(A1).name, app.load(A1).description) == ("Toes", "both")
