"""Restoring a backup: what replaces the data directory, what is refused, and what a crash leaves."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from albumcore import Source, create_album
from albumcore.ids import AlbumId
from albumcore.streams import album_stream
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.secret import SecretError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.restore import restore
from support.backups import (
    agree,
    backed_up,
    blob_files,
    bytes_of,
    contents,
    restore_and_die,
    restored,
)
from support.copying import quiet
from support.deep import at_length
from support.server import opened
from support.store_form import make_store

LATER = album_stream(AlbumId("Later00001"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data directory with the demo, and a backup of it. Tests do not change them."""
    folder = tmp_path_factory.mktemp("restore")
    data, backup = folder / "data", folder / "backup"
    make_store(Settings(data=data), sealed=True)
    with opened(data) as service:
        demo.fill(service)
    backed_up(data, backup)
    return data, backup


@pytest.fixture
def backup(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the backup, which a test may change."""
    return Path(shutil.copytree(made[1], tmp_path / "backup"))


@pytest.fixture
def data(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """The data directory, with changes after the backup."""
    own = Path(shutil.copytree(made[0], tmp_path / "data"))
    write_later(own)
    return own


def write_later(data: Path) -> None:
    """Write what the backup does not contain."""
    with opened(data) as service:
        service.albums.handle(
            LATER, create_album, Source(service.people.register(demo.ADA).id), "Later"
        )
        service.blobs.put(b"an image of later")


def beside(data: Path) -> list[str]:
    """The names of the data directory and of what a restore makes beside it."""
    return sorted(path.name for path in data.parent.iterdir() if path.name.startswith(data.name))


# What takes its place


def test_the_store_is_as_it_was(made: tuple[Path, Path], backup: Path, data: Path) -> None:
    """Changes after the backup are undone; the old data directory still has them."""
    later = contents(data)
    told = restored(backup, data)
    assert contents(data) == contents(made[0])
    assert told.old == data.with_name("data.before-restore")
    assert contents(told.old) == later
    assert beside(data) == ["data", "data.before-restore"]
    with opened(data) as service:
        assert service.albums.verify(service.image_bytes.check) == []
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / DATABASE_FILE).stat().st_mode & 0o777 == 0o600


def test_the_log_of_the_old_database_is_not_applied(
    made: tuple[Path, Path], backup: Path, data: Path
) -> None:
    """The write-ahead log of a killed service remains in the old directory."""
    killed = data.with_name("killed")
    with opened(data) as service:
        service.people.register("in-the-log")
        shutil.copytree(data, killed)
    assert (killed / f"{DATABASE_FILE}-wal").stat().st_size > 0
    restored(backup, killed)
    assert {path.name for path in killed.iterdir()} == {
        DATABASE_FILE,
        "blobs",
        "demo.json",
        "secret",
    }
    assert contents(killed) == contents(made[0])
    with opened(killed.with_name("killed.before-restore")) as service:
        assert service.people.find("in-the-log")


def test_the_database_writes_ahead(backup: Path, tmp_path: Path) -> None:
    """The restored database is in WAL mode, unlike the dump; otherwise readers would wait for writers."""
    restored(backup, tmp_path / "new")
    with closing(sqlite3.connect(tmp_path / "new" / DATABASE_FILE)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("is_there", [False, True])
def test_where_nothing_was(is_there: bool, backup: Path, tmp_path: Path) -> None:
    """Without a data directory, or with an empty one, no old directory is left."""
    new = tmp_path / "far" / "away"
    if is_there:
        new.mkdir(parents=True)
    assert restored(backup, new).old is None
    assert beside(new) == ["away"]
    with opened(new) as service:
        assert service.albums.verify(service.image_bytes.check) == []


def test_the_settings_file_stays(backup: Path, data: Path) -> None:
    """A file of settings in the data directory is not of the backup, and is in the new directory as before."""
    (data / "albumcore.toml").write_text("workers = 3\n")
    restored(backup, data)
    assert (data / "albumcore.toml").read_text() == "workers = 3\n"


def test_a_symbolic_link_stays(backup: Path, data: Path, tmp_path: Path) -> None:
    """The directory that it points to is replaced."""
    link = tmp_path / "link"
    link.symlink_to(data)
    assert restored(backup, link).old == data.with_name("data.before-restore")
    assert link.is_symlink()
    assert beside(data) == ["data", "data.before-restore"]


def test_index_rows_of_another_release(backup: Path, tmp_path: Path) -> None:
    """They are rebuilt from the events, as when a service opens the store."""
    with closing(sqlite3.connect(backup / DATABASE_FILE)) as connection:
        connection.execute("UPDATE form_of_rows SET form = 'other'")
        connection.execute("DELETE FROM album_row")
        connection.commit()
    agree(backup)
    restored(backup, tmp_path / "new")
    with opened(tmp_path / "new") as service:
        assert service.albums.verify() == []


def test_images_at_a_place_of_their_own(backup: Path, tmp_path: Path) -> None:
    """Images outside of the data directory are added to the existing ones."""
    images = tmp_path / "images"
    with opened(tmp_path / "other") as service:
        digest = service.blobs.put(b"of others")
    shutil.copytree(tmp_path / "other" / "blobs", images)
    restored(backup, tmp_path / "new", blobs=f"file://{images}")
    assert not (tmp_path / "new" / "blobs").exists()
    names = {path.parent.name + path.name for path in images.glob("*/*")}
    assert names == {digest, *(one for one, _ in blob_files(backup))}


def test_images_and_secret_named_within_the_data_directory(backup: Path, data: Path) -> None:
    """Paths inside the data directory are valid after it is replaced."""
    shutil.move(data / "blobs", data / "of images")
    (data / "keys").mkdir()
    shutil.move(data / "secret", data / "keys" / "own")
    before = (data / "keys" / "own").read_bytes()
    named = Settings(
        data=data,
        blobs=(data / "of images").as_uri(),
        secret_file=data / "keys" / "own",
    )
    restore(named, backup, quiet, [])
    with closing(open_service(named, must_exist=True)) as service:
        assert service.albums.verify(service.image_bytes.check) == []
        assert service.secret == before
    assert not (data / "blobs").exists()


def test_damaged_images_at_a_place_of_their_own(backup: Path, tmp_path: Path) -> None:
    """Damaged images are replaced by those of the backup."""
    images = tmp_path / "images"
    shutil.copytree(backup / "blobs", images)
    damaged = min(images.glob("*/*"))
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    restored(backup, tmp_path / "new", blobs=f"file://{images}")
    assert [path.read_bytes() for path in sorted(images.glob("*/*"))] == [
        path.read_bytes() for path in sorted((backup / "blobs").glob("*/*"))
    ]


# The secret


def test_the_secret_of_a_backup(made: tuple[Path, Path], data: Path, tmp_path: Path) -> None:
    """It replaces the existing one."""
    backed_up(made[0], tmp_path / "with", with_secret=True)
    (data / "secret").write_bytes(bytes(range(32)))
    assert restored(tmp_path / "with", data).secret == "backup"
    assert (data / "secret").read_bytes() == (made[0] / "secret").read_bytes()
    assert (data / "secret").stat().st_mode & 0o777 == 0o600


def test_the_secret_that_is_there(backup: Path, data: Path) -> None:
    """It is kept if the backup has none, so tokens remain valid."""
    (data / "secret").write_bytes(bytes(range(32)))
    assert restored(backup, data).secret == "kept"
    assert (data / "secret").read_bytes() == bytes(range(32))


def test_no_secret(backup: Path, tmp_path: Path) -> None:
    """A new one is made if there is neither."""
    assert restored(backup, tmp_path / "new").secret == "new"
    assert (tmp_path / "new" / "secret").stat().st_size == 32


def test_a_secret_in_a_file_of_its_own(
    made: tuple[Path, Path], backup: Path, tmp_path: Path
) -> None:
    """A secret outside of the data directory is not changed."""
    secret = made[0] / "secret"
    assert restored(backup, tmp_path / "new", secret_file=secret).secret == "kept"
    assert not (tmp_path / "new" / "secret").exists()


def test_a_secret_that_others_could_read(
    made: tuple[Path, Path], data: Path, tmp_path: Path
) -> None:
    """The restore is refused, and the store is not changed."""
    backed_up(made[0], tmp_path / "with", with_secret=True)
    (tmp_path / "with" / "secret").chmod(0o640)
    before = bytes_of(data)
    with pytest.raises(SecretError, match="chmod 600"):
        restored(tmp_path / "with", data)
    assert (bytes_of(data), beside(data)) == (before, ["data"])


# What is no whole backup


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file, without changing hard links to it."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o600)


def an_image(backup: Path) -> Path:
    """The file of one image."""
    return next(path for _, path in blob_files(backup))


DAMAGES: Mapping[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "database": (
        lambda it: flip(it / DATABASE_FILE),
        BackupDamaged,
        "albumcore.sqlite: .* changed",
    ),
    "no database": (lambda it: (it / DATABASE_FILE).unlink(), BackupDamaged, "No such file"),
    "list": (lambda it: flip(it / "blobs.txt"), BackupDamaged, "blobs.txt: its content"),
    "image": (lambda it: flip(an_image(it)), BackupDamaged, "image bytes .* changed"),
    "no image": (lambda it: an_image(it).unlink(), BackupDamaged, "image bytes .*: missing"),
    "no manifest": (lambda it: (it / "manifest.json").unlink(), TransferRefused, "is no backup"),
    "no backup": (shutil.rmtree, TransferRefused, "is no backup"),
    "newer": (lambda it: agree(it, version=3), TransferRefused, "is of version 3"),
    "keys": (lambda it: flip(it / "keys" / DATABASE_FILE), BackupDamaged, "keys/.* changed"),
    "no keys": (lambda it: shutil.rmtree(it / "keys"), TransferRefused, "its archive of keys"),
    "of PostgreSQL": (lambda it: agree(it, origin="postgresql"), TransferRefused, "albumcore copy"),
    "not JSON": (
        lambda it: (it / "manifest.json").write_bytes(b"{"),
        BackupDamaged,
        "manifest.json: it cannot be read",
    ),
    "no object": (
        lambda it: (it / "manifest.json").write_bytes(b"[]"),
        BackupDamaged,
        "manifest.json: it cannot be read",
    ),
    "unknown origin": (lambda it: agree(it, origin="?"), BackupDamaged, "cannot be read"),
    "fewer events": (lambda it: agree(it, events=31), BackupDamaged, "the manifest says 31"),
    "another position": (lambda it: agree(it, position=33), BackupDamaged, "to position 33"),
}


@pytest.mark.parametrize("is_linked", [True, False])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup(
    damage: str, is_linked: bool, backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error lists the problems, the store is not changed, and nothing is left beside it."""
    change, error, told = DAMAGES[damage]
    change(backup)
    if not is_linked:
        monkeypatch.setattr(os, "link", lambda source, target: os.stat("/nowhere"))
    before = bytes_of(data)
    with pytest.raises(error, match=told):
        restored(backup, data)
    assert (bytes_of(data), beside(data)) == (before, ["data"])
    with opened(data) as service:
        assert service.albums.verify(service.image_bytes.check) == []


def test_a_backup_that_does_not_verify(backup: Path, data: Path) -> None:
    """A store that does not verify is refused even if all digests match."""
    with closing(sqlite3.connect(backup / DATABASE_FILE)) as connection:
        connection.execute("UPDATE stored_events SET state = '{}' WHERE notification_id = 5")
        connection.commit()
    agree(backup)
    before = bytes_of(data)
    with pytest.raises(BackupDamaged, match="cannot be read"):
        restored(backup, data)
    assert (bytes_of(data), beside(data)) == (before, ["data"])


# When it does not


def test_under_an_open_store(backup: Path, data: Path) -> None:
    """A restore under a running service is refused: it would continue to write to the old directory."""
    with opened(data) as service:
        before = bytes_of(data)
        with pytest.raises(TransferRefused, match="has the store open: stop it first"):
            restored(backup, data)
        assert (bytes_of(data), beside(data)) == (before, ["data"])
        service.people.register("after")
    restored(backup, data)


def during(stage: str, do: Callable[[], object]) -> Any:
    """Shows nothing, and runs a function when a stage begins."""

    @contextmanager
    def shown(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        if what == stage:
            do()
        yield lambda done: None

    return shown


def test_no_store_is_opened_meanwhile(backup: Path, data: Path) -> None:
    """A service that starts during a restore is refused, with the reason."""

    def start() -> None:
        with pytest.raises(Exception, match="being restored"):
            open_service(Settings(data=data))

    restore(Settings(data=data), backup, during("verifying the events", start), [])
    assert beside(data) == ["data", "data.before-restore"]


def test_two_at_once(backup: Path, data: Path) -> None:
    """The second restore is refused, without effect on the first."""

    def again() -> None:
        with pytest.raises(TransferRefused, match="another restore is under way"):
            restored(backup, data)

    restore(Settings(data=data), backup, during("verifying the events", again), [])
    assert beside(data) == ["data", "data.before-restore"]


def test_another_one_has_just_ended(
    backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The locked directory may have become the data directory meanwhile."""
    lock = fcntl.flock

    def late(descriptor: int, kind: int) -> None:
        monkeypatch.undo()
        data.with_name("data.restoring").rename(data.with_name("elsewhere"))
        lock(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(TransferRefused, match="another restore is under way"):
        restored(backup, data)


@pytest.mark.parametrize(
    ("backup_at", "data_at"),
    [
        ("data.restoring", "data"),
        ("data.restoring/backup", "data"),
        ("data.before-restore", "data"),
        ("data/backup", "data"),
        ("backup", "backup"),
        ("backup", "backup/data"),
    ],
)
def test_a_backup_in_the_way(backup: Path, tmp_path: Path, backup_at: str, data_at: str) -> None:
    """A backup at a place that the restore clears or renames is refused."""
    folder = tmp_path / "folder"
    place = Path(shutil.copytree(backup, folder / backup_at))
    before = bytes_of(place)
    with pytest.raises(TransferRefused, match="move the backup elsewhere"):
        restored(place, folder / data_at)
    assert bytes_of(place) == before
    assert not (place / "data").exists()


def test_the_old_one_of_an_earlier_restore(backup: Path, data: Path) -> None:
    """It may be the only copy of something, so it is not replaced."""
    restored(backup, data)
    before = bytes_of(data)
    with pytest.raises(TransferRefused, match="remove it once it is not needed"):
        restored(backup, data)
    assert (bytes_of(data), beside(data)) == (before, ["data", "data.before-restore"])


def test_where_something_is_mounted(
    backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount point is refused at once; if the system does not report it, before anything is renamed."""
    before = bytes_of(data)
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "ismount", lambda path: path == data)
        with pytest.raises(TransferRefused, match="mounted on"):
            restored(backup, data)

    def busy(source: Path, target: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr("albumcore_adapters.transfer.swap.os.rename", busy)
    with pytest.raises(TransferRefused, match="Device or resource busy"):
        restored(backup, data)
    assert (bytes_of(data), beside(data)) == (before, ["data"])


def test_something_takes_the_place(backup: Path, tmp_path: Path) -> None:
    """A new store that a service made there meanwhile is not replaced."""
    new = tmp_path / "new"
    with pytest.raises(TransferRefused, match="was made at"):
        restore(
            Settings(data=new),
            backup,
            during("verifying the events", lambda: write_later(new)),
            [],
        )
    with opened(new) as service:
        assert service.albums.load(LATER) is not None
    assert beside(new) == ["new"]


# Sudden death


def die(backup: Path, data: Path, renames: int) -> None:
    """Restore in a process that is killed instead of its n-th rename."""
    process = multiprocessing.get_context("spawn").Process(
        target=restore_and_die, args=(backup, data, renames)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_killed_before_the_swap(backup: Path, data: Path, made: tuple[Path, Path]) -> None:
    """The store is unchanged, and the next restore starts over."""
    before = bytes_of(data)
    die(backup, data, 0)
    assert (bytes_of(data), beside(data)) == (before, ["data", "data.restoring"])
    with opened(data) as service:
        assert service.albums.verify(service.image_bytes.check) == []
    restored(backup, data)
    assert beside(data) == ["data", "data.before-restore"]
    assert contents(data) == contents(made[0])


@pytest.mark.parametrize("is_made", [False, True])
def test_killed_between_the_renames(
    is_made: bool, backup: Path, data: Path, made: tuple[Path, Path]
) -> None:
    """The old directory is complete. No service makes an empty store, and the next restore renames it back."""
    later = contents(data)
    die(backup, data, 1)
    assert beside(data) == ["data.before-restore", "data.restoring"]
    if is_made:
        data.mkdir()
    for must_exist in (False, True):
        with pytest.raises(NoStore, match="a restore was cut off between two renames"):
            open_service(Settings(data=data), must_exist=must_exist)
    assert not data.exists() or not os.listdir(data)
    told = restored(backup, data)
    assert contents(data) == contents(made[0])
    assert told.old is not None
    assert contents(told.old) == later


def test_killed_after_the_swap(backup: Path, data: Path, made: tuple[Path, Path]) -> None:
    """The restore is complete."""
    die(backup, data, 2)
    assert beside(data) == ["data", "data.before-restore"]
    assert contents(data) == contents(made[0])


def test_killed_at_any_moment(backup: Path, data: Path, made: tuple[Path, Path]) -> None:
    """There is always one complete store, and the next restore succeeds."""
    later, wanted = contents(data), contents(made[0])
    random, new = Random(), data.with_name("data.restoring")
    for _ in range(at_length(60, 3)):
        process = multiprocessing.get_context("spawn").Process(
            target=restore_and_die, args=(backup, data, 9)
        )
        process.start()
        while process.is_alive() and not new.exists():
            time.sleep(0.001)
        process.join(random.uniform(0, 0.3))
        process.kill()
        process.join()
        old = data.with_name("data.before-restore")
        if old.exists():
            assert contents(old) == later
            if data.exists():
                assert contents(data) == wanted
                shutil.rmtree(data)
            old.rename(data)
        assert contents(data) == later
    assert restored(backup, data).old is not None
    assert contents(data) == wanted


def test_a_stage_that_fails_leaves_nothing(backup: Path, data: Path) -> None:
    """An exception, such as an interrupt by the user, leaves no directory."""

    def stop() -> None:
        raise KeyboardInterrupt

    before = bytes_of(data)
    with pytest.raises(KeyboardInterrupt):
        restore(Settings(data=data), backup, during("verifying the events", stop), [])
    assert (bytes_of(data), beside(data)) == (before, ["data"])
