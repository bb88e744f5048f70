"""Restoring removed images and deleted patients, within a time, and while their data are there (TSCharts image API)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any, cast

from albumcore import (
    Albumcore,
    ImageAdded,
    ImageRemoved,
    PatientDeleted,
    RecordedEvent,
    Source,
    Stream,
    restore_image,
    restore_patient,
)
from albumcore.errors import ImageNotFound, NotFound
from albumcore.ids import ImageId, PatientId
from albumcore.image_sets import PatientImageSet
from albumcore.index import ImageRow
from albumcore.streams import patient_stream
from albumcore.undoing import project_nothing
from albumcore_adapters.blobs import BlobMissing, ImageBytes
from albumcore_adapters.blobs.image_bytes import stored_length
from albumcore_adapters.directory.patients import Patients


class Gone(NotFound):
    """It was removed too long ago, or its data were erased since."""

    code = "gone"


class PatientNotFound(NotFound):
    """There is no patient of this id, and there was none."""

    code = "patient_not_found"


_PAGE = 50
"""Events that are read at a time where the last one of a kind is searched for."""

_TOO_LATE = "it was removed too long ago to be restored"
_ERASED = "its data are not there any more"


def bring_image_back(
    albums: Albumcore, image_bytes: ImageBytes, source: Source, image_id: ImageId, since: datetime
) -> None:
    """Restore an image that was removed since a time. Idempotent: one that can be shown stays as it is.

    Raises:
        ImageNotFound: there never was such an image, or its patient is deleted.
        Gone: it was removed before that time, or its bytes are not there any more.
        BlobsUnavailable: the storage of the bytes does not respond.
    """
    for row in albums.index.rows(ImageRow, {"image_id": image_id}):
        if row.is_closed:
            break
        if not row.is_removed:
            return
        stream = patient_stream(PatientId(row.patient))
        removal = _last(albums, stream, lambda one: one.at < since or _removes(one, image_id))
        if removal.at < since:
            raise Gone(_TOO_LATE, rule="too_late")
        _require_bytes(image_bytes, albums.added_image(row))
        albums.handle_undo(
            removal.version, project_nothing, stream, restore_image, source, image_id
        )
        return
    raise ImageNotFound("no such image")


def restorable_images(
    albums: Albumcore, patient: PatientId, since: datetime
) -> Mapping[ImageId, RecordedEvent[ImageRemoved]]:
    """The images of a patient that were removed since a time and not erased, each with its last removal."""
    where = {"patient": patient, "is_removed": True, "is_closed": False}
    removed = {
        ImageId(row.image_id)
        for row in albums.index.rows(ImageRow, where)
        if stored_length(albums.added_image(row)) is not None
    }
    found: dict[ImageId, RecordedEvent[ImageRemoved]] = {}
    if removed:
        events = _backwards(albums, patient_stream(patient))
        for one in takewhile(lambda one: one.at >= since, events):
            if isinstance(one.event, ImageRemoved) and one.event.image_id in removed:
                found.setdefault(one.event.image_id, one)
    return found


def bring_patient_back(
    albums: Albumcore, patients: Patients, source: Source, patient: PatientId, since: datetime
) -> None:
    """Restore a patient who was deleted since a time, with the images. Idempotent.

    The row of the directory is a projection of the event: both are there, or neither is.

    Raises:
        PatientNotFound: there never was such a patient.
        Gone: the patient was deleted before that time.
        PatientExists: another patient has the same names, date of birth and gender now.
    """
    stream = patient_stream(patient)
    if not albums.load(stream).is_closed:
        if not patients.exists(patient):
            raise PatientNotFound("no such patient")
        return
    deletion = _last(albums, stream, lambda one: isinstance(one.event, PatientDeleted))

    def project(recorded: tuple[RecordedEvent[Any], ...]) -> None:
        # Of two requests at once, the second finds the patient there.
        if not patients.restore(patient, since) and not patients.exists(patient):
            raise Gone(_TOO_LATE, rule="too_late")

    albums.handle_undo(deletion.version, project, stream, restore_patient, source)


def _removes(one: RecordedEvent[Any], image_id: ImageId) -> bool:
    return isinstance(one.event, ImageRemoved) and one.event.image_id == image_id


def _last(
    albums: Albumcore,
    stream: Stream[PatientImageSet],
    holds: Callable[[RecordedEvent[Any]], bool],
) -> RecordedEvent[Any]:
    """The last event of a stream that meets a condition; there is one. No more is read than the events after it."""
    return next(one for one in _backwards(albums, stream) if holds(one))


def _backwards(albums: Albumcore, stream: Stream[PatientImageSet]) -> Iterator[RecordedEvent[Any]]:
    """The events of a stream, the last one first; they are read as they are asked for."""
    until: int | None = None
    while until != 0:
        read = albums.events.get(stream.name, lte=until, desc=True, limit=_PAGE)
        last = tuple(cast(Iterable[RecordedEvent[Any]], read))
        yield from last
        until = last[-1].version - 1


def _require_bytes(image_bytes: ImageBytes, added: ImageAdded) -> None:
    """Check that the bytes of an image are there, and what is known of them.

    Raises:
        Gone: they are not.
    """
    if stored_length(added) is None:
        raise Gone(_ERASED, rule="erased")
    try:
        image_bytes.blobs.size(added.content.digest)
    except BlobMissing:
        raise Gone(_ERASED, rule="erased") from None
