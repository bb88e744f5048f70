"""The images of patients as of a time or version of their image sets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from albumcore.errors import ImageNotFound
from albumcore.ids import ImageId, PatientId
from albumcore.image_sets import Image
from albumcore.image_sets.image_set import ImageAdded
from albumcore.index import AddedImageRow
from albumcore.kernel import ERASED
from albumcore.queries import Albumcore
from albumcore.streams import patient_stream


def image_then(
    albums: Albumcore, image_id: ImageId, at: datetime | None = None, version: int | None = None
) -> tuple[PatientId, ImageAdded]:
    """An image that could be shown at a time, or as of a version of its patient's image set: whose, and its event.

    It may have been removed since, but not its patient. One of time and version is given.

    Raises:
        ImageNotFound: it could not be shown then, or was erased or its patient deleted since.
        Invalid: the time has no time zone, or the image set has no event of the version.
    """
    for row in albums.index.rows(AddedImageRow, {"image_id": image_id}):
        patient = PatientId(row.patient)
        _, images = _set_then(albums, patient, at, version)
        if (image := images.get(image_id)) is not None and _is_known(image):
            return patient, albums.added_image(row)
    raise ImageNotFound("no such image")


def images_then(
    albums: Albumcore, patient: PatientId, at: datetime | None = None, version: int | None = None
) -> Mapping[ImageId, tuple[Image, datetime]]:
    """The images of a patient that could be shown then, see `image_then`, each with the time (UTC) it was added at.

    Raises:
        Invalid: as for `image_then`.
    """
    reached, images = _set_then(albums, patient, at, version)
    added = {"image_id": list(images), "patient": patient}
    times = {
        row.image_id: row.at
        for row in albums.index.rows(AddedImageRow, added)
        if row.version <= reached
    }
    return {one: (image, times[one]) for one, image in images.items() if _is_known(image)}


def _set_then(
    albums: Albumcore, patient: PatientId, at: datetime | None, version: int | None
) -> tuple[int, Mapping[ImageId, Image]]:
    """The version of a moment, and the images in the set then; none if the patient was deleted, then or now."""
    stream = patient_stream(patient)
    moment = albums.moment(stream, at, version)
    then = albums.load(stream, version=moment.version)
    is_closed = then.is_closed or albums.load(stream).is_closed
    return moment.version, {} if is_closed else then.images


def _is_known(image: Image) -> bool:
    """Whether an image was not erased."""
    return image.content.length is not ERASED
