"""What is stored while others store: each instance once, by who may, in transactions of some instances at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from albumcore import Source, create_album, delete_album
from albumcore.ids import AlbumId, SeriesUID
from albumcore_adapters.access.images import Upload, upload_to
from albumcore_adapters.dicom.errors import NotAnInstance
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.instances import received as received_module
from albumcore_adapters.instances import storing as storing_module
from albumcore_adapters.instances.archive import BytesGone
from albumcore_adapters.instances.outcomes import FailureReason, InstanceRefused, InstanceStored
from albumcore_adapters.instances.storing import Storing
from support.dicom_files import dicom_file
from support.kheops import ALBUM, ALICE, BOB, CT, MR, STUDY, World, open_world, settle


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world of its own."""
    made = open_world(tmp_path, start=settle)
    yield made
    made.service.close()


def upload(world: World, by: str, album: AlbumId | None = None) -> Upload:
    """An upload of one of the people."""
    caller = Caller(Source(world.user(by)), in_person=True)
    return upload_to(world.service.image_access, caller, album)


def begun(world: World, by: str, *files: bytes, album: AlbumId | None = None) -> Storing:
    """The storing of some instances that were received and read, and are in no transaction yet."""
    storing = Storing(world.service.instance_store, upload(world, by, album))
    for content in files:
        storing.add([content])
    wait([future for future, _ in storing._ahead])
    return storing


def store(world: World, by: str, *files: bytes) -> list[int | None]:
    """Store instances; return why each is refused."""
    return reasons(begun(world, by, *files))


def reasons(storing: Storing) -> list[int | None]:
    """Store what was begun; return why each is refused."""
    with storing:
        found = storing.finish()
    return [
        FailureReason(one.reason) if isinstance(one, InstanceRefused) else None for one in found
    ]


def ct(number: int, pixels: bytes = bytes(64), series: SeriesUID = CT) -> bytes:
    """An instance of a series."""
    return dicom_file(STUDY, series, f"{series}.{number}", pixels)


def digests(world: World) -> dict[str, str]:
    """The digests of the stored instances of the CT series."""
    return StoredInstances(world.service.database).known_digests(f"{CT}.{one}" for one in range(9))


def test_a_series_that_another_user_has_taken_meanwhile(world: World) -> None:
    """Of a series that is new to both, the one who stores first is the one who has it; other series are stored."""
    late = begun(world, BOB, ct(1), ct(1, series=MR))
    assert store(world, ALICE, ct(2)) == [None]
    assert reasons(late) == [FailureReason.NOT_AUTHORIZED, None]
    assert digests(world).keys() == {f"{CT}.2"}


def test_an_instance_that_was_stored_meanwhile(world: World) -> None:
    """The same bytes are a success, other bytes are refused, and the rest of the transaction is stored."""
    late = begun(world, ALICE, ct(1), ct(2, b"\1\1" * 32), ct(3))
    assert store(world, ALICE, ct(1), ct(2)) == [None, None]
    assert reasons(late) == [None, FailureReason.DUPLICATE, None]
    assert len(digests(world)) == 3


def test_an_instance_that_was_erased_meanwhile(world: World) -> None:
    """What was found as stored is not there any more, and was not stored a second time."""
    assert store(world, ALICE, ct(1)) == [None]
    late = begun(world, ALICE, ct(1))
    with world.service.database.transaction(commit=True) as cursor:
        cursor.execute("UPDATE directory_stored_instance SET digest = NULL")
    assert reasons(late) == [FailureReason.PROCESSING_FAILURE]
    assert store(world, ALICE, ct(1)) == [None]


def test_a_study_that_another_user_has_brought_meanwhile(world: World) -> None:
    """It is compared in the transaction, also where the sender asks for no check: they would see its attributes."""
    late = begun(world, BOB, ct(1, series=MR))
    late.verifies = False
    named = dicom_file(STUDY, CT, f"{CT}.2", PatientName="Doe^Jane")
    assert store(world, ALICE, named) == [None]
    assert reasons(late) == [FailureReason.CONTRADICTS]


