"""A patient's image set: state, events, decisions (stream ``images-<patient>``; TSCharts image API).

It holds references to image bytes, never the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from albumcore.errors import IdTaken, ImageNotFound, Invalid
from albumcore.ids import MAX_IMAGE_ID, ImageId
from albumcore.image_sets.values import Content, Image, ImageType, check_content, check_key
from albumcore.kernel import PERSONAL, Act, Erased, changed, stored
from albumcore.persistent_map import added, removed

__all__ = [
    "ImageAdded",
    "ImageRemoved",
    "ImageRestored",
    "PatientDeleted",
    "PatientImageSet",
    "PatientRestored",
    "add_image",
    "delete_patient",
    "remove_image",
    "restore_image",
    "restore_patient",
]


@frozen
class PatientImageSet:
    """The images of one patient. A closed set still has its images, but none of them can be read.

    Attributes:
        images: The images in the set.
        is_closed: Whether the patient was deleted.
        removed: The images that were removed from the set, and may be restored.
    """

    images: Mapping[ImageId, Image] = field(factory=dict)
    is_closed: bool = False
    removed: Mapping[ImageId, Image] = field(factory=dict)

    def image(self, image_id: ImageId) -> Image:
        """One image that can be shown.

        Raises:
            ImageNotFound: it was never added, was removed, or the patient was deleted.
        """
        image = None if self.is_closed else self.images.get(image_id)
        if image is None:
            raise ImageNotFound("no such image")
        return image


@stored("images.image_added")
@frozen
class ImageAdded:
    """An image of the patient was taken at a clinic's station. Its key opens its bytes, if they are sealed."""

    image_id: ImageId
    clinic: int | None
    station: int | None
    type: ImageType
    content: Content
    key: str | Erased | None = field(default=None, metadata=PERSONAL, repr=False)

    def evolve(self, images: PatientImageSet, act: Act) -> PatientImageSet:
        """The image is in the set, without the key: no state and no snapshot outlives it."""
        image = Image(self.clinic, self.station, self.type, self.content)
        return changed(images, images=added(images.images, self.image_id, image))


@stored("images.image_removed")
@frozen
class ImageRemoved:
    """An image was removed from the set."""

    image_id: ImageId

    def evolve(self, images: PatientImageSet, act: Act) -> PatientImageSet:
        """The image is not in the set."""
        return changed(
            images,
            images=removed(images.images, self.image_id),
            removed=added(images.removed, self.image_id, images.images[self.image_id]),
        )


@stored("images.image_restored")
@frozen
class ImageRestored:
    """The removal of an image was taken back."""

    image_id: ImageId

    def evolve(self, images: PatientImageSet, act: Act) -> PatientImageSet:
        """The image is in the set, as it was."""
        return changed(
            images,
            images=added(images.images, self.image_id, images.removed[self.image_id]),
            removed=removed(images.removed, self.image_id),
        )


@stored("images.patient_deleted")
@frozen
class PatientDeleted:
    """The patient was deleted from the directory: the images are no longer shown, and the history is not erased."""

    def evolve(self, images: PatientImageSet, act: Act) -> PatientImageSet:
        """The set is closed."""
        return changed(images, is_closed=True)


@stored("images.patient_restored")
@frozen
class PatientRestored:
    """The deletion of the patient was taken back: the images are shown again."""

    def evolve(self, images: PatientImageSet, act: Act) -> PatientImageSet:
        """The set is open."""
        return changed(images, is_closed=False)


def add_image(
    images: PatientImageSet,
    act: Act,
    image_id: ImageId,
    clinic: int | None,
    station: int | None,
    type: ImageType,  # noqa: A002 - the word of the API
    content: Content,
    key: str | None = None,
) -> tuple[ImageAdded, ...]:
    """Add an image whose bytes are stored already.

    Args:
        images: The image set.
        act: Who adds it, and when.
        image_id: Its id, new in the store.
        clinic: The clinic it was taken at.
        station: The station it was taken at.
        type: What it shows.
        content: What refers to its bytes.
        key: What opens its bytes, if they are sealed.

    Raises:
        ImageNotFound: the patient was deleted.
        Invalid: the id is no positive number of 31 bits, the content breaks a rule of `check_content`, or the key
            one of `check_key`.
        IdTaken: the image id was used before, also if the image was removed.
    """
    if images.is_closed:
        raise ImageNotFound("the patient was deleted")
    if not 0 < image_id <= MAX_IMAGE_ID:
        raise Invalid("id", f"an image id is a number from 1 to {MAX_IMAGE_ID}")
    event = ImageAdded(image_id, clinic, station, type, check_content(content), check_key(key))
    if image_id in images.images or image_id in images.removed:
        raise IdTaken("this image id was used before")
    return (event,)


def remove_image(images: PatientImageSet, act: Act, image_id: ImageId) -> tuple[ImageRemoved, ...]:
    """Remove an image from the set. Its history stays.

    Raises:
        ImageNotFound: see `PatientImageSet.image`.
    """
    images.image(image_id)
    return (ImageRemoved(image_id),)


def delete_patient(images: PatientImageSet, act: Act) -> tuple[PatientDeleted, ...]:
    """Close the set because the patient was deleted. Idempotent."""
    return () if images.is_closed else (PatientDeleted(),)


def restore_image(
    images: PatientImageSet, act: Act, image_id: ImageId
) -> tuple[ImageRestored, ...]:
    """Put an image back that was removed. Idempotent: one that is in the set stays as it is.

    The set does not know how long ago the image was removed, or whether its bytes are still there.

    Raises:
        ImageNotFound: it was never added, or the patient was deleted.
    """
    if images.is_closed:
        raise ImageNotFound("the patient was deleted")
    if image_id in images.images:
        return ()
    if image_id not in images.removed:
        raise ImageNotFound("no such image")
    return (ImageRestored(image_id),)


def restore_patient(images: PatientImageSet, act: Act) -> tuple[PatientRestored, ...]:
    """Open the set again because the patient is back in the directory. Idempotent."""
    return (PatientRestored(),) if images.is_closed else ()
