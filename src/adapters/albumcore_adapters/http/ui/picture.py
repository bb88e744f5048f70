"""One picture of a patient in full, with the next and the previous one; and its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import falcon

from albumcore import Albumcore, ImageAdded
from albumcore.errors import ImageNotFound
from albumcore.ids import ImageId, PatientId
from albumcore.index import AddedImageRow
from albumcore.kernel import RecordedEvent
from albumcore.past_images import image_then
from albumcore.streams import patient_stream
from albumcore_adapters.base.byte_source import BytesSource
from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import BlobDamaged, BlobMissing, BlobsUnavailable, ImageBytes
from albumcore_adapters.blobs.media_types import OCTET_STREAM
from albumcore_adapters.decoding import (
    CannotDecode,
    Decoder,
    DecoderFailed,
    DecoderUnavailable,
    Picture,
)
from albumcore_adapters.dicom.signs import drawn
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.clinics import Clinics
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.http.conditional import ETAG, etag_of, is_unchanged
from albumcore_adapters.http.response import Response, TypedBody
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.pictures import (
    PictureFilter,
    StoredPicture,
    account_name,
    clinic_name,
    patient_in,
    patient_name,
    pictures_of,
)
from albumcore_adapters.http.ui.templates import HTML_PAGE, html
from albumcore_adapters.http.ui.then import asked_then

SHOWN_TYPES: Mapping[str, str] = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/bmp": "BMP",
}
"""The media types that browsers show as a picture, and what they are called."""

THUMBNAIL_SIDE = 256
"""The longest side of a small rendering, in pixels."""

_SIZE_UNKNOWN = (
    *(BlobDamaged, BlobMissing, BlobsUnavailable),
    *(CannotDecode, DecoderFailed, DecoderUnavailable, LimitReached),
)


def picture_page(
    request: PageRequest,
    albums: Albumcore,
    patients: Patients,
    clinics: Clinics,
    accounts: Accounts,
    settings: Settings,
    image_bytes: ImageBytes,
    decoder: Decoder,
) -> Response:
    """Show one picture, among those that the filters of the gallery leave.

    Raises:
        falcon.HTTPNotFound: the patient has no such picture, or had not then, or the filters leave it out.
    """
    patient_id, patient = patient_in(request, patients)
    filters = PictureFilter.of(request)
    then = asked_then(request, albums, patient_stream(patient_id))
    every = pictures_of(albums, patient_id, None if then is None else then.moment.at)
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
    filled_in = partial(
        html,
        request,
        "picture.html",
        patient_id=patient_id,
        patient=patient,
        name=patient_name(patient),
        picture=picture,
        clinic=clinic_name(request, known, picture.clinic),
        station=None if station is None else station.name,
        by=account_name(accounts, recorded.act.source.user),
        is_shown=_is_shown(recorded.event),
        kind=SHOWN_TYPES.get(content.media_type, content.media_type),
        # Of sealed bytes, what is recorded is no digest of what a reader gets.
        digest=content.digest if recorded.event.key is None else None,
        kilobytes=-(-cast(int, content.length) // 1024),
        place=place + 1,
        total=len(shown),
        newer=shown[place - 1].id if place else None,
        older=shown[place + 1].id if place + 1 < len(shown) else None,
        filters=filters,
        then=then,
        days=settings.restore_within,
    )

    def body() -> bytes:
        # After the read transaction: the bytes may be far away.
        return filled_in(pixels=_pixels(image_bytes, decoder, recorded.event))

    return Response(200, body, HTML_PAGE)


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
    added = _asked(request, albums, patients)
    media_type, headers = added.content.media_type, _headers(f'"{added.content.digest}"')
    if not _is_shown(added):
        headers["Content-Disposition"] = "attachment"
        media_type = OCTET_STREAM
    return Response(200, partial(_read, request, image_bytes, added), media_type, headers)


def picture_thumbnail(
    request: PageRequest,
    albums: Albumcore,
    patients: Patients,
    image_bytes: ImageBytes,
    decoder: Decoder,
) -> Response:
    """Send a small rendering of a picture; a sign of what cannot be rendered.

    Where the packages that render are not installed, a browser gets the picture itself to make it small.
    """
    added = _asked(request, albums, patients)
    headers = _headers(etag_of(str(added.content.digest), str(THUMBNAIL_SIDE)))
    if is_unchanged(request.req, headers[ETAG]):
        return Response(headers=headers)  # which nothing is rendered for
    sign = drawn("no picture")
    if not _is_shown(added):
        return Response(200, sign.content, sign.media_type, headers)
    picture = Picture(added.content.media_type, _read(request, image_bytes, added))
    return Response(200, partial(_small, decoder, picture), headers=headers)


def _small(decoder: Decoder, picture: Picture) -> TypedBody:
    """A small rendering of a picture, made after the read transaction: it may take long."""
    try:
        small = decoder.photograph(BytesSource(picture.content), THUMBNAIL_SIDE)
    except (CannotDecode, DecoderFailed):
        small = drawn("no picture")
    shown = small or picture
    return TypedBody(shown.content, shown.media_type)


def _pixels(image_bytes: ImageBytes, decoder: Decoder, added: ImageAdded) -> tuple[int, int] | None:
    """The width and the height of a picture; None if they are not known, for whatever reason: the page does without."""
    if not _is_shown(added):
        return None
    try:
        return decoder.photograph_size(BytesSource(image_bytes.get(added)))
    except _SIZE_UNKNOWN:
        return None


def _asked(request: PageRequest, albums: Albumcore, patients: Patients) -> ImageAdded:
    """The event that added the picture of the path, which is one of the patient of the path at the asked moment.

    Raises:
        falcon.HTTPNotFound: there is none.
    """
    patient_id, _ = patient_in(request, patients)
    image_id = ImageId(request.account_api.id)
    then = asked_then(request, albums, patient_stream(patient_id))
    try:
        if then is None:
            row, added = albums.image(image_id)
            patient = row.patient
        else:
            patient, added = image_then(albums, image_id, at=then.moment.at)
    except ImageNotFound:
        raise falcon.HTTPNotFound from None
    if patient != patient_id:
        raise falcon.HTTPNotFound
    return added


def _is_shown(added: ImageAdded) -> bool:
    """Whether browsers show it as a picture."""
    return added.content.media_type in SHOWN_TYPES and added.content.encoding == "base64"


def _headers(etag: str) -> dict[str, str]:
    return {"Cache-Control": "private, no-cache", ETAG: etag, "Vary": "Cookie"}


def _read(request: PageRequest, image_bytes: ImageBytes, added: ImageAdded) -> bytes:
    try:
        return bytes(image_bytes.get(added))
    except BlobMissing:
        if request.at is None:
            raise
        raise falcon.HTTPNotFound from None  # the bytes of what was removed may have been collected


_PICTURE = "/ui/patients/{patient}/pictures/{picture}"

_page = partial(page, callers=Callers.ACCOUNT, has_past=True)

ROUTES = (
    _page(_PICTURE, picture_page, "Show a picture of a patient."),
    _page(f"{_PICTURE}/file", picture_file, "Send a picture."),
    _page(f"{_PICTURE}/thumbnail", picture_thumbnail, "Send a picture small."),
)
