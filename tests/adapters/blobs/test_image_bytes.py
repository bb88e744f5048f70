"""The bytes of images in a sealed store: their key is sealed in the event, and goes with the key of the event."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from albumcore import ImageAdded, Source, add_image
from albumcore.errors import ImageNotFound
from albumcore.ids import ImageId, PatientId, UserId
from albumcore.image_sets import ImageType
from albumcore.kernel import ERASED
from albumcore.streams import patient_stream
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import DirectoryBlobs
from albumcore_adapters.blobs.image_bytes import ImageBytes, stored_length
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.store import open_sqlite
from albumcore_adapters.transfer.blobs import referenced
from support.residue import residue_of_directory

pytestmark = pytest.mark.on_sqlite

IMAGE = os.urandom(100_000)
STREAM = patient_stream(PatientId(7))
NURSE = Source(UserId("tscharts-1"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A sealed store with one image."""
    open_sqlite(tmp_path / DATABASE_FILE, sealed=True).close()
    service = open_service(Settings(data=tmp_path))
    image = service.albums.next_image_id()
    content, key = service.image_bytes.put(IMAGE)
    service.albums.handle(STREAM, add_image, NURSE, image, 1, 1, ImageType.XRAY, content, key)
    yield service
    service.close()


def added(service: Service) -> ImageAdded:
    """The event of the image."""
    [recorded] = service.albums.history(STREAM)
    assert isinstance(recorded.event, ImageAdded)
    return recorded.event


def test_an_image_of_a_sealed_store(service: Service, tmp_path: Path) -> None:
    """It is sealed, is read, and neither it nor its key or length is in clear anywhere in the data directory."""
    event = added(service)
    assert isinstance(event.key, str)
    assert service.image_bytes.get(event) == IMAGE
    assert service.albums.verify(service.image_bytes.check) == []
    secrets: dict[str, str | bytes] = {
        "image": IMAGE,
        "key": event.key,
        "length": '"length":100000',
    }
    assert residue_of_directory(tmp_path, secrets) == []


def test_an_image_of_a_store_in_clear(tmp_path: Path) -> None:
    """It has no key, and its bytes are stored as they are."""
    images = ImageBytes(DirectoryBlobs(tmp_path))
    content, key = images.put(IMAGE)
    assert key is None
    event = ImageAdded(ImageId(1), 1, 1, ImageType.XRAY, content, key)
    assert images.get(event) == IMAGE
    assert images.check(event) is None
    assert stored_length(event) == len(IMAGE)
    (tmp_path / content.digest[:2] / content.digest[2:]).write_bytes(IMAGE[:-1])
    assert images.check(event) is not None


def test_an_image_whose_key_is_gone(service: Service) -> None:
    """It is no image any more, and its file is not damaged: it is in no backup, and nothing is wrong with it."""
    until = service.albums.follow()[-1][0]
    [(digest, length)] = referenced(service.albums, until, lambda done: None)
    assert length == service.blobs.size(digest) == stored_length(added(service))
    with service.database.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM directory_event_key")
    event = added(service)
    assert (event.key, event.content.length, event.content.digest) == (ERASED, ERASED, digest)
    with pytest.raises(ImageNotFound):
        service.albums.image(ImageId(1))
    for erased in (
        event,
        evolve(event, key=None),
        evolve(event, content=evolve(event.content, length=1)),
    ):
        with pytest.raises(ImageNotFound):
            service.image_bytes.get(erased)
        assert service.image_bytes.check(erased) is None
        assert stored_length(erased) is None
    assert list(referenced(service.albums, until, lambda done: None)) == []
    assert service.blobs.check(digest, length) is None
