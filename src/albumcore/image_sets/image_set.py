"""A patient's image set: its state and decisions (stream ``images-<patient>``)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from albumcore.errors import IdTaken, ImageNotFound, Invalid
from albumcore.ids import MAX_IMAGE_ID, ImageId
from albumcore.image_sets.events import (
    ImageAdded,
    ImageRemoved,
    ImageSetEvent,
    PatientDeleted,
)
from albumcore.image_sets.values import Content, Image, ImageType, check_content
from albumcore.kernel import Act

Decided = tuple[ImageSetEvent, ...]


@frozen
class PatientImageSet:
    """The images of one patient. A closed set keeps its images for the record and shows none of them."""

    images: Mapping[ImageId, Image] = field(factory=dict)
    is_closed: bool = False

    def image(self, image_id: ImageId) -> Image:
        """One image that can be shown.

        Raises:
            ImageNotFound: it was never there, was removed, or the patient was deleted.
        """
        image = None if self.is_closed else self.images.get(image_id)
        if image is None:
            raise ImageNotFound("no such image")
        return image

    def add_image(
        self,
        act: Act,
        image_id: ImageId,
        clinic: int | None,
        station: int | None,
        type: ImageType,  # noqa: A002 - the word of the API
        content: Content,
    ) -> Decided:
        """Add an image whose bytes are stored already.

        Raises:
            ImageNotFound: the patient was deleted.
            Invalid: the id is no positive number of 31 bits, or the content cannot be.
            IdTaken: the image id is in the set already.
        """
        if self.is_closed:
            raise ImageNotFound("the patient was deleted")
        if not 0 < image_id <= MAX_IMAGE_ID:
            raise Invalid("id", f"an image id is a number from 1 to {MAX_IMAGE_ID}")
        added = ImageAdded(image_id, clinic, station, type, check_content(content))
        if image_id in self.images:
            raise IdTaken("this image id is in the set already")
        return (added,)

    def remove_image(self, act: Act, image_id: ImageId) -> Decided:
        """Take an image out of the set. Its history stays.

        Raises:
            ImageNotFound: see `image`.
        """
        self.image(image_id)
        return (ImageRemoved(image_id),)

    def delete_patient(self, act: Act) -> Decided:
        """Close the set, because the patient was deleted. Again, it changes nothing."""
        return () if self.is_closed else (PatientDeleted(),)
