"""The store in an SQLite file: it stays, it is shared, and what is acknowledged is on the disk."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.store import StoreError, database_of, open_sqlite
from albumcore import Album, Albumcore
from albumcore.errors import IdTaken
from albumcore.ids import AlbumId, CapabilityTokenId
from albumcore.index import CapabilityTokenRow
from albumcore.streams import album_stream
from support.album import DIGEST, KEY, NO_GRANTS
from support.given import ALICE
from support.raw import query

A1, A2 = (album_stream(AlbumId(name)) for name in ("A1", "A2"))
Open = Callable[..., Albumcore]


def test_the_history_stays_when_the_store_is_closed(open_file: Open) -> None:
    """And with it the rows."""
    first = open_file()
    first.handle(A1, Album.create, ALICE, "Knees")
    first.close()
    second = open_file()
    assert second.load(A1).name == "Knees"
    assert second.feed(AlbumId("A1"), ALICE.user).total == 1


def test_two_who_have_the_file_open_see_each_others_writes(open_file: Open) -> None:
    """At once, also through what they have at hand already."""
    one, other = open_file(), open_file()
    one.handle(A1, Album.create, ALICE, "Knees")
    assert other.load(A1).name == "Knees"
    one.handle(A1, Album.edit, ALICE, name="Hips")
    assert other.load(A1).name == "Hips"
    (edited,) = other.handle(A1, Album.edit, ALICE, name="Ankles")
    assert edited.version == 3
    assert one.load(A1).name == "Ankles"


def test_a_state_that_is_not_at_hand_is_replayed(open_file: Open) -> None:
    """With room for one stream only."""
    app = open_file(cache_size=1)
    for stream in (A1, A2, A1, A2):
        app.handle(stream, Album.post_comment if app.load(stream).members else create, ALICE, "Hm")
    assert [one.version for one in app.history(A1)] == [1, 2]
    assert [one.version for one in app.history(A2)] == [1, 2]


create = Album.create


@pytest.mark.parametrize("name", ["a ?mode=memory.sqlite", "a#b.sqlite", "a%20b é.sqlite"])
def test_a_path_is_a_path(tmp_path: Path, name: str) -> None:
    """Whatever signs are in it."""
    app = open_sqlite(tmp_path / name)
    app.handle(A1, Album.create, ALICE, "Knees")
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
    "settings", [{"retries": -1}, {"snapshot_every": 0}, {"cache_size": 0}], ids=str
)
def test_settings_out_of_range(tmp_path: Path, settings: dict[str, int]) -> None:
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
    app.handle(A1, Album.create, ALICE, "Knees")
    assert query(app, "SELECT originator_version FROM stored_snapshots") == [(1,)]


def test_every_append_is_synced(open_file: Open) -> None:
    """A write-ahead log, and full synchronisation: what a command returned for survives a power cut."""
    app = open_file()
    assert query(app, "PRAGMA journal_mode") == [("wal",)]
    assert query(app, "PRAGMA synchronous") == [(2,)]


def test_events_and_rows_are_written_together_or_not_at_all(open_file: Open) -> None:
    """A row that cannot be takes its event with it."""
    app = open_file()
    for stream in (A1, A2):
        app.handle(stream, Album.create, ALICE, "Knees")
    issue = Album.issue_capability_token
    app.handle(A1, issue, ALICE, KEY, DIGEST, "T", NO_GRANTS)
    with pytest.raises(IdTaken):
        app.handle(A2, issue, ALICE, CapabilityTokenId("other"), DIGEST, "T", NO_GRANTS)
    assert [one.version for one in app.history(A2)] == [1]
    (row,) = app.index.rows(CapabilityTokenRow, {})
    assert (row.stream, row.token_id) == ("album-A1", KEY)
    assert app.verify() == []


def test_writers_at_once_lose_nothing(open_file: Open) -> None:
    """Every acknowledged command is in the stream once, versions 1 to n, image numbers unique."""
    stores = [open_file(retries=200), open_file(retries=200)]
    stores[0].handle(A1, Album.create, ALICE, "Knees")
    acknowledged: list[int] = []
    numbers: list[int] = []

    def write(app: Albumcore) -> None:
        for _ in range(10):
            (posted,) = app.handle(A1, Album.post_comment, ALICE, "Hm")
            acknowledged.append(posted.version)
            numbers.append(app.next_image_id())

    threads = [threading.Thread(target=write, args=(stores[n % 2],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(acknowledged) == list(range(2, 42))
    assert [one.version for one in stores[0].history(A1)] == list(range(1, 42))
    assert sorted(numbers) == list(range(1, 41))
    assert stores[1].verify() == []


def test_the_database_is_there_for_tables_beside_it(open_file: Open) -> None:
    """Others keep theirs in the same file."""
    app = open_file()
    with database_of(app).transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE beside (name TEXT)")
        cursor.execute("INSERT INTO beside VALUES ('x')")
    assert query(app, "SELECT name FROM beside") == [("x",)]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at" * 10)
    with pytest.raises(StoreError):
        open_sqlite(path)
    assert path.read_text().startswith("not a database")
