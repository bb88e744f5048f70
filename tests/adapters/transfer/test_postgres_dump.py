"""Backing up a PostgreSQL database, and restoring it into an empty one, with a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from albumcore import Source, create_album
from albumcore.ids import AlbumId
from albumcore.streams import album_stream
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.sql import postgres_server as postgres_server_seen
from albumcore_adapters.sql.database import rows_of
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.manifest import Manifest
from albumcore_adapters.transfer.restore import restore
from support.backups import (
    agree,
    back_up_service,
    backed_up,
    blob_files,
    restored,
)
from support.copying import quiet
from support.postgres import Contents, empty_database
from support.server import user_of
from support.store_form import make_store

LATER = album_stream(AlbumId("Later00001"))
DERIVED = ("stored_snapshots", "form_of_rows", "unfinished_copy", "operator_note")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A store with the demo, and identities that were generated and not used. Tests do not change it."""
    with empty_database() as url:
        settings = Settings(data=tmp_path_factory.mktemp("source"), database=url)
        make_store(settings, sealed=True)
        with closing(open_service(settings)) as service:
            demo.fill(service)
            service.albums.next_image_id()
            service.clinics.add_station("Gone")
            with service.database.transaction(commit=True) as cursor:
                cursor.execute("DELETE FROM directory_station WHERE name = 'Gone'")
        yield settings


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Settings]:
    """An empty database."""
    with empty_database() as url:
        yield Settings(data=tmp_path / "target", database=url)


def from_place(settings: Settings, backup: Path, stage: Any = quiet) -> Manifest:
    """Back up the store of some settings."""
    with closing(open_service(settings)) as service:
        return back_up_service(service, backup, stage)


def tables(settings: Settings) -> Mapping[str, list[bytes]]:
    """The rows of every table, in any order."""
    assert settings.database is not None
    found = Contents.of(settings.database).rows
    return {
        name: sorted(content.splitlines()) for name, content in found.items() if name not in DERIVED
    }


