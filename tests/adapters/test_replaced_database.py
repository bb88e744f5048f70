"""A database file that is replaced, removed or damaged under a running service: noticed, told, and not written to."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest
from falcon import testing

from albumcore import Source, create_album
from albumcore.ids import AlbumId, UserId
from albumcore.streams import album_stream
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.store import (
    StoreDamaged,
    StoreError,
    StoreReplaced,
    StoreUnavailable,
    open_memory,
    open_sqlite,
)
from support.databases import sqlite_of
from support.server import bearer

FILE = "albumcore.sqlite"
ALICE = Source(UserId("alice"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An open data directory on SQLite."""
    opened = open_service(Settings(data=tmp_path / "data"))
    yield opened
    opened.close()


@pytest.fixture
def client(service: Service) -> testing.TestClient:
    """Alice, who has one album."""
    client = testing.TestClient(create_app(service), headers=bearer(service, "alice"))
    assert _create(client).status_code == 201
    return client


def _create(client: testing.TestClient) -> testing.Result:
    return client.simulate_post(
        "/albums",
        body="name=Knees",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def _replace(file: Path) -> None:
    """Put a backup in its place, as `mv` does."""
    shutil.copy(file, file.with_name("backup"))
    os.replace(file.with_name("backup"), file)


def _hide(file: Path) -> None:
    """Put a file in the place of its directory."""
    file.parent.rename(file.parent.with_name("elsewhere"))
    file.parent.touch()


WAYS: dict[str, Callable[[Path], object]] = {
    "replaced": _replace,
    "removed": lambda file: file.unlink(),
    "renamed": lambda file: file.rename(file.with_name("elsewhere")),
    "directory renamed": lambda file: file.parent.rename(file.parent.with_name("elsewhere")),
    "directory is a file": _hide,
    "log removed": lambda file: file.with_name(f"{FILE}-wal").unlink(),
    "log replaced": lambda file: _replace(file.with_name(f"{FILE}-wal")),
}


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


@pytest.mark.parametrize("way", WAYS)
def test_replaced_file_is_not_written_to(
    service: Service,
    client: testing.TestClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    """The very next write is 503, and so is health and all else until a restart; the log says it once."""
    file = tmp_path / "data" / FILE
    held = [os.open(one, os.O_RDONLY) for one in (file, f"{file}-wal")]
    try:
        WAYS[way](file)
        before = [_content(one) for one in held]
        with caplog.at_level(logging.ERROR, "albumcore_adapters.sql.sqlite_file"):
            answers = [_create(client), _create(client)]
        assert [one.status_code for one in answers] == [503, 503]
        assert "restart" in answers[0].json["detail"]
        assert [record.getMessage() for record in caplog.records].count(
            "the database file was replaced or removed while it was open: restart the service"
        ) == 1
        health = client.simulate_get("/healthz")
        assert (health.status_code, "restart" in health.json["detail"]) == (503, True)
        assert client.simulate_get("/albums").status_code == 503
        assert [_content(one) for one in held] == before
        if way in ("removed", "renamed"):
            assert not file.exists()  # nor is there a new one
    finally:
        for one in held:
            os.close(one)


def test_symbolic_link_that_leads_elsewhere(tmp_path: Path) -> None:
    """What is open goes on with neither file: half of it would be in the one, and half in the other."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        open_sqlite(tmp_path / name / FILE).close()
    link = tmp_path / "current"
    link.symlink_to("one")
    with closing(open_sqlite(link / FILE)) as store:
        link.unlink()
        link.symlink_to("other")
        with pytest.raises(StoreReplaced):
            store.handle(album_stream(AlbumId("Later00001")), create_album, ALICE, "new")


@pytest.mark.parametrize("is_uri", [True, False])
@pytest.mark.parametrize("name", ["a b", "x#y", "p%20q", "q?r", "\udcff\udcfe"])
def test_file_of_any_name(tmp_path: Path, name: str, is_uri: bool) -> None:
    """It is found again, whether SQLite was told of it by a URI or by its path."""
    path = tmp_path / name
    with closing(SQLiteDatabase(path.as_uri() if is_uri else str(path))) as database:
        with database.transaction(commit=True) as cursor:
            cursor.execute("CREATE TABLE notes (name TEXT)")
        assert (database.trouble(), path.exists()) == (None, True)
        path.unlink()
        assert "restart" in str(database.trouble())


def test_log_that_is_made_anew(service: Service, client: testing.TestClient) -> None:
    """When its last connection is closed, SQLite removes it, and makes another one for the next."""
    database = sqlite_of(service.albums)
    assert _create(client).status_code == 201
    for free in database.connections._idle.values():  # as after errors
        while free:
            database.connections.discard(free.pop())
    if database._version_cursor is not None:
        database._version_cursor.connection.close()
        database._version_cursor = None
    assert not Path(f"{database.connections.file.path}-wal").exists()
    assert database.trouble() is None
    assert _create(client).status_code == 201


def test_restart_after_a_replacement(
    service: Service, client: testing.TestClient, tmp_path: Path
) -> None:
    """A process that opens the file anew serves what it holds."""
    file = tmp_path / "data" / FILE
    sqlite3.connect(file).execute("VACUUM INTO ?", [str(file.with_name("backup"))]).close()
    os.replace(file.with_name("backup"), file)
    assert _create(client).status_code == 503
    service.close()
    for beside in ("-wal", "-shm"):
        file.with_name(f"{FILE}{beside}").unlink(missing_ok=True)
    again = open_service(Settings(data=tmp_path / "data"))
    try:
        restarted = testing.TestClient(create_app(again), headers=bearer(again, "alice"))
        assert _create(restarted).status_code == 201
        assert restarted.simulate_get("/healthz").status_code == 200
        assert len(restarted.simulate_get("/albums").json) == 2
    finally:
        again.close()


def test_file_is_looked_at_between_writes(service: Service, tmp_path: Path) -> None:
    """Answers that are kept, and connections that are opened, notice it as well."""
    database = sqlite_of(service.albums)
    assert database.data_version() is not None
    assert database.trouble() is None
    _replace(tmp_path / "data" / FILE)
    database.connections.commit_counter = None  # as after a hundredth of a second
    assert database.data_version() is None
    with pytest.raises(StoreReplaced), database.transaction(commit=False):
        raise AssertionError("it was opened")  # pragma: no cover


def test_new_connection_to_a_replaced_file(service: Service, tmp_path: Path) -> None:
    """A thread that has none yet is not given one to another file, nor is a file made."""
    database = sqlite_of(service.albums)
    database.connections.acquire(is_writer=False).close()
    (tmp_path / "data" / FILE).unlink()
    with pytest.raises(StoreReplaced), database.transaction(commit=False):
        raise AssertionError("it was opened")  # pragma: no cover
    assert not (tmp_path / "data" / FILE).exists()


def test_file_system_that_does_not_tell(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """That may pass, and it does."""
    database = sqlite_of(service.albums)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as broken:
        broken.setattr(os, "stat", refuse)
        with pytest.raises(StoreUnavailable), database.transaction(commit=True):
            raise AssertionError("it was opened")  # pragma: no cover
        assert database.trouble() is None
    with database.transaction(commit=True):
        assert database.trouble() is None


def test_store_in_memory_has_no_file() -> None:
    """Nothing is looked for."""
    store = open_memory()
    store.next_image_id()
    assert sqlite_of(store).trouble() is None
    store.close()


def test_write_that_replaces_nothing(service: Service, client: testing.TestClient) -> None:
    """VACUUM, and writes of others, leave the file what it is."""
    sqlite3.connect(service.settings.data / FILE, isolation_level=None).execute("VACUUM").close()
    assert _create(client).status_code == 201


# Damage


def _damage(service: Service, table: str) -> None:
    """Close the store, and overwrite the root page of a table."""
    with sqlite_of(service.albums).transaction(commit=False) as cursor:
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
        page = cursor.fetchone()["rootpage"]
        cursor.execute("PRAGMA page_size")
        size = cursor.fetchone()["page_size"]
    service.close()
    with (service.settings.data / FILE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_health_once_the_database_is_known_to_be_damaged(
    service: Service, client: testing.TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that meets damage is 500, and from then on this process is not healthy."""
    _damage(service, "member_row")
    damaged = open_service(Settings(data=service.settings.data))
    try:
        asking = testing.TestClient(create_app(damaged), headers=bearer(damaged, "alice"))
        with caplog.at_level(logging.ERROR, "albumcore_adapters.sql.sqlite_file"):
            answer = asking.simulate_get("/albums")
        assert answer.status_code == 500
        assert answer.json["detail"].startswith("the database is damaged; log id : ")
        assert "the database is damaged" in caplog.text
        health = asking.simulate_get("/healthz")
        assert (health.status_code, health.json["detail"]) == (
            503,
            "the database is damaged: stop the service, and run `albumcore verify`",
        )
    finally:
        damaged.close()


@pytest.mark.parametrize("is_beside", [False, True], ids=["alone", "beside another"])
def test_damage_is_noticed_wherever_it_is_met(service: Service, is_beside: bool) -> None:
    """Also within a transaction that several reads share."""
    database = sqlite_of(service.albums)
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    around = database.read_snapshot() if is_beside else nullcontext()
    with pytest.raises(StoreDamaged), around, database.transaction(commit=False):
        raise error
    assert "damaged" in str(database.trouble())


def test_what_is_no_database_any_more(tmp_path: Path) -> None:
    """A new connection that finds none is told of damage as well."""
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    database = SQLiteDatabase((tmp_path / FILE).as_uri())
    with pytest.raises(StoreError), database.transaction(commit=False):
        raise AssertionError("it was opened")  # pragma: no cover
    assert "damaged" in str(database.trouble())
    database.close()


# No room


def test_full_database_says_so(service: Service, client: testing.TestClient) -> None:
    """503 with the reason, nothing recorded, and a write succeeds once there is room."""
    database = sqlite_of(service.albums)
    before = service.albums.recorder.max_notification_id()
    connection = database.connections.acquire(is_writer=True)
    [size] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={size}")
    database.connections.release(connection, is_writer=True)
    answers: list[testing.Result] = []
    while not answers or answers[-1].status_code == 201:
        answers.append(_create(client))
    assert answers[-1].status_code == 503
    assert answers[-1].json["detail"].startswith("the storage of this service is full")
    assert service.albums.recorder.max_notification_id() == (before or 0) + len(answers) - 1
    assert client.simulate_get("/albums").status_code == 200
    connection.execute("PRAGMA max_page_count=1000000")
    assert _create(client).status_code == 201