def test_an_album_that_was_deleted_meanwhile(world: World) -> None:
    """Nothing is stored for an album that is gone."""
    world.act(ALICE, create_album, "Short", album=AlbumId("Short00001"))
    late = begun(world, ALICE, ct(1), ct(1, series=MR), album=AlbumId("Short00001"))
    world.act(ALICE, delete_album, album=AlbumId("Short00001"))
    assert reasons(late) == [FailureReason.NOT_AUTHORIZED] * 2
    assert digests(world) == {}


def test_a_series_that_the_album_has_in_another_study(world: World) -> None:
    """What the album says contradicts the instance."""
    world.store({CT: "CT"}, study="1.2.9", owner=ALICE)
    path = f"/studies/1.2.9/series/{CT}/albums/{ALBUM}"
    assert world.request(ALICE, "PUT", path).status_code == 201
    with world.service.database.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM directory_instance")
        cursor.execute("UPDATE directory_series SET populated = 0")
    assert reasons(begun(world, ALICE, ct(1), album=ALBUM)) == [FailureReason.CONTRADICTS]


def broken_off() -> Iterator[bytes]:
    """The content of an instance that breaks off."""
    yield b""
    raise ConnectionError


def add_all(storing: Storing, *contents: Iterable[bytes]) -> None:
    """Receive instances."""
    for content in contents:
        storing.add(content)


@pytest.mark.parametrize(
    ("limit", "most"),
    [("_MOST_INSTANCES", 2), ("_MOST_BYTES", 1500), ("_MOST_HEADER_BYTES", 2000)],
)
def test_a_long_upload_is_stored_in_several_transactions(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    """What breaks off an upload loses the last few instances, not all that were sent."""
    monkeypatch.setattr(received_module, limit, most)

    storing = Storing(world.service.instance_store, upload(world, ALICE))
    with pytest.raises(ConnectionError), storing:
        add_all(storing, *([ct(number)] for number in range(1, 9)), broken_off())
    assert 2 <= len(digests(world)) < 8
    stored = {one.sop_instance_uid for one in storing.outcomes if isinstance(one, InstanceStored)}
    assert stored == digests(world).keys()
    assert list((world.service.settings.data / "blobs").glob(".*")) == []


def test_an_error_of_the_storage_is_no_refusal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the upload: what follows would fail as well."""

    def fail(*arguments: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(type(world.service.instance_store.decoder), "header", fail)
    with pytest.raises(OSError, match="gone"), begun(world, ALICE, ct(1)) as storing:
        storing.finish()


def test_a_patient_id_that_is_too_long_for_a_key(world: World) -> None:
    """The key of an instance is found by PatientID when a patient is erased."""
    long = dicom_file(STUDY, CT, f"{CT}.1", PatientID="7" * 300)
    assert store(world, ALICE, long) == [FailureReason.PROCESSING_FAILURE]


def test_bytes_that_are_gone_are_not_opened(world: World) -> None:
    """Without the key there are no bytes."""
    assert store(world, ALICE, ct(1)) == [None]
    instances = StoredInstances(world.service.database)
    with world.service.database.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM directory_event_key WHERE stream LIKE 'instance-%'")
    found = instances.one(STUDY, CT, f"{CT}.1")
    assert found is not None
    with pytest.raises(BytesGone):
        world.service.instance_store.archive.open(found)


def test_a_draft_that_waits_is_removed_when_the_upload_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its header was being read or not."""

    def refuse(*arguments: object) -> None:
        raise NotAnInstance("no instance")

    monkeypatch.setattr(type(world.service.instance_store.decoder), "header", refuse)
    monkeypatch.setattr(storing_module, "_AHEAD", 50)
    storing = Storing(world.service.instance_store, upload(world, ALICE))
    with pytest.raises(ConnectionError), storing:
        add_all(storing, *([ct(number)] for number in range(50)), broken_off())
    assert list((world.service.settings.data / "blobs").glob(".*")) == []
