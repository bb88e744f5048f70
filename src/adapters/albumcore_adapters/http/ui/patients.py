"""The search for patients, by name or birthday."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from attrs import frozen

from albumcore import Albumcore
from albumcore.ids import ImageId, PatientId
from albumcore.image_sets import ImageType
from albumcore.index import SHOWN, ImageRow
from albumcore_adapters.directory.patient_search import contains, equals
from albumcore_adapters.directory.patients import Patient, Patients
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.pictures import patient_name
from albumcore_adapters.http.ui.templates import show

MOST_SHOWN = 50
"""How many patients are shown of those that were found."""

_ANY_NAME = contains("paternal_last", "maternal_last", "first", "middle")


@frozen
class PatientLine:
    """A patient in the list.

    Attributes:
        id: The id.
        name: What the patient is called.
        patient: The patient.
        images: The number of images.
        last: When the newest was added (UTC); None without any.
        headshot: The id of the newest headshot, if there is one.
    """

    id: PatientId
    name: str
    patient: Patient
    images: int
    last: datetime | None
    headshot: ImageId | None


def patients_page(request: PageRequest, albums: Albumcore, patients: Patients) -> Response:
    """Show the patients who have every given word in one of their names, and were born on the given day."""
    name = (request.query.text("name") or "").strip()
    born, is_bad = _day(request.query.text("born") or "")
    conditions = [_ANY_NAME(word) for word in name.split()[:MOST_SHOWN]]
    if born is not None:
        conditions.append(equals("dob")(born))
    found = patients.search(conditions) if conditions and not is_bad else []
    return show(
        request,
        "patients.html",
        status=400 if is_bad else 200,
        name=name,
        born=request.query.text("born") or "",
        day=born,
        is_bad=is_bad,
        is_search=bool(conditions),
        total=len(found),
        lines=_lines(albums, patients, found[:MOST_SHOWN]),
    )


def _day(text: str) -> tuple[date | None, bool]:
    """The day that a field has, and whether its value is bad."""
    try:
        return (date.fromisoformat(text) if text else None), False
    except ValueError:
        return None, True


def _lines(
    albums: Albumcore, patients: Patients, ids: Sequence[PatientId]
) -> Sequence[PatientLine]:
    images: dict[int, list[ImageRow]] = {one: [] for one in ids}
    for row in albums.index.rows(ImageRow, {"patient": list(ids), **SHOWN}) if ids else ():
        images[row.patient].append(row)
    lines = []
    for one in ids:
        patient = patients.patient(one)
        if patient is not None:
            by_age = sorted(images[one], key=lambda row: (row.at, row.image_id), reverse=True)
            headshots = (row for row in by_age if row.type == ImageType.HEADSHOT.value)
            headshot = next((ImageId(row.image_id) for row in headshots), None)
            last = by_age[0].at if by_age else None
            lines.append(
                PatientLine(one, patient_name(patient), patient, len(by_age), last, headshot)
            )
    return lines


ROUTES = (page("/ui/patients", patients_page, "Search for patients.", callers=Callers.ACCOUNT),)
