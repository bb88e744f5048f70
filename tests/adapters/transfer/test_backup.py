"""Backing up a data directory: the content of a backup, and what is not a complete one."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from albumcore import ImageAdded, RecordedEvent, utc_now
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import DirectoryBlobs
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from albumcore_adapters.transfer import blobs, sqlite_dump
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.manifest import Manifest
from support.backups import (
    back_up_service,
    backed_up,
    blob_files,
    contents,
    restored,
)
from support.copying import quiet
from support.deep import at_length
from support.s3 import S3, blobs_at, reached, serving_s3
from support.server import opened
from support.store_form import make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the demo. Tests do not change it."""
    data = tmp_path_factory.mktemp("backup") / "data"
    make_store(Settings(data=data), sealed=True)
    with opened(data) as service:
        demo.fill(service)
    return data


@pytest.fixture
def own(store: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may change."""
    return Path(shutil.copytree(store, tmp_path / "own"))


def run_sql(file: Path, *statements: str) -> None:
    """Change a database file without albumcore."""
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_backup_holds_all_that_a_store_needs(own: Path, tmp_path: Path) -> None:
    """Restored elsewhere, it is the same store: every event at its position, every row, every image."""
    (own / "blobs" / "00").mkdir(exist_ok=True)
    (own / "blobs" / "00" / ("0" * 62)).write_bytes(b"of no event")
    backup, new = tmp_path / "backup", tmp_path / "new"
    begun = utc_now()
    manifest = backed_up(own, backup)
    restored(backup, new)
    (own / "blobs" / "00" / ("0" * 62)).unlink()
    assert contents(new) == contents(own)
    events = contents(own)["stored_events"]
    images: dict[str, bytes] = dict(contents(own)["blobs"])
    assert (manifest.events, manifest.position) == (len(events), events[-1][0])
    assert manifest.blobs == len(images)
    assert manifest.blob_bytes == sum(len(one) for one in images.values())
    assert begun <= manifest.made_at <= utc_now()
    assert Manifest.read(backup) == manifest
    with opened(new) as service:
        assert demo.fill(service) == demo.fill(service)
        assert len(service.albums.follow()) == len(events)


def test_nothing_of_an_open_database_goes_along(own: Path, tmp_path: Path) -> None:
    """Lock files and deleted content are left out; the content of the write-ahead log is included."""
    with opened(own) as service:
        service.people.register("stays", "stays-in-the-log@clinic.example")
        service.people.register("gone", "gone-for-ever@clinic.example")
        run_sql(own / DATABASE_FILE, "DELETE FROM directory_person WHERE sub = 'gone'")
        back_up_service(service, tmp_path / "backup", quiet)
    names = {path.name for path in (tmp_path / "backup").iterdir()}
    assert names == {DATABASE_FILE, "blobs", "blobs.txt", "demo.json", "keys", "manifest.json"}
    events, keys = (
        (tmp_path / "backup" / name / DATABASE_FILE).read_bytes() for name in ("", "keys")
    )
    assert (b"gone-for-ever" in events, b"stays-in-the-log" in events) == (False, False)
    assert (b"gone-for-ever" in keys, b"stays-in-the-log" in keys) == (False, True)


def test_a_backup_is_for_its_owner_alone(store: Path, tmp_path: Path) -> None:
    """Directory and files have private modes, whatever the umask, and files also in a directory with an open mode."""
    (tmp_path / "of others").mkdir()
    umask = os.umask(0)
    try:
        for name in ("backup", "of others"):
            backed_up(store, tmp_path / name, with_secret=True)
    finally:
        os.umask(umask)
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    found = [path for path in (tmp_path / "of others").rglob("*") if path.is_file()]
    assert len(found) > 4
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}


def test_a_relative_path(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both directories may be relative paths."""
    monkeypatch.chdir(tmp_path)
    made = backed_up(own.relative_to(tmp_path), Path("backup"))
    assert restored(Path("backup"), Path("restored")).manifest == made


# Image bytes


def nothing_can_be_linked(source: object, target: object) -> None:
    """Hard links fail, as between file systems."""
    raise OSError(18, "Invalid cross-device link")


def test_image_bytes_are_linked_within_a_file_system(own: Path, tmp_path: Path) -> None:
    """Files that other users can write or read are copied instead."""
    (of_others, path), *rest = blob_files(own)
    path.chmod(0o644)
    backed_up(own, tmp_path / "backup")
    found = dict(blob_files(tmp_path / "backup"))
    assert found[of_others].stat().st_nlink == 1
    assert found[of_others].read_bytes() == path.read_bytes()
    assert rest
    assert all(path.samefile(found[digest]) for digest, path in rest)


def test_image_bytes_are_not_linked_into_a_directory_of_others(own: Path, tmp_path: Path) -> None:
    """Users who can write to the directory could replace the files, so these are at least copies."""
    target = DirectoryBlobs(tmp_path / "target")
    target.path.chmod(0o777)
    wanted = [(digest, path.stat().st_size) for digest, path in blob_files(own)]
    blobs.copy_listed(wanted, DirectoryBlobs(own / "blobs"), target, lambda done: None)
    found = list((tmp_path / "target").glob("*/*"))
    assert [path.stat().st_nlink for path in found] == [1] * len(wanted)


@pytest.mark.parametrize("is_linked", [True, False])
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(b"x" * path.stat().st_size), "changed"),
        (lambda path: path.write_bytes(b"shorter"), "changed"),
    ],
)
def test_damaged_image_bytes_end_a_backup(
    damage: Callable[[Path], object],
    told: str,
    is_linked: bool,
    own: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error names the digests, and nothing is left of the backup."""
    if not is_linked:
        monkeypatch.setattr(os, "link", nothing_can_be_linked)
    (first, path), _, (second, other), *_ = blob_files(own)
    damage(path)
    damage(other)
    with pytest.raises(BackupDamaged) as ended:
        backed_up(own, tmp_path / "backup")
    lines = str(ended.value).splitlines()
    assert [line.split()[2] for line in lines] == [f"{first}:", f"{second}:"]
    assert all(told in line for line in lines)
    assert not (tmp_path / "backup").exists()


def test_very_much_damage_is_counted(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred problems are listed, and the others counted."""
    monkeypatch.setattr(blobs, "_MAX_PROBLEMS", 1)
    others = len([*blob_files(own)]) - 1
    shutil.rmtree(own / "blobs")
    with pytest.raises(BackupDamaged, match=rf"^image bytes \w+: missing\nand {others} more$"):
        backed_up(own, tmp_path / "backup")


def test_a_reference_that_is_no_digest(own: Path, tmp_path: Path) -> None:
    """It could be any path, so it is not followed."""
    with opened(own) as service:
        found = [one for _, one in service.albums.follow_only((ImageAdded,), 0, 100)]
    digest = next(one.event.content.digest for one in found if isinstance(one, RecordedEvent))
    run_sql(
        own / DATABASE_FILE,
        f"UPDATE stored_events SET state = CAST(replace(CAST(state AS TEXT), '{digest}', '../x y')"
        " AS BLOB)",
    )
    with opened(own) as service:
        service.albums.rebuild()
    with pytest.raises(BackupDamaged, match=r"'\.\./x y'"):
        backed_up(own, tmp_path / "backup")


@pytest.fixture
def moto() -> Iterator[S3]:
    """A local S3 server."""
    with serving_s3() as server:
        yield server


def test_images_on_s3_stay_there(own: Path, tmp_path: Path, moto: S3) -> None:
    """The backup lists them, and a restore checks that they exist before it changes anything."""
    bucket, backup, new = moto.bucket(), tmp_path / "backup", tmp_path / "new"
    images = dict(blob_files(own))
    with reached(moto.address):
        place = f"s3://{bucket}/of/albums"
        there = blobs_at(moto.address, bucket, "of/albums", seconds=60)
        for path in images.values():
            there.put(path.read_bytes())
        shutil.rmtree(own / "blobs")
        with closing(open_service(Settings(data=own, blobs=place))) as service:
            manifest = back_up_service(service, backup, quiet)
            assert (manifest.blobs, manifest.blobs_at) == (len(images), place)
            assert not (backup / "blobs").exists()
            assert restored(backup, new, blobs=place).manifest == manifest
            lost = min(images)
            there.remove(lost, utc_now().replace(year=9000))
            with pytest.raises(BackupDamaged, match=f"^image bytes {lost}: missing$"):
                back_up_service(service, tmp_path / "other", quiet)
        with pytest.raises(BackupDamaged, match=f"^image bytes {lost}: missing$"):
            restored(backup, tmp_path / "third", blobs=place)
        assert not (tmp_path / "third").exists()


def test_images_of_a_directory_to_s3(own: Path, tmp_path: Path, moto: S3) -> None:
    """Images in a backup are copied to the bucket of the settings."""
    bucket, backup = moto.bucket(), tmp_path / "backup"
    backed_up(own, backup)
    with reached(moto.address):
        restored(backup, tmp_path / "new", blobs=f"s3://{bucket}")
        with closing(
            open_service(Settings(data=tmp_path / "new", blobs=f"s3://{bucket}"))
        ) as service:
            assert service.albums.verify(service.image_bytes.check) == []
    assert len(moto.keys(bucket)) == len([*blob_files(own)])


# What is no backup


def test_a_backup_that_is_killed(own: Path, tmp_path: Path) -> None:
    """Without its manifest, which is written last, it is not a backup; with it, it is complete."""
    for number in range(at_length(40, 2)):
        backup, new = tmp_path / f"backup-{number}", tmp_path / f"new-{number}"
        process = multiprocessing.get_context("spawn").Process(target=backed_up, args=(own, backup))
        process.start()
        while process.is_alive() and not backup.exists():
            time.sleep(0.001)
        process.join(random.uniform(0, 0.4))
        process.kill()
        process.join()
        if (backup / "manifest.json").exists():
            restored(backup, new)
            assert contents(new) == contents(own)
        else:
            with pytest.raises(TransferRefused, match="not finished"):
                restored(backup, new)
            assert not new.exists()


@pytest.mark.parametrize("last", ["albumcore.sqlite", "blobs.txt", "blobs", "demo.json"])
def test_a_backup_that_has_come_so_far(last: str, store: Path, tmp_path: Path) -> None:
    """A directory without a manifest is not a backup, at any stage."""
    backed_up(store, tmp_path / "backup")
    (tmp_path / "backup" / "manifest.json").rename(tmp_path / "backup" / ".manifest.json")
    names = ["albumcore.sqlite", "blobs.txt", "blobs", "demo.json"]
    for name in names[names.index(last) + 1 :]:
        path = tmp_path / "backup" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(TransferRefused, match="not finished"):
        restored(tmp_path / "backup", tmp_path / "new")


def test_a_directory_that_is_not_empty(store: Path, tmp_path: Path) -> None:
    """It is refused and not changed."""
    (tmp_path / "note").write_text("mine")
    with pytest.raises(TransferRefused, match="is not empty"):
        backed_up(store, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_a_backup_in_the_data_directory(own: Path) -> None:
    """It would be lost together with the store."""
    with pytest.raises(TransferRefused, match="outside of the data directory"):
        backed_up(own, own / "backups" / "today")
    assert not (own / "backups").exists()


def test_a_store_that_does_not_verify(own: Path, tmp_path: Path) -> None:
    """The error lists the problems, and an existing empty directory stays empty."""
    run_sql(own / DATABASE_FILE, "UPDATE album_row SET name = 'Other'")
    (tmp_path / "backup").mkdir()
    with pytest.raises(BackupDamaged, match="in the index, not in the history"):
        backed_up(own, tmp_path / "backup")
    assert list((tmp_path / "backup").iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state)"
            " SELECT 1000, originator_id, originator_version, topic, state FROM removed",
            "not at the positions",
        ),
        (
            "DELETE FROM sqlite_master WHERE name IN"
            " (SELECT name FROM sqlite_master WHERE type = 'index' AND sql > '' LIMIT 1)",
            "never used",
        ),
    ],
)
def test_a_copy_that_is_not_the_database(
    statement: str,
    told: str,
    own: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events at other positions, or damage in the copy only, fail the backup."""
    copy = sqlite_dump._vacuum_into

    def badly(database: SQLiteDatabase, file: Path, progress: Callable[[int], None]) -> None:
        copy(database, file, progress)
        run_sql(
            file,
            "CREATE TEMP TABLE removed AS SELECT * FROM stored_events ORDER BY rowid DESC LIMIT 1",
            "PRAGMA writable_schema = 1",
            "DELETE FROM stored_events WHERE rowid = (SELECT max(rowid) FROM stored_events)"
            if "removed" in statement
            else "SELECT 1",
            statement,
        )

    monkeypatch.setattr(sqlite_dump, "_vacuum_into", badly)
    with pytest.raises(BackupDamaged, match=told):
        backed_up(own, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_progress_is_the_length_of_the_copy(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite reports no progress, so the size of the file is polled."""
    monkeypatch.setattr(sqlite_dump, "_POLL_SECONDS", 0.0001)
    told: list[int] = []
    with opened(own) as service:
        database = service.database
        assert isinstance(database, SQLiteDatabase)
        with sqlite_dump._reported_size(tmp_path / "file", told.append):
            while not told:
                pass
            (tmp_path / "file").write_bytes(b"12345")
            while told[-1] != 5:
                pass
    assert set(told) <= {0, 5}


# The manifest


def test_the_manifest_is_documented(store: Path, tmp_path: Path) -> None:
    """Its format is stable: other programs read it."""
    backed_up(store, tmp_path / "backup")
    told = orjson.loads((tmp_path / "backup" / "manifest.json").read_bytes())
    page = Path(__file__).parents[3] / "docs" / "how-to" / "back-up-and-restore.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in told if f"`{name}`" not in text] == []
    assert told["version"] == 2
