"""The keys of a backup: what is in them, and what a backup is without them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import orjson
import pytest

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.manifest import Manifest
from albumcore_adapters.transfer.restore import restore
from albumcore_adapters.transfer.tables import SHORT_LIVED, tables_beside_events
from albumcore_adapters.verification import verify
from support.backups import back_up_service
from support.copying import quiet
from support.in_clear import put
from support.places import SYSTEMS, Place, place_for
from support.residue import residue_of_directory
from support.store_form import make_store

STAY = {
    "directory_album_look",
    "directory_bringer",
    "directory_claim",
    "directory_clinic",
    "directory_inbox",
    "directory_pacs_series",
    "directory_sealed",
    "directory_session",
    "directory_spent",
    "directory_station",
    "directory_token_floor",
    "directory_token_use",
    "numbers",
    "webhook_attempt",
    "webhook_group",
    "webhook_group_series",
    "webhook_line",
    "webhook_position",
    "webhook_trigger_series",
    "webhook_upload",
}
"""Tables without names, texts, keys and secrets: ids, numbers, times, and what clinics are called."""

SECRETS = {
    "a comment": "The angiogram is the one to start with.",
    "a private comment": "Could you present it on Thursday?",
    "an album": "Tumour board",
    "a former description": "Cases for Thursday",
    "a capability token": "Scanner 2",
    "a report provider": "Second reader",
    "the address of a webhook": "archive.example/told",
    "an address": "ada@clinic.example",
    "a name": "Ben Lindqvist",
    "a patient": "2015-06-01",
    "a study": "CT, HEAD/BRAIN",
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as opened:
        yield opened


def settings_of(place: Place) -> Settings:
    """The settings of a store."""
    return Settings(data=place.data, database=place.database)


def backed_up(place: Place, backup: Path) -> Manifest:
    """Back up a store."""
    with closing(open_service(settings_of(place))) as service:
        return back_up_service(service, backup)


def rows_of(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table that is transferred."""
    names = ["stored_events", *(table.name for table in tables_beside_events())]
    return {name: sorted(place.rows(f"SELECT * FROM {name}"), key=repr) for name in names}


def test_every_table() -> None:
    """Each table either is among the keys, or says nothing that is erased: a new one has to be looked at."""
    assert {table.name for table in tables_beside_events()} == {*SHORT_LIVED, *STAY}
    assert not STAY & set(SHORT_LIVED)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_backup_and_its_keys(system: str, tmp_path: Path, stack: ExitStack) -> None:
    """Without its keys it says nothing, and is not restored; with them the store is as it was."""
    store, backup = place_for(system, tmp_path / "store", stack), tmp_path / "backup"
    make_store(settings_of(store), sealed=True)
    with closing(open_service(settings_of(store))) as service:
        demo.fill(service)
    manifest = backed_up(store, backup)
    assert manifest.is_sealed
    assert manifest.keys
    assert all(file.path.startswith("keys/") for file in manifest.keys)
    shutil.move(backup / "keys", tmp_path / "keys")
    found = {one.secret for one in residue_of_directory(tmp_path / "keys", SECRETS)}
    assert found >= {"an address", "a name", "a study"}
    assert residue_of_directory(backup, SECRETS) == []
    new = place_for(system, tmp_path / "new", stack)
    with pytest.raises(TransferRefused, match="put its archive of keys there"):
        restore(settings_of(new), backup, quiet, [])
    shutil.move(tmp_path / "keys", backup / "keys")
    restore(settings_of(new), backup, quiet, [])
    assert verify(settings_of(new)).problems == []
    assert rows_of(new) == rows_of(store)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_store_in_clear_has_no_keys(system: str, tmp_path: Path, stack: ExitStack) -> None:
    """All of it is in one piece, as in backups of version 1, which are restored as well."""
    store, backup = place_for(system, tmp_path / "clear", stack), tmp_path / "backup"
    put(store.data, store.database)
    manifest = backed_up(store, backup)
    assert (manifest.is_sealed, manifest.keys, manifest.version) == (False, (), 2)
    assert not (backup / "keys").exists()
    path = backup / "manifest.json"
    found = orjson.loads(path.read_bytes()) | {"version": 1}
    del found["keys"], found["is_sealed"]
    for table in found["tables"]:
        del table["is_key"]
    path.write_bytes(orjson.dumps(found))
    new = place_for(system, tmp_path / "new", stack)
    restore(settings_of(new), backup, quiet, [])
    assert verify(settings_of(new)).problems == []
    assert rows_of(new) == rows_of(store)
