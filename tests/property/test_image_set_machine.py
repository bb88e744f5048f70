"""Image sets driven through every decision in two stores side by side, beside a naive list of images."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from albumcore import Content, ImageAdded, PatientImageSet, Stream, patient_stream
from albumcore.errors import ImageNotFound
from albumcore.index import ImageRow
from albumcore.testing import PATIENTS, Command, ImageSetMachine
from albumcore_adapters.blobs import DirectoryBlobs, ImageBytes
from support.two_stores import TwoStores


class ImageSetsInTwoStores(TwoStores[PatientImageSet], ImageSetMachine):
    """The images that can be found and shown are those of the list, and their bytes are there."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.closed: set[str] = set()
        self.known: set[int] = set()
        super().__init__()
        blobs = DirectoryBlobs(Path(self.folder.name) / "blobs")
        self.image_bytes = ImageBytes(blobs)

    def keep(self, data: bytes) -> Content:
        """The bytes are on the disk before the event that refers to them."""
        return self.image_bytes.put(data)[0]

    def predict(
        self, stream: Stream[PatientImageSet], command: Command[PatientImageSet], at: datetime
    ) -> str | int:
        """The rules of the image API, on a list."""
        name, args = command.name, command.args
        if name == "delete_patient":
            was_open = stream.name not in self.closed
            self.closed.add(stream.name)
            self.shown = [one for one in self.shown if one["stream"] != stream.name]
            return int(was_open)
        if stream.name in self.closed:
            return "image_not_found"
        found = [one for one in self.shown if one["id"] == args[0]]
        if name == "remove_image":
            if not found or found[0]["stream"] != stream.name:
                return "image_not_found"
            self.shown.remove(found[0])
            return 1
        image_id, clinic, station, type_, content = args
        self.known.add(image_id)
        if content.length == 0 or not 1 <= image_id < 2**31:
            return "invalid"
        if found:
            return "id_taken"
        self.shown.append(
            {
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
        found = {row.image_id: row for row in store.index.rows(ImageRow, {})}
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
