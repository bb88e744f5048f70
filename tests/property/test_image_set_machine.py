"""Image sets driven through every decision in two stores side by side, beside a naive list of images."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from albumcore import (
    Content,
    ImageAdded,
    PatientImageSet,
    Source,
    Stream,
    open_memory,
    patient_stream,
)
from albumcore.errors import ImageNotFound
from albumcore.index import SHOWN, ImageRow
from albumcore.testing import CAST, PATIENTS, Command, ImageSetMachine
from albumcore_adapters.blobs import DirectoryBlobs, ImageBytes
from support.two_stores import TwoStores


class ImageSetsInTwoStores(TwoStores[PatientImageSet], ImageSetMachine):
    """The images that can be found and shown are those of the list, and their bytes are there."""

    def __init__(self) -> None:
        self.sets: list[dict[str, Any]] = []
        self.closed: set[str] = set()
        self.known: set[int] = set()
        super().__init__()
        blobs = DirectoryBlobs(Path(self.folder.name) / "blobs")
        self.image_bytes = ImageBytes(blobs)

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The images that are in their sets, of patients who are there."""
        return [one for one in self.sets if not one["removed"] and one["stream"] not in self.closed]

    def keep(self, data: bytes) -> Content:
        """The bytes are on the disk before the event that refers to them."""
        return self.image_bytes.put(data)[0]

    def predict(
        self, stream: Stream[PatientImageSet], command: Command[PatientImageSet], at: datetime
    ) -> str | int:
        """The rules of the image API, on a list."""
        name, args = command.name, command.args
        if name in ("delete_patient", "restore_patient"):
            was_closed = stream.name in self.closed
            self.closed ^= {stream.name} if was_closed != (name == "delete_patient") else set()
            return int(was_closed != (name == "delete_patient"))
        if stream.name in self.closed:
            return "image_not_found"
        found = [one for one in self.sets if one["id"] == args[0]]
        mine = [one for one in found if one["stream"] == stream.name]
        if name == "restore_image":
            if not mine:
                return "image_not_found"
            was_removed = mine[0]["removed"]
            mine[0]["removed"] = False
            return int(was_removed)
        if name == "remove_image":
            if not mine or mine[0]["removed"]:
                return "image_not_found"
            mine[0]["removed"] = True
            return 1
        image_id, clinic, station, type_, content = args
        self.known.add(image_id)
        if content.length == 0 or not 1 <= image_id < 2**31:
            return "invalid"
        if found:
            return "id_taken"
        self.sets.append(
            {
                "removed": False,
                "stream": stream.name,
                "id": image_id,
                "clinic": clinic,
                "station": station,
                "type": type_.value,
                "digest": content.digest,
                "at": at,
            }
        )
        return 1

    def check_image(self, added: ImageAdded) -> str | None:
        """Read the bytes."""
        return self.image_bytes.check(added)

    def compare(self) -> None:
        """The images that can be searched, shown, and not shown."""
        store = self.stores[self.turn % 2]
        found = {row.image_id: row for row in store.index.rows(ImageRow, SHOWN)}
        assert sorted(found) == sorted(one["id"] for one in self.shown)
        for one in self.shown:
            row, event = store.image(one["id"])
            assert row == found[one["id"]]
            assert event.content.digest == one["digest"]
            assert (row.clinic, row.station, row.type, row.at) == (
                one["clinic"],
                one["station"],
                one["type"],
                one["at"],
            )
        for image_id in self.known - found.keys():
            with pytest.raises(ImageNotFound):
                store.image(image_id)  # type: ignore[arg-type]
        for patient in PATIENTS:
            state = self.check_state(patient_stream(patient))
            shown = {} if state.is_closed else state.images
            in_set = [one["id"] for one in self.shown if one["stream"] == f"images-{patient}"]
            assert sorted(shown) == sorted(in_set)


TestImageSetsInTwoStores = ImageSetsInTwoStores.TestCase


def test_what_a_machine_does_by_itself() -> None:
    """Bytes are referred to without being stored, and a patient that is deleted once is not deleted twice."""

    class InMemory(ImageSetMachine):
        open_store = staticmethod(lambda clock: open_memory(clock=clock))

    machine = InMemory()
    content = machine.keep(b"abc")
    assert (content.length, content.digest) == (3, hashlib.sha256(b"abc").hexdigest())
    for _ in range(2):
        machine.delete_patient(PATIENTS[0], Source(CAST.users[0]))
    assert len(machine.history) == 1
    machine.teardown()
