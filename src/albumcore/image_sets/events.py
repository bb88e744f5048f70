"""Events of a patient's image set. The names in ``@stored`` are the storage format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.ids import ImageId
from albumcore.image_sets.values import Content, Image, ImageType
from albumcore.kernel import Act, changed, stored
from albumcore.persistent_map import added, removed

if TYPE_CHECKING:
    from albumcore.image_sets.image_set import PatientImageSet


@stored("images.image_added")
@frozen
class ImageAdded:
    """An image of the patient was taken at a clinic's station."""

    image_id: ImageId
    clinic: int | None
    station: int | None
    type: ImageType
    content: Content

    def evolve(self, state: PatientImageSet, act: Act) -> PatientImageSet:
        """One image more."""
        image = Image(self.clinic, self.station, self.type, self.content)
        return changed(state, images=added(state.images, self.image_id, image))


@stored("images.image_removed")
@frozen
class ImageRemoved:
    """An image was taken out of the set."""

    image_id: ImageId

    def evolve(self, state: PatientImageSet, act: Act) -> PatientImageSet:
        """One image fewer."""
        return changed(state, images=removed(state.images, self.image_id))


@stored("images.patient_deleted")
@frozen
class PatientDeleted:
    """The patient was deleted where patients are kept: nothing of the set is shown any more, and nothing erased."""

    def evolve(self, state: PatientImageSet, act: Act) -> PatientImageSet:
        """The set is closed."""
        return changed(state, is_closed=True)


ImageSetEvent = ImageAdded | ImageRemoved | PatientDeleted