def after_the_first(stage: str, do: Callable[[], object]) -> Any:
    """Shows nothing, and runs a function after the first report of a stage."""

    @contextmanager
    def shown(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        def tell(done: int) -> None:
            if (what, done) == (stage, 1):
                do()

        yield tell

    return shown


def test_there_and_back(source: Settings, target: Settings, tmp_path: Path) -> None:
    """Every row and every image comes back, and identity columns continue where they were."""
    manifest = from_place(source, tmp_path / "backup")
    assert restore(target, tmp_path / "backup", quiet, []).manifest == manifest
    assert tables(target) == tables(source)
    given = []
    for settings in (source, target):
        with closing(open_service(settings)) as service:
            assert service.albums.verify(service.image_bytes.check) == []
            history = service.albums.follow()
            assert (len(history), history[-1][0]) == (manifest.events, manifest.position)
            rows = rows_of(service.database, "SELECT blob FROM directory_stored_instance")
            assert len(list(service.blobs.digests())) == manifest.blobs == 4 + len(rows)
            if settings is target:
                ada = Source(user_of(service, demo.ADA))
                service.albums.handle(LATER, create_album, ada, "Later")
                assert service.albums.follow(manifest.position)[0][0] > manifest.position
            given.append((service.albums.next_image_id(), service.clinics.add_station("Next")))
            with service.database.transaction(commit=True) as cursor:
                cursor.execute("DELETE FROM directory_station WHERE name = 'Next'")
    assert given[0] == given[1]


def test_what_is_read_is_of_one_moment(source: Settings, tmp_path: Path) -> None:
    """The dump is of one snapshot: writes after the first table are in none of the others, and in no count."""
    with empty_database() as url, empty_database() as other:
        settings = Settings(data=tmp_path / "source", database=url)
        with closing(open_service(settings)) as service:
            demo.fill(service)
        before = tables(settings)

        def write() -> None:
            with closing(open_service(settings)) as service:
                service.people.register("later")
                service.albums.handle(LATER, create_album, Source("later"), "Later")  # type: ignore[arg-type] # a sub

        from_place(settings, tmp_path / "backup", after_the_first("copying tables", write))
        assert tables(settings) != before
        restore(Settings(data=tmp_path / "new", database=other), tmp_path / "backup", quiet, [])
        assert tables(Settings(data=tmp_path / "new", database=other)) == before


def test_a_table_may_take_long(
    source: Settings, target: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table is copied by one statement without a timeout, in both directions."""
    told: list[str] = []
    with closing(open_service(source)) as service:

        def request() -> None:
            with service.database.transaction(commit=False) as cursor:
                cursor.execute("SHOW statement_timeout")
                told.extend(row["statement_timeout"] for row in cursor.fetchall())

        back_up_service(service, tmp_path / "backup", after_the_first("copying tables", request))
    assert told == ["0"]

    def linger() -> None:
        with psycopg.connect(str(target.database)) as connection:
            connection.execute(
                "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$"
            )
            connection.execute(
                "CREATE TRIGGER linger AFTER INSERT ON directory_study FOR EACH STATEMENT "
                "EXECUTE FUNCTION linger()"
            )

    monkeypatch.setattr(postgres_server_seen, "STATEMENT_SECONDS", -29.5)
    restore(target, tmp_path / "backup", after_the_first("copying image bytes", linger), [])
    assert tables(target) == tables(source)


def test_a_store_that_does_not_verify(tmp_path: Path) -> None:
    """Nothing is left of the backup."""
    with empty_database() as url:
        settings = Settings(data=tmp_path / "data", database=url)
        with closing(open_service(settings)) as service:
            demo.fill(service)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE album_row SET name = 'Other'")
        with pytest.raises(BackupDamaged, match="in the index, not in the history"):
            from_place(settings, tmp_path / "backup")
        assert not (tmp_path / "backup").exists()


def test_a_database_that_is_not_empty(source: Settings, tmp_path: Path) -> None:
    """It is refused and not changed."""
    from_place(source, tmp_path / "backup")
    before = tables(source)
    with pytest.raises(TransferRefused, match="name an empty database"):
        restore(source, tmp_path / "backup", quiet, [])
    assert tables(source) == before


def forget_a_row(backup: Path) -> None:
    """Delete a row from the dump of a table, and correct the digests."""
    path = backup / "keys" / "directory_account.copy"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    agree(backup)


def rename_a_column(backup: Path) -> None:
    """Make the manifest name an unknown column, which could be any SQL."""
    told = orjson.loads((backup / "manifest.json").read_bytes())["tables"]
    told[1]["columns"][0] = "no column"
    agree(backup, tables=told)


@pytest.mark.parametrize(
    ("damage", "error", "told"),
    [
        (lambda it: next(blob_files(it))[1].unlink(), BackupDamaged, ": missing"),
        (forget_a_row, BackupDamaged, r"directory_account: \d rows, and the manifest says"),
        (lambda it: agree(it, position=1), BackupDamaged, "up to position 1$"),
        (rename_a_column, TransferRefused, r"\.no column$"),
        (lambda it: agree(it, schema=1), TransferRefused, "tables of the backup are of version 1"),
        (lambda it: agree(it, origin="sqlite"), TransferRefused, "albumcore copy"),
    ],
)
def test_a_backup_that_is_not_whole(
    damage: Callable[[Path], object],
    error: type[Exception],
    told: str,
    source: Settings,
    target: Settings,
    tmp_path: Path,
) -> None:
    """After it fails, no command opens the database."""
    from_place(source, tmp_path / "backup")
    damage(tmp_path / "backup")
    with pytest.raises(error, match=told):
        restore(target, tmp_path / "backup", quiet, [])
    with pytest.raises(NoStore):
        open_service(target, must_exist=True)


def test_restored_again_once_the_images_are_there(
    source: Settings, target: Settings, tmp_path: Path
) -> None:
    """A restore that is refused before any row is loaded can be repeated."""
    from_place(source, tmp_path / "backup")
    _, image = next(blob_files(tmp_path / "backup"))
    image.rename(tmp_path / "image")
    with pytest.raises(BackupDamaged, match="missing"):
        restore(target, tmp_path / "backup", quiet, [])
    (tmp_path / "image").rename(image)
    restore(target, tmp_path / "backup", quiet, [])
    assert tables(target) == tables(source)


def test_the_secret(source: Settings, target: Settings, tmp_path: Path) -> None:
    """That of the backup is used only if the data directory has none."""
    with closing(open_service(source)) as service:
        back_up_service(service, tmp_path / "backup", quiet, with_secret=True)
    assert restore(target, tmp_path / "backup", quiet, []).secret == "backup"
    assert (target.data / "secret").read_bytes() == (source.data / "secret").read_bytes()
    (target.data / "secret").write_bytes(bytes(range(32)))
    with empty_database() as url:
        told = restore(Settings(data=target.data, database=url), tmp_path / "backup", quiet, [])
    assert told.secret == "kept"
    assert (target.data / "secret").read_bytes() == bytes(range(32))


def test_a_backup_of_postgresql_is_none_of_sqlite(source: Settings, tmp_path: Path) -> None:
    """`copy` moves a store between database systems."""
    from_place(source, tmp_path / "backup")
    with pytest.raises(TransferRefused, match="albumcore copy"):
        restored(tmp_path / "backup", tmp_path / "data")
    with closing(open_service(Settings(data=tmp_path / "data"))) as service:
        demo.fill(service)
    backed_up(tmp_path / "data", tmp_path / "other")
    with pytest.raises(TransferRefused, match="albumcore copy"):
        restore(source, tmp_path / "other", quiet, [])
