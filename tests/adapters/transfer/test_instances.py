"""Stored instances are backed up, restored and copied with their keys and bytes; what was erased stays erased."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from attrs import frozen

from albumcore import utc_now
from albumcore_adapters.base.data_directory import ERASURES_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, DirectoryBlobs, open_blobs
from albumcore_adapters.blobs.sealed_files import SealedReader
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.erasure.collecting import collect
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.erasure.erasure_list import read_erasures
from albumcore_adapters.erasure.subjects import erase_study
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.transfer.copy import Copied, copy_store
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.location import Location
from albumcore_adapters.transfer.restore import restore
from albumcore_adapters.transfer.sealed_copy import copy_sealed
from albumcore_adapters.verification import verify
from support.backups import back_up_service
from support.copying import quiet
from support.instances import SERIES, STUDY, store_instance
from support.places import SYSTEMS, place_for
from support.residue import residue_of_directory
from support.s3 import S3, reached, serving_s3
from support.store_form import make_store

SMALL, LARGE = "1.3.7.1.1", "1.3.7.1.2"
CONTENT = {
    SMALL: random.Random(1).randbytes(70_000),
    LARGE: random.Random(2).randbytes(2_500_000),
}
NAME = "Ndiaye^Awa"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """The S3 server of all tests of this file."""
    with serving_s3() as server:
        yield server


@frozen
class Places:
    """Makes places for stores: SQLite and a directory, or PostgreSQL and a bucket."""

    stack: ExitStack
    folder: Path
    s3: S3

    def new(self, system: str, name: str, *, bucket: str | None = None) -> Settings:
        """The settings of a place, with nothing in it, or with a bucket that is there."""
        place = place_for(system, self.folder / name, self.stack)
        if system == "sqlite":
            return Settings(data=place.data)
        blobs = f"s3://{bucket or self.s3.bucket()}"
        return Settings(data=place.data, database=place.database, blobs=blobs)


@pytest.fixture
def places(tmp_path: Path, s3: S3) -> Iterator[Places]:
    """Makes places."""
    with ExitStack() as stack:
        stack.enter_context(reached(s3.address))
        yield Places(stack, tmp_path, s3)


def filled(settings: Settings, *, sealed: bool = True) -> Settings:
    """A store with two instances, one of them large."""
    make_store(settings, sealed=sealed)
    with closing(open_service(settings)) as service:
        for uid, content in CONTENT.items():
            store_instance(service.database, service.blobs, uid, content, patient_name=NAME)
    return settings


def stored(settings: Settings) -> dict[str, bytes]:
    """The instances of a store that is sound: the file of each."""
    assert verify(settings).problems == []
    with closing(open_service(settings)) as service:
        instances = StoredInstances(service.database)
        found = instances.of_series(STUDY, SERIES)
        assert len(instances.headers([SERIES])) == len(found)
        assert (instances.thumbnail(SERIES) is None) == (not found)
        return {
            one.sop_instance_uid: SealedReader(service.blobs, one.blob).read(0, one.blob.length)
            for one in found
            if one.blob is not None
        }


def eraser(service: Service) -> Eraser:
    """What erases in a store."""
    file = service.settings.data / ERASURES_FILE
    return Eraser(service.albums, service.database, utc_now, {}, file)


def location(settings: Settings) -> Location:
    """Where the tables of a store are."""
    if settings.database is not None:
        return Location(url=settings.database)
    return Location(directory=settings.data)


def transferred(source: Settings, target: Settings, *, seal: bool = False) -> Copied:
    """Copy a store with its blobs."""

    def blobs() -> tuple[Blobs, Blobs]:
        return open_blobs(source), open_blobs(target)

    target.data.mkdir(mode=0o700, exist_ok=True)
    copy = copy_sealed if seal else copy_store
    return copy(location(source), location(target), blobs, quiet, utc_now)


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "in clear"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_backup_and_restore(places: Places, system: str, sealed: bool) -> None:
    """The bytes are among those of the backup, or stay in the bucket, and the keys among its keys."""
    source = filled(places.new(system, "store"), sealed=sealed)
    backup = places.folder / "backup"
    with closing(open_service(source)) as service:
        manifest = back_up_service(service, backup)
        assert manifest.blobs == 2
    bucket = None if source.blobs is None else source.blobs.removeprefix("s3://")
    new = places.new(system, "new", bucket=bucket)
    if sealed:
        shutil.move(backup / "keys", places.folder / "keys")
        assert residue_of_directory(backup, {"name": NAME, "file": CONTENT[SMALL]}) == []
        shutil.move(places.folder / "keys", backup / "keys")
    restore(new, backup, quiet, [] if sealed else None)
    assert stored(new) == CONTENT


def test_backup_from_before_instances(places: Places) -> None:
    """A backup of a release without these tables is restored: its keys have none of them."""
    source, backup = places.new("sqlite", "store"), places.folder / "backup"
    make_store(source, sealed=True)
    with closing(open_service(source)) as service:
        manifest = back_up_service(service, backup)
    [keys] = [one.path for one in manifest.keys]
    with closing(sqlite3.connect(backup / keys, isolation_level=None)) as connection:
        for table in ("directory_stored_instance", "directory_header", "directory_thumbnail"):
            connection.execute(f"DROP TABLE {table}")
    manifest.written(backup, [one.path for one in manifest.files], [keys])
    new = places.new("sqlite", "new")
    restore(new, backup, quiet, [])
    assert stored(new) == {}


@pytest.mark.parametrize("system", SYSTEMS)
def test_restore_erases_again(places: Places, system: str) -> None:
    """What was erased since the backup is not in the restored store, nor in its files."""
    source = filled(places.new(system, "store"))
    backup = places.folder / "backup"
    with closing(open_service(source)) as service:
        back_up_service(service, backup)
        erase_study(eraser(service), STUDY)
        collect(service.albums, service.database, service.blobs, utc_now(), 30)
        assert list(service.blobs.digests()) == []
    assert stored(source) == {}
    erasures = read_erasures(source.data / ERASURES_FILE)
    bucket = None if source.blobs is None else source.blobs.removeprefix("s3://")
    new = places.new(system, "new", bucket=bucket)
    restore(new, backup, quiet, erasures)
    assert stored(new) == {}
    assert list(open_blobs(new).digests()) == []
    assert residue_of_directory(new.data, {"name": NAME, "file": CONTENT[SMALL]}) == []


def test_backup_of_what_is_missing(places: Places) -> None:
    """A backup without the bytes of an instance is none; one of an erased instance needs none."""
    source = filled(places.new("sqlite", "store"))
    with closing(open_service(source)) as service:
        for digest in service.blobs.digests():
            service.blobs.remove(digest, utc_now())
        with pytest.raises(BackupDamaged, match="missing"):
            back_up_service(service, places.folder / "none")
        erase_study(eraser(service), STUDY)
        assert back_up_service(service, places.folder / "backup").blobs == 0


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "in clear"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_copy_to_the_other_database(places: Places, system: str, sealed: bool) -> None:
    """The copy has rows, keys and bytes; the bytes go from the directory to the bucket, or back."""
    source = filled(places.new(system, "store"), sealed=sealed)
    [other] = {*SYSTEMS} - {system}
    target = places.new(other, "copy")
    copied = transferred(source, target)
    assert (copied.blobs, copied.damaged_blobs, copied.is_whole) == (2, 0, True)
    assert copied.problems == []
    assert stored(target) == CONTENT


@pytest.mark.parametrize("system", SYSTEMS)
def test_copy_that_is_sealed(places: Places, system: str) -> None:
    """The bytes are sealed in a store in clear as well: they are copied as they are, with their keys."""
    source, target = filled(places.new(system, "store"), sealed=False), places.new(system, "sealed")
    copied = transferred(source, target, seal=True)
    assert (copied.blobs, copied.damaged_blobs, copied.is_whole) == (2, 0, True)
    assert copied.problems == []
    assert stored(target) == CONTENT
    with closing(open_service(target)) as service:
        assert erase_study(eraser(service), STUDY).rows == 4 * 2 + 3
    assert stored(target) == {}


def test_copy_that_is_sealed_needs_a_place(places: Places) -> None:
    """Instances without a place for their bytes are not copied."""
    source, target = (
        filled(places.new("sqlite", "store"), sealed=False),
        places.new("sqlite", "new"),
    )
    target.data.mkdir(mode=0o700)
    with pytest.raises(TransferRefused, match="--blobs-from"):
        copy_sealed(location(source), location(target), None, quiet, utc_now)


def test_copy_of_damaged_bytes(places: Places) -> None:
    """Those that do not match their digest are left out, large and small ones, and the copy says so."""
    source, target = filled(places.new("sqlite", "store")), places.new("sqlite", "copy")
    blobs = open_blobs(source)
    assert isinstance(blobs, DirectoryBlobs)
    for digest in blobs.digests():
        file = blobs.path / digest[:2] / digest[2:]
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    copied = transferred(source, target)
    assert (copied.blobs, copied.damaged_blobs) == (0, 2)
    assert [one.rpartition(": ")[2] for one in copied.problems] == ["missing"] * 2
    assert [path for path in open_blobs(target).path.rglob("*") if path.is_file()] == []  # type: ignore[attr-defined]
