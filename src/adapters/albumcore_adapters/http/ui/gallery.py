"""The pictures of a patient as a gallery, newest first; adding one, removing one, and bringing one back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import falcon

from albumcore import Albumcore
from albumcore.errors import Invalid
from albumcore.ids import ImageId
from albumcore.image_sets import ImageType
from albumcore.index import ImageRow
from albumcore.streams import patient_stream
from albumcore.times import Clock
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import ImageBytes
from albumcore_adapters.blobs.media_types import sniff
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.clinics import Clinic, Clinics
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.http.live import Live
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.tscharts import images
from albumcore_adapters.http.tscharts.value_readers import identifier
from albumcore_adapters.http.ui.followed import image_set_events
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.past import images_card
from albumcore_adapters.http.ui.picture import SHOWN_TYPES
from albumcore_adapters.http.ui.pictures import (
    PictureFilter,
    StoredPicture,
    by_age,
    clinic_name,
    grouped,
    older_than,
    patient_in,
    patient_name,
    picture_of,
    pictures_of,
    removed_pictures,
)
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.http.ui.then import asked_then
from albumcore_adapters.sql.database import Database

SHOWN_PICTURES = 24
"""Pictures on a page of the gallery: with them, and all that it needs beside, it is less than 300 KB."""


def gallery_page(
    request: PageRequest,
    albums: Albumcore,
    patients: Patients,
    clinics: Clinics,
    accounts: Accounts,
    settings: Settings,
    live: Live,
) -> Response:
    """Show the pictures of a patient, now or as of a moment; or, for htmx with ``before``, older ones."""
    values = _gallery(request, albums, patients, clinics, accounts, settings, live)
    is_more = request.is_fragment and request.query.text("before") is not None
    template = "gallery/tiles.html" if is_more else "gallery.html"
    return show(request, template, refused=None, **values)


def _gallery(
    request: PageRequest,
    albums: Albumcore,
    patients: Patients,
    clinics: Clinics,
    accounts: Accounts,
    settings: Settings,
    live: Live,
) -> dict[str, Any]:
    """What the page shows."""
    patient_id, patient = patient_in(request, patients)
    filters = PictureFilter.of(request)
    then = asked_then(request, albums, patient_stream(patient_id))
    known = {one.id: one for one in clinics.clinics()}
    pictures = pictures_of(albums, patient_id, None if then is None else then.moment.at)
    shown = [one for one in pictures if filters.keeps(one, request)]
    removed = [
        one
        for one in (
            removed_pictures(albums, accounts, settings, patient_id, request.now)
            if then is None
            else ()
        )
        if filters.keeps(one.picture, request)
    ]
    visited = {one.clinic for one in pictures}
    tiles = by_age([*shown, *removed])
    left = older_than(request, albums, patient_id, tiles)
    on_page = left[:SHOWN_PICTURES]
    return {
        "patient_id": patient_id,
        "patient": patient,
        "name": patient_name(patient),
        "total": len(pictures),
        "groups": list(grouped(request, on_page, known)),
        "older": picture_of(on_page[-1]).id if len(left) > len(on_page) else None,
        "is_empty": not tiles,
        "filters": filters,
        "types": _types(request, pictures, filters),
        "all_types": list(ImageType),
        "visited": [
            (one, clinic_name(request, known, one)) for one in reversed(known) if one in visited
        ],
        "clinics": [(one, clinic_name(request, known, one)) for one in reversed(known)],
        "here": _clinic_of(known, request),
        "stations": clinics.stations(),
        "then": then,
        "followed": image_set_events(request, albums, live, patient_id, then),
        # As for an album.
        "card": None
        if request.is_fragment and then
        else images_card(request, albums, patient_id, then),
    }


def _types(
    request: PageRequest, pictures: Sequence[StoredPicture], filters: PictureFilter
) -> Sequence[tuple[str, str, int]]:
    """The types to choose from, each with the number of pictures that the other filters leave."""
    others = PictureFilter(None, filters.clinic, filters.day)
    counted = Counter(one.type for one in pictures if others.keeps(one, request))
    return [
        ("", request.say("gallery.all"), counted.total()),
        *(
            (one.value, request.say(f"gallery.type.{one.value}"), counted[one])
            for one in ImageType
            if counted[one] or one is filters.type
        ),
    ]


def _clinic_of(clinics: dict[int, Clinic], request: PageRequest) -> int | None:
    """The clinic that takes place today, of which a new picture most likely is."""
    today = request.times.local(request.now).date()
    return next((one.id for one in clinics.values() if one.start <= today <= one.end), None)


def add_picture(
    request: PageRequest,
    albums: Albumcore,
    patients: Patients,
    clinics: Clinics,
    accounts: Accounts,
    settings: Settings,
    database: Database,
    image_bytes: ImageBytes,
    live: Live,
) -> Response:
    """Add a picture to the patient, as the TSCharts API does."""
    patient_id, _ = patient_in(request, patients)
    image_type = _type(request.form.text("type"))
    ids = {"patient": int(patient_id)}
    for name in ("clinic", "station"):
        if given := request.form.text(name):
            ids[name] = _id(name, given)
    picture = request.files.get("picture", request.files.get("camera"))
    if picture is None or sniff(picture) not in SHOWN_TYPES:
        refused = "missing" if picture is None else "not_shown" if picture else "no_bytes"
        values = _gallery(request, albums, patients, clinics, accounts, settings, live)
        return show(request, "gallery.html", status=400, refused=refused, **values)
    source = request.account_api.source
    added = images.add(albums, database, image_bytes, source, ids, image_type, (picture, "base64"))
    where = request.url(f"/ui/patients/{patient_id}")
    return Response(303, headers={"Location": f"{where}#picture-{added.event.image_id}"})


def remove_picture(request: PageRequest, albums: Albumcore, patients: Patients) -> Response:
    """Remove a picture, as the TSCharts API does."""
    patient_id, _ = patient_in(request, patients)
    _require_own(request, albums, patient_id)
    images.remove(request.account_api, albums)
    return request.to(f"/ui/patients/{patient_id}")


def restore_picture(
    request: PageRequest,
    albums: Albumcore,
    patients: Patients,
    image_bytes: ImageBytes,
    settings: Settings,
    clock: Clock,
) -> Response:
    """Bring a removed picture back, as the TSCharts API does."""
    patient_id, _ = patient_in(request, patients)
    _require_own(request, albums, patient_id)
    images.restore(request.account_api, albums, image_bytes, settings, clock)
    where = request.url(f"/ui/patients/{patient_id}")
    return Response(303, headers={"Location": f"{where}#picture-{request.account_api.id}"})


def _require_own(request: PageRequest, albums: Albumcore, patient_id: int) -> None:
    """Check that the picture of the path is one of the patient of the path.

    Raises:
        falcon.HTTPNotFound: it is not.
    """
    where = {"image_id": ImageId(request.account_api.id), "patient": patient_id}
    if not albums.index.rows(ImageRow, where):
        raise falcon.HTTPNotFound


def _type(text: str | None) -> ImageType:
    try:
        return ImageType(text)
    except ValueError:
        raise Invalid("type", "one of the types of images is expected", rule="no_choice") from None


def _id(name: str, text: str) -> int:
    try:
        return identifier(text)
    except ValueError:
        raise Invalid(name, "an id is expected", rule="no_choice") from None


_PATIENT = "/ui/patients/{patient}"
_PICTURE = f"{_PATIENT}/pictures/{{picture}}"

ROUTES = (
    page(
        _PATIENT,
        gallery_page,
        "Show the pictures of a patient.",
        callers=Callers.ACCOUNT,
        has_past=True,
    ),
    act(f"{_PATIENT}/pictures", add_picture, "Add a picture.", callers=Callers.ACCOUNT),
    act(f"{_PICTURE}/remove", remove_picture, "Remove a picture.", callers=Callers.ACCOUNT),
    act(
        f"{_PICTURE}/restore",
        restore_picture,
        "Bring a removed picture back.",
        callers=Callers.ACCOUNT,
    ),
)
