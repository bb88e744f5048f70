"""`albumcore erase`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from cyclopts import Parameter

from albumcore.ids import ImageId, PatientId, UserId, album_id, is_uid, study_uid
from albumcore.streams import album_stream, study_stream
from albumcore.text import check_text
from albumcore_adapters.base.data_directory import ERASURES_FILE
from albumcore_adapters.base.retention import parse_retention
from albumcore_adapters.cli.base import DataOption, Failed, app
from albumcore_adapters.cli.opening import existing
from albumcore_adapters.directory.pseudonyms import is_pseudonym
from albumcore_adapters.erasure.erasing import Eraser, ErasureRefused, ErasureResult, require_sealed
from albumcore_adapters.erasure.subjects import (
    erase_album,
    erase_comment,
    erase_image,
    erase_instances,
    erase_patient,
    erase_person,
    erase_study,
    studies_with_patient_id,
)
from albumcore_adapters.service import Service
from albumcore_adapters.store import is_store_sealed

_MAX_BASIS = 255
Kind = Literal[
    "person", "account", "patient", "dicom-patient", "study", "comment", "image", "album"
]
_IN_CLEAR: tuple[Kind, ...] = ("dicom-patient", "study")
"""What has instances, which are sealed in stores in clear, too."""


@app.command
def erase(
    kind: Annotated[Kind, Parameter(help="What it is.")],
    which: Annotated[
        str,
        Parameter(
            help="The sub or e-mail address of a person, or the pseudonym of one who was erased; the name of an "
            "account, or the number of a patient, of the TSCharts API; the number of an image, a PatientID of DICOM, "
            "a StudyInstanceUID, an album id; of a comment, its album or study."
        ),
    ],
    version: Annotated[
        int | None, Parameter(help="The version of a comment, as `albumcore events` shows it.")
    ] = None,
    /,
    *,
    basis: Annotated[
        str | None,
        Parameter(
            help="The legal basis, such as an article of a law. It is recorded, and overrides ALBUMCORE_KEEP_AT_LEAST."
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Erase a person, account, patient, study, comment, image or album: at once, no reader sees it again.

    In a store in clear, `dicom-patient` and `study` erase the instances and what the catalogue says of them; comments
    stay, and the other kinds are refused. The service may run meanwhile. `albumcore gc` then removes what was erased
    from the files of the database, too.

    For example:

        albumcore erase person alice@clinic.example
        albumcore erase patient 7 --basis "Art. 17 GDPR"
        albumcore erase dicom-patient MRN-4711
        albumcore erase comment Q7bZ2mP0xT 3
        albumcore erase image 63
    """
    if (version is not None) != (kind == "comment"):
        raise Failed(
            "erase comment needs an album or study, and a version; other kinds have no version", 2
        )
    if basis is not None:
        check_text("basis", basis, 1, _MAX_BASIS)
    with existing(data) as service:
        try:
            eraser = eraser_of(service)
            if kind not in _IN_CLEAR:
                require_sealed(eraser.albums)
            erased = [*_erased(service, eraser, kind, which, version, basis)]
        except ErasureRefused as error:
            raise Failed(f"nothing was erased: {error}", 2) from error
    for line in _sentences(kind, which, erased):
        print(line)


def eraser_of(service: Service) -> Eraser:
    """What erasures need, of an open service."""
    settings = service.settings
    retention = {} if settings.keep_at_least is None else parse_retention(settings.keep_at_least)
    file = settings.data / ERASURES_FILE
    return Eraser(service.albums, service.database, service.clock, retention, file)


def _erased(
    service: Service,
    eraser: Eraser,
    kind: Kind,
    which: str,
    version: int | None,
    basis: str | None,
) -> Iterator[ErasureResult]:
    of_study = erase_study if is_store_sealed(service.albums) else erase_instances
    match kind:
        case "person":
            found = service.people.find(which)
            if found is not None:
                yield erase_person(eraser, found.id, basis)
            elif is_pseudonym(which):
                # They were erased; a request of theirs may have ended afterwards.
                yield erase_person(eraser, UserId(which), basis)
        case "account":
            account = service.accounts.named(which)
            if account is not None:
                yield erase_person(eraser, account.user, basis)
        case "patient":
            yield erase_patient(eraser, PatientId(_number(which)), basis)
        case "dicom-patient":
            for uid in studies_with_patient_id(eraser, which):
                yield of_study(eraser, uid, basis)
        case "study":
            yield of_study(eraser, study_uid(which), basis)
        case "comment":
            assert version is not None
            is_on_study = "." in which and is_uid(which)
            stream = (
                study_stream(study_uid(which)) if is_on_study else album_stream(album_id(which))
            )
            yield erase_comment(eraser, stream.name, version, basis)
        case "image":
            yield erase_image(eraser, ImageId(_number(which)), basis)
        case "album":
            yield erase_album(eraser, album_id(which), basis)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Failed(f"{text!r} is no number", 2)
    return int(text)


def _sentences(kind: Kind, which: str, erased: Iterable[ErasureResult]) -> Iterator[str]:
    found = [one for one in erased if not one.is_nothing]
    if not found:
        yield f"there is nothing to erase of {kind} {which}"
        return
    events, streams, rows = (
        sum(getattr(one, name) for one in found) for name in ("events", "streams", "rows")
    )
    yield f"{events} events in {streams} streams were erased, and {rows} rows beside them"
    for one in found:
        yield from one.notes
    yield "`albumcore gc` removes them from the files, too"
