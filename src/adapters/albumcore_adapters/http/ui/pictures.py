"""The pictures of a patient, as the pages show them: now or as of a moment, filtered, those that were removed too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

import falcon
from attrs import frozen
from markupsafe import Markup

from albumcore import Albumcore
from albumcore.ids import ImageId, PatientId, UserId
from albumcore.image_sets import ImageType
from albumcore.index import ImageRow
from albumcore.kernel import ERASED
from albumcore.past_images import images_then
from albumcore.streams import patient_stream
from albumcore_adapters.access.restoring import restorable_images
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.clinics import Clinic
from albumcore_adapters.directory.patients import Patient, Patients
from albumcore_adapters.http.kheops.parameters import BadQuery
from albumcore_adapters.http.tscharts.value_readers import identifier
from albumcore_adapters.http.ui.page_request import PageRequest


@frozen
class StoredPicture:
    """An image of a patient.

    Attributes:
        id: Its id.
        type: What it shows.
        clinic: The id of the clinic that it was taken at, if it is known.
        station: The id of the station, likewise.
        at: When it was added (UTC).
    """

    id: ImageId
    type: ImageType
    clinic: int | None
    station: int | None
    at: datetime


@frozen
class RemovedPicture:
    """An image that was removed, and can be restored.

    Attributes:
        picture: The image.
        by: The name of the account that removed it.
        at: When it did (UTC).
        until: Until when the image can be restored (UTC).
    """

    picture: StoredPicture
    by: str | None
    at: datetime
    until: datetime


@frozen
class PictureGroup:
    """Pictures that follow each other and were taken at one clinic, or, without a clinic, on one day.

    Attributes:
        name: The clinic, or the day, in words.
        day: The day that the name says: the first one of the clinic, or that on which the pictures were added.
        tiles: The pictures.
    """

    name: Markup
    day: date
    tiles: Sequence[StoredPicture | RemovedPicture]


@frozen
class PictureFilter:
    """The filters of a gallery; None is no filter.

    Attributes:
        type: What the pictures show.
        clinic: The id of the clinic that they were taken at.
        day: The day on which they were added, in the reader's time zone.
    """

    type: ImageType | None
    clinic: int | None
    day: date | None

    @classmethod
    def of(cls, request: PageRequest) -> PictureFilter:
        """The filters in the address of a page.

        Raises:
            BadQuery: one has a bad value.
        """
        return cls(
            *(
                _read(request, name, reader)
                for name, reader in (
                    ("type", ImageType),
                    ("clinic", identifier),
                    ("day", date.fromisoformat),
                )
            )
        )

    @property
    def query(self) -> Mapping[str, str | None]:
        """The filters, for the address of a page."""
        return {
            "type": None if self.type is None else self.type.value,
            "clinic": None if self.clinic is None else str(self.clinic),
            "day": None if self.day is None else self.day.isoformat(),
        }

    def keeps(self, picture: StoredPicture, request: PageRequest) -> bool:
        """Whether a picture is shown."""
        return (
            self.type in (None, picture.type)
            and self.clinic in (None, picture.clinic)
            and self.day in (None, request.times.local(picture.at).date())
        )


def _read(request: PageRequest, name: str, reader: Any) -> Any:
    text = request.query.text(name)
    try:
        return reader(text) if text else None
    except ValueError:
        raise BadQuery(name, "it is none that there is", rule="no_choice") from None


def patient_in(request: PageRequest, patients: Patients) -> tuple[PatientId, Patient]:
    """The patient in the path.

    Raises:
        falcon.HTTPNotFound: there is none.
    """
    try:
        patient_id = PatientId(identifier(request.path["patient"]))
    except ValueError:
        raise falcon.HTTPNotFound from None
    patient = patients.patient(patient_id)
    if patient is None:
        raise falcon.HTTPNotFound
    return patient_id, patient


def patient_name(patient: Patient) -> str:
    """What a patient is called: the last names, a comma, and the first names."""
    last = " ".join(filter(None, (patient.paternal_last, patient.maternal_last)))
    first = " ".join(filter(None, (patient.first, patient.middle)))
    return ", ".join(filter(None, (last, first)))


def pictures_of(
    albums: Albumcore, patient: PatientId, at: datetime | None
) -> Sequence[StoredPicture]:
    """The pictures of a patient now, or as of a moment; the newest first."""
    if at is None:
        where = {"patient": patient, "is_removed": False, "is_closed": False}
        # An image that was erased is still in the set, without its content.
        images = albums.load(patient_stream(patient)).images
        known = {one for one, image in images.items() if image.content.length is not ERASED}
        rows = albums.index.rows(ImageRow, where)
        found = [_picture(row) for row in rows if row.image_id in known]
    else:
        found = [
            StoredPicture(one, image.type, image.clinic, image.station, added)
            for one, (image, added) in images_then(albums, patient, at=at).items()
        ]
    return sorted(found, key=_recency, reverse=True)


def removed_pictures(
    albums: Albumcore, accounts: Accounts, settings: Settings, patient: PatientId, now: datetime
) -> Sequence[RemovedPicture]:
    """The pictures of a patient that were removed, and can be restored."""
    since = settings.restorable_since(now)
    removals = restorable_images(albums, patient, since)
    rows = albums.index.rows(ImageRow, {"patient": patient, "image_id": list(removals)})
    found = []
    for row in rows:
        removal = removals[ImageId(row.image_id)]
        by, until = account_name(accounts, removal.act.source.user), removal.at + (now - since)
        found.append(RemovedPicture(_picture(row), by, removal.at, until))
    return found


def account_name(accounts: Accounts, user: UserId) -> str | None:
    """The name of the account of a user id; None if there is none."""
    account = accounts.with_user(user)
    return None if account is None else account.name


def by_age(
    tiles: Iterable[StoredPicture | RemovedPicture],
) -> Sequence[StoredPicture | RemovedPicture]:
    """Pictures, the newest first; those that were removed keep their places."""
    return sorted(tiles, key=lambda one: _recency(picture_of(one)), reverse=True)


def older_than(
    request: PageRequest,
    albums: Albumcore,
    patient: PatientId,
    tiles: Sequence[StoredPicture | RemovedPicture],
) -> Sequence[StoredPicture | RemovedPicture]:
    """The pictures of a patient after the one that ``before`` of the query names; all without it.

    That picture may be removed meanwhile: where it was says where to go on, and a number of pictures does not.

    Raises:
        BadQuery: the patient never had this picture.
    """

    def place(text: str) -> Any:
        image = {"patient": patient, "image_id": identifier(text)}
        [row] = albums.index.rows(ImageRow, image)  # a ValueError where there is none
        return _recency(_picture(row))

    last = _read(request, "before", place)
    return tiles if last is None else [one for one in tiles if _recency(picture_of(one)) < last]


def grouped(
    request: PageRequest,
    tiles: Iterable[StoredPicture | RemovedPicture],
    clinics: Mapping[int, Clinic],
) -> Iterator[PictureGroup]:
    """Pictures, the newest first, in groups."""

    def place(tile: StoredPicture | RemovedPicture) -> tuple[int | None, date]:
        picture = picture_of(tile)
        if picture.clinic is not None and picture.clinic in clinics:
            return picture.clinic, clinics[picture.clinic].start
        return None, request.times.local(picture.at).date()

    for (clinic, day), group in groupby(tiles, place):
        name = clinic_name(request, clinics, clinic) or request.times.date(day)
        yield PictureGroup(name, day, list(group))


def clinic_name(
    request: PageRequest, clinics: Mapping[int, Clinic], clinic: int | None
) -> Markup | None:
    """Where and when a clinic is, in words; None if it is not known."""
    found = None if clinic is None else clinics.get(clinic)
    if found is None:
        return None
    day = request.times.date(found.start)
    return request.say("gallery.clinic", location=found.location, day=day)


def picture_of(tile: StoredPicture | RemovedPicture) -> StoredPicture:
    """The picture of a place in the gallery, removed or not."""
    return tile.picture if isinstance(tile, RemovedPicture) else tile


def _picture(row: ImageRow) -> StoredPicture:
    return StoredPicture(
        ImageId(row.image_id), ImageType(row.type), row.clinic, row.station, row.at
    )


def _recency(picture: StoredPicture) -> tuple[datetime, int]:
    return picture.at, picture.id
