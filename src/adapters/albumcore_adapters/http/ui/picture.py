"""One picture of a patient in full, with the next and the previous one; and its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import falcon

from albumcore import Albumcore, ImageAdded
from albumcore.errors import ImageNotFound
from albumcore.ids import ImageId, PatientId
from albumcore.index import AddedImageRow
from albumcore.kernel import RecordedEvent
from albumcore.past_images import image_then
from albumcore.streams import patient_stream
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import BlobMissing, ImageBytes
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.clinics import Clinics
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.pictures import (
    PictureFilter,
    StoredPicture,
    account_name,
    clinic_name,
    moment_in,
    patient_in,
    patient_name,
    pictures_of,
)
from albumcore_adapters.http.ui.templates import show

SHOWN_TYPES: Mapping[str, str] = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/bmp": "BMP",
}
"""The media types that browsers show as a picture, and what they are called."""


def picture_page(
    request: PageRequest,
    albums: Albumcore,
    patients: Patients,
    clinics: Clinics,
    accounts: Accounts,
    settings: Settings,
) -> Response:
    """Show one picture, among those that the filters of the gallery leave."""
    patient_id, patient = patient_in(request, patients)
    filters, moment = PictureFilter.of(request), moment_in(request)
    every = pictures_of(albums, patient_id, moment)
    shown = [one for one in every if filters.keeps(one, request)]
    image_id = request.account_api.id
    place = next((number for number, one in enumerate(shown) if one.id == image_id), None)
    if place is None:
        raise falcon.HTTPNotFound
    picture = shown[place]
    known = {one.id: one for one in clinics.clinics()}
    station = None if picture.station is None else clinics.station(picture.station)
    recorded = _added(albums, patient_id, picture)
    content = recorded.event.content
    return show(
        request,
        "picture.html",
        patient_id=patient_id,
        patient=patient,
        name=patient_name(patient),
        picture=picture,
        clinic=clinic_name(request, known, picture.clinic),
        station=None if station is None else station.name,
        by=account_name(accounts, recorded.act.source.user),
        is_shown=content.media_type in SHOWN_TYPES and content.encoding == "base64",
        kind=SHOWN_TYPES.get(content.media_type, content.media_type),
        kilobytes=-(-cast(int, content.length) // 1024),
        place=place + 1,
        total=len(shown),
        newer=shown[place - 1].id if place else None,
        older=shown[place + 1].id if place + 1 < len(shown) else None,
        filters=filters,
        moment=moment,
        days=settings.restore_within,
    )


def _added(
    albums: Albumcore, patient: PatientId, picture: StoredPicture
) -> RecordedEvent[ImageAdded]:
    """The event that added a picture."""
    where = {"image_id": picture.id, "patient": patient}
    [row] = albums.index.rows(AddedImageRow, where)
    stream = patient_stream(patient).name
    [found] = albums.events.get(stream, gt=row.version - 1, lte=row.version)
    return cast(RecordedEvent[ImageAdded], found)


def picture_file(
    request: PageRequest, albums: Albumcore, patients: Patients, image_bytes: ImageBytes
) -> Response:
    """Send the bytes of a picture, as of a moment those of one that was removed since as well.

    What browsers do not show as a picture is sent as a file to store.
    """
    patient_id, _ = patient_in(request, patients)
    image_id, moment = ImageId(request.account_api.id), moment_in(request)
    try:
        if moment is None:
            row, added = albums.image(image_id)
            patient = row.patient
        else:
            patient, added = image_then(albums, image_id, at=moment)
    except ImageNotFound:
        raise falcon.HTTPNotFound from None
    if patient != patient_id:
        raise falcon.HTTPNotFound
    media_type = added.content.media_type
    headers: dict[str, Any] = {
        "Cache-Control": "private, no-cache",
        "ETag": f'"{added.content.digest}"',
        "Vary": "Cookie",
    }
    if media_type not in SHOWN_TYPES or added.content.encoding != "base64":
        headers["Content-Disposition"] = "attachment"
        media_type = "application/octet-stream"
    read = partial(_read, image_bytes, added, is_past=moment is not None)
    return Response(200, read, media_type, headers)


def _read(image_bytes: ImageBytes, added: ImageAdded, *, is_past: bool) -> bytes:
    try:
        return bytes(image_bytes.get(added))
    except BlobMissing:
        if not is_past:
            raise
        raise falcon.HTTPNotFound from None  # the bytes of what was removed may have been collected


_PICTURE = "/ui/patients/{patient}/pictures/{picture}"

ROUTES = (
    page(_PICTURE, picture_page, "Show a picture of a patient.", callers=Callers.ACCOUNT),
    page(f"{_PICTURE}/file", picture_file, "Send a picture.", callers=Callers.ACCOUNT),
)
