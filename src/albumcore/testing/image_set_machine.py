"""The state machine of image sets: two patients, several images of each."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, precondition, rule

from albumcore.ids import MAX_IMAGE_ID, ImageId, PatientId
from albumcore.image_sets import Content, ImageType, PatientImageSet
from albumcore.image_sets.image_set import (
    add_image,
    delete_patient,
    remove_image,
    restore_image,
    restore_patient,
)
from albumcore.kernel import Decision, Source
from albumcore.streams import patient_stream
from albumcore.testing import values
from albumcore.testing.arguments import CAST, PATIENTS, mostly
from albumcore.testing.machines import StoreMachine

__all__ = [
    "ImageSetMachine",
]


_LATE = 8
"""Number of commands before the first deletion of a patient."""

_patient = st.sampled_from(PATIENTS)
_source = st.sampled_from(CAST.users).map(Source)
_place = mostly(st.integers(1, 2), None)


class ImageSetMachine(StoreMachine[PatientImageSet]):
    """Tries every decision of an image set, in any order."""

    images: Bundle[ImageId] = Bundle("images")

    def on(self, patient: PatientId, source: Source, decision: Decision, *args: Any) -> bool:
        """Try a decision on a patient's image set; returns whether an event was recorded."""
        return self.attempt(patient_stream(patient), source, decision, *args)

    def keep(self, data: bytes) -> Content:
        """A reference to image bytes. Override it to store them."""
        return Content(hashlib.sha256(data).hexdigest(), len(data), "application/octet-stream")

    @rule(
        target=images,
        patient=_patient,
        source=_source,
        clinic=_place,
        station=_place,
        type=values.image_types(),
        data=mostly(st.binary(min_size=1, max_size=8), b""),
    )
    def add_image(
        self,
        patient: PatientId,
        source: Source,
        clinic: int | None,
        station: int | None,
        type: ImageType,  # noqa: A002 - the word of the API
        data: bytes,
    ) -> Any:
        """Add an image, with a new id from the store."""
        image_id = self.store.next_image_id()
        content = self.keep(data)
        added = self.on(
            patient,
            source,
            add_image,
            image_id,
            clinic,
            station,
            type,
            content,
        )
        return image_id if added else multiple()

    @rule(
        patient=_patient,
        source=_source,
        image=images | st.sampled_from([ImageId(0), ImageId(MAX_IMAGE_ID + 1)]),
        type=values.image_types(),
    )
    def add_image_again(
        self,
        patient: PatientId,
        source: Source,
        image: ImageId,
        type: ImageType,  # noqa: A002 - the word of the API
    ) -> None:
        """Add an image with an id that an image of this patient or of the other has, or with an invalid one."""
        content = self.keep(b"again")
        self.on(patient, source, add_image, image, 1, 1, type, content)

    @rule(patient=_patient, source=_source, image=images)
    def remove_image(self, patient: PatientId, source: Source, image: ImageId) -> None:
        """Remove an image of this patient or of the other, removed ones included."""
        self.on(patient, source, remove_image, image)

    @rule(patient=_patient, source=_source, image=images)
    def restore_image(self, patient: PatientId, source: Source, image: ImageId) -> None:
        """Put an image of this patient or of the other back, whether it was removed or not."""
        self.on(patient, source, restore_image, image)

    @rule(patient=_patient, source=_source)
    def restore_patient(self, patient: PatientId, source: Source) -> None:
        """Open a patient's image set again, whether it was closed or not."""
        self.on(patient, source, restore_patient)

    @precondition(lambda self: len(self.history) > _LATE)
    @rule(patient=_patient, source=_source)
    def delete_patient(self, patient: PatientId, source: Source) -> None:
        """Close a patient's image set."""
        self.on(patient, source, delete_patient)
