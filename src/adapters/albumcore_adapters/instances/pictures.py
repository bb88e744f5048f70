"""Pictures of stored instances: rendered frames, and thumbnails, of which the usual one of each series is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.decoding import (
    CannotDecode,
    DecoderFailed,
    NotAnInstance,
    Picture,
    Rendering,
    Viewport,
    thumbnail,
)
from albumcore_adapters.dicom.signs import drawn, sign_of
from albumcore_adapters.directory.stored_instances import StoredInstance, Thumbnail
from albumcore_adapters.instances.reading import InstanceReader, places_of

USUAL_VIEWPORT = Viewport(256, 256)
"""The viewport of thumbnails that are stored, and of those that do not name one."""

_MOST_TRIED = 3


def rendered(
    reader: InstanceReader, instance: StoredInstance, frame: int, rendering: Rendering
) -> Picture:
    """Render a frame of an instance.

    Args:
        reader: Reads the instance.
        instance: The instance.
        frame: The number of the frame, from 1.
        rendering: How.

    Raises:
        CannotDecode: it has no such frame, or the frame cannot be decoded here, or not within the limits.
        InstanceNotFound: it was erased.
    """
    try:
        return reader.decoder.render(reader.open(instance), frame, rendering)
    except (NotAnInstance, DecoderFailed) as error:
        raise CannotDecode(str(error)) from error


def representatives(instances: Sequence[StoredInstance]) -> list[StoredInstance]:
    """Return the instances of a series that may stand for it, the best first; at most three.

    It is the one in the middle, or next to the middle, of those whose frames are known; of all, if none are.
    """
    middle = (len(instances) - 1) // 2
    places = sorted(range(len(instances)), key=lambda place: (abs(place - middle), place))
    outward = [instances[place] for place in places]
    return [*islice(filter(_frames_of, outward), _MOST_TRIED)] or outward[:_MOST_TRIED]


def _frames_of(instance: StoredInstance) -> int:
    """The number of frames of an instance; 0 if there are none, or if it is not known."""
    places = places_of(instance)
    return 0 if places is None or places.frames is None else places.frames.number


def thumbnail_of_instance(
    reader: InstanceReader,
    instance: StoredInstance,
    viewport: Viewport = USUAL_VIEWPORT,
    frame: int | None = None,
) -> Picture:
    """Return a small picture of a frame; a sign, if it cannot be decoded.

    Args:
        reader: Reads the instance.
        instance: The instance.
        viewport: Where it is shown.
        frame: The number of the frame, from 1; None for the one in the middle.

    Raises:
        InstanceNotFound: it was erased.
    """
    try:
        return _thumbnail(reader, instance, viewport, frame)
    except CannotDecode:
        return _sign(instance)


def thumbnail_of_series(
    reader: InstanceReader,
    study: StudyUID,
    series: SeriesUID,
    viewport: Viewport = USUAL_VIEWPORT,
) -> Picture:
    """Return a small picture of a series: of its representative, or a sign, if it cannot be decoded.

    That in `USUAL_VIEWPORT` is stored when it is made first. A sign is stored only where decoding exceeded the limits,
    which is not tried again.

    Raises:
        InstanceNotFound: the series has no instances with bytes.
    """
    is_usual = viewport == USUAL_VIEWPORT
    stored = reader.instances.thumbnail(series) if is_usual else None
    if stored is not None:
        return Picture(stored.media_type, stored.image)
    picture, is_final = _of_representatives(reader, reader.of_series(study, [series]), viewport)
    if is_usual and is_final:
        reader.instances.put_thumbnail(series, Thumbnail(picture.media_type, picture.content))
    return picture


def _of_representatives(
    reader: InstanceReader, instances: Sequence[StoredInstance], viewport: Viewport
) -> tuple[Picture, bool]:
    """The thumbnail of some instances, and whether it is worth being stored."""
    chosen, exceeded = representatives(instances), False
    for instance in chosen:
        try:
            return _thumbnail(reader, instance, viewport), True
        except CannotDecode as error:
            exceeded = isinstance(error.__cause__, DecoderFailed)
            if exceeded:
                break
    return _sign(chosen[0]), exceeded


def store_thumbnails(reader: InstanceReader, series: Iterable[tuple[StudyUID, SeriesUID]]) -> None:
    """Make and store the usual thumbnails of some series with frames, so that a first view need not wait for them.

    One that cannot be made or stored now is left to that view.
    """
    for study, uid in series:
        # Whatever it is: the instances are stored.
        with suppress(Exception):
            instances = reader.of_series(study, [uid])
            if any(map(_frames_of, representatives(instances))):
                thumbnail_of_series(reader, study, uid)


def _thumbnail(
    reader: InstanceReader, instance: StoredInstance, viewport: Viewport, frame: int | None = None
) -> Picture:
    number = frame or (_frames_of(instance) + 1) // 2 or 1
    return rendered(reader, instance, number, thumbnail(viewport))


def _sign(instance: StoredInstance) -> Picture:
    return drawn(sign_of(instance.sop_class_uid or "", instance.transfer_syntax or ""))
