"""A backup from before an erasure: what was erased since is erased again before the store is in place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from attrs import evolve

from albumcore import Source, album_stream, create_album
from albumcore.erasures import ErasureKind
from albumcore.ids import AlbumId, ImageId, PatientId, UserId
from albumcore.index import ImageRow
from albumcore.state_cache import EPOCH
from albumcore_adapters.base.data_directory import DATABASE_FILE, ERASURES_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.erasure.collecting import collect
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.erasure.erasure_list import (
    ErasureListDamaged,
    ListedErasure,
    append_erasure,
    read_erasures,
)
from albumcore_adapters.erasure.subjects import erase_image, erase_patient, erase_person
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.sql.database import rows_of
from albumcore_adapters.store import open_sqlite
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.restore import restore
from albumcore_adapters.verification import verify
from support.backups import back_up_service
from support.copying import quiet
from support.places import SYSTEMS, Place, place_for
from support.residue import residue_of_directory, residue_of_tables
from support.s3 import reached, serving_s3
from support.server import user_of
from support.store_form import make_store

ERASED = {
    "a comment of Ben": "The angiogram is the one to start with.",
    "the name of Ben": "Ben Lindqvist",
    "the address of Ben": "ben@clinic.example",
}
STAYS = {"a comment of Ada": "Could you present it on Thursday?", "the name of Ada": "Ada Okafor"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as opened:
        yield opened


def settings_of(place: Place) -> Settings:
    """The settings of a store."""
    return Settings(data=place.data, database=place.database)


def backed_up_and_erased(place: Place, backup: Path) -> PatientId:
    """Back up a sealed store with the demo, and then erase a person and the patient."""
    make_store(settings_of(place), sealed=True)
    with closing(open_service(settings_of(place))) as service:
        made = demo.fill(service)
        back_up_service(service, backup)
        context = Eraser(
            service.albums, service.database, service.clock, {}, place.data / ERASURES_FILE
        )
        ben, patient = user_of(service, demo.BEN), PatientId(made.patient)
        assert erase_person(context, ben).events > 0
        assert erase_patient(context, patient).events > 0
    return patient


def found_in(place: Place, secrets: dict[str, str]) -> set[str]:
    """Which of some texts a store has anywhere in clear, or shows in a comment."""
    found = residue_of_directory(place.data, secrets)
    if place.database is not None:
        found += residue_of_tables(place.database, secrets)
    with closing(open_service(settings_of(place))) as service:
        comments = {getattr(one.event, "comment", None) for _, one in service.albums.follow()}
    shown = {name for name, text in secrets.items() if text in comments}
    return {one.secret for one in found} | shown


@pytest.mark.parametrize("system", SYSTEMS)
def test_with_the_list(system: str, tmp_path: Path, stack: ExitStack) -> None:
    """Nothing of it is in the restored store, which verifies and has the list; all else is there."""
    store, backup = place_for(system, tmp_path / "store", stack), tmp_path / "backup"
    patient = backed_up_and_erased(store, backup)
    listed = read_erasures(store.data / ERASURES_FILE)
    new = place_for(system, tmp_path / "new", stack)
    restored = restore(settings_of(new), backup, quiet, listed)
    assert restored.erased > 4
    assert found_in(new, ERASED | STAYS) == STAYS.keys()
    assert verify(settings_of(new)).problems == []
    assert read_erasures(new.data / ERASURES_FILE) == listed
    blobs = {one.parent.name + one.name for one in new.data.glob("blobs/*/*")}
    with closing(open_service(settings_of(new))) as service:
        rows = rows_of(service.database, "SELECT blob FROM directory_stored_instance")
        assert blobs == {row["blob"] for row in rows} != set()
        assert service.people.with_sub(demo.BEN) is None
        context = Eraser(service.albums, service.database, service.clock, {}, None)
        assert erase_person(context, user_of(service, demo.ADA)).events > 0
        assert erase_patient(context, patient).is_nothing


@pytest.mark.parametrize("system", SYSTEMS)
def test_images_that_are_left_in_a_bucket(system: str, tmp_path: Path, stack: ExitStack) -> None:
    """Those that were erased and collected since are missing there, and do not hold the restore up. Others do."""
    moto = stack.enter_context(serving_s3())
    stack.enter_context(reached(moto.address))
    bucket = f"s3://{moto.bucket()}"
    store, backup = place_for(system, tmp_path / "store", stack), tmp_path / "backup"
    settings = evolve(settings_of(store), blobs=bucket)
    make_store(settings, sealed=True)
    with closing(open_service(settings)) as service:
        demo.fill(service)
        back_up_service(service, backup)
        [first, *_] = service.albums.index.rows(ImageRow, {})
        context = Eraser(
            service.albums, service.database, service.clock, {}, store.data / ERASURES_FILE
        )
        assert erase_image(context, ImageId(first.image_id)).events == 1
        left = len([*service.blobs.digests()])
        collect(service.albums, service.database, service.blobs, EPOCH, 10)
        assert len([*service.blobs.digests()]) == left - 1 > 0
    listed = read_erasures(store.data / ERASURES_FILE)
    new = place_for(system, tmp_path / "new", stack)
    assert restore(evolve(settings_of(new), blobs=bucket), backup, quiet, listed).erased == 1
    other = place_for(system, tmp_path / "other", stack)
    with pytest.raises(BackupDamaged, match=r"image bytes .*: missing"):
        restore(evolve(settings_of(other), blobs=bucket), backup, quiet, [])


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_the_list(system: str, tmp_path: Path, stack: ExitStack) -> None:
    """It is refused, and nothing is made; if it is said that nothing was erased, everything is back."""
    store, backup = place_for(system, tmp_path / "store", stack), tmp_path / "backup"
    backed_up_and_erased(store, backup)
    new = place_for(system, tmp_path / "new", stack)
    with pytest.raises(TransferRefused, match="name the list of erasures by --erasures FILE"):
        restore(settings_of(new), backup, quiet)
    assert not new.data.exists()
    restored = restore(settings_of(new), backup, quiet, [])
    assert restored.erased == 0
    assert found_in(new, ERASED | STAYS) == ERASED.keys() | STAYS.keys()
    assert not (new.data / ERASURES_FILE).exists()


def test_the_list_that_is_there(tmp_path: Path) -> None:
    """What the list of the replaced data directory has is erased in any case, and stays in the list."""
    store, backup = Place(tmp_path / "store"), tmp_path / "backup"
    backed_up_and_erased(store, backup)
    listed = read_erasures(store.data / ERASURES_FILE)
    assert restore(settings_of(store), backup, quiet, []).erased > 4
    assert found_in(store, ERASED) == set()
    assert read_erasures(store.data / ERASURES_FILE) == listed
    shutil.rmtree(tmp_path / "store.before-restore")
    (store.data / ERASURES_FILE).write_bytes(b"{}\n")
    with pytest.raises(ErasureListDamaged, match="line 1"):
        restore(settings_of(store), backup, quiet, listed)


def test_a_backup_in_clear_is_refused_if_something_was_erased(tmp_path: Path) -> None:
    """It is one from before the store was sealed: nothing can be erased in it again."""
    store, backup = Place(tmp_path / "store"), tmp_path / "backup"
    store.data.mkdir()
    with open_sqlite(store.data / DATABASE_FILE) as albums:
        stream, alice = album_stream(AlbumId("Q7bZ2mP0xT")), Source(UserId("alice"))
        albums.handle(stream, create_album, alice, "Ndiaye")
    with closing(open_service(settings_of(store))) as service:
        back_up_service(service, backup)
    listed = ListedErasure(EPOCH, ErasureKind.PERSON, "p-1")
    new = settings_of(Place(tmp_path / "new"))
    with pytest.raises(
        TransferRefused, match="in clear, in which nothing but instances can be erased"
    ):
        restore(new, backup, quiet, [listed])
    append_erasure(store.data / ERASURES_FILE, listed)
    nothing: tuple[list[ListedErasure] | None, ...] = (None, [])
    for given in nothing:
        with pytest.raises(
            TransferRefused, match="in clear, in which nothing but instances can be erased"
        ):
            restore(settings_of(store), backup, quiet, given)
    assert restore(new, backup, quiet).erased == 0


@pytest.mark.parametrize("system", SYSTEMS)
def test_cut_off_before_the_erasure(
    system: str, tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restored store is never opened before what was erased is erased again."""
    store, backup = place_for(system, tmp_path / "store", stack), tmp_path / "backup"
    backed_up_and_erased(store, backup)
    listed = read_erasures(store.data / ERASURES_FILE)
    new = place_for(system, tmp_path / "new", stack)

    class Stopped(Exception):
        """The restore was cut off."""

    def stop(*_: object) -> int:
        raise Stopped

    for module in ("restore", "postgres_dump"):
        monkeypatch.setattr(f"albumcore_adapters.transfer.{module}.forget_again", stop)
    with pytest.raises(Stopped):
        restore(settings_of(new), backup, quiet, listed)
    with pytest.raises(NoStore):
        open_service(settings_of(new), must_exist=True)
