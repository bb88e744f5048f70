"""The demo: an album with every mutation and both kinds of comment, and a patient with four images."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from albumcore import (
    Grants,
    ImageType,
    Source,
    WebhookEvent,
    add_admin,
    add_favorite,
    add_image,
    add_member,
    add_report,
    album_stream,
    create_album,
    create_report_provider,
    create_webhook,
    delete_report_provider,
    delete_webhook,
    demote_admin,
    edit_album,
    edit_report_provider,
    edit_webhook,
    import_series,
    import_study,
    issue_capability_token,
    leave_album,
    patient_stream,
    post_comment,
    promote_member,
    remove_favorite,
    remove_member,
    remove_series,
    remove_study,
    trigger_webhook,
)
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore_adapters.access.images import upload_to
from albumcore_adapters.base.data_directory import DEMO_FILE
from albumcore_adapters.decoding.process import DecoderFailed
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.identity.issuing import issue
from albumcore_adapters.identity.service_tokens import sign_in_code
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.sql.open_lock import exclusive_lock

ADA, BEN, CAT = "demo-ada", "demo-ben", "demo-cat"
PEOPLE = {
    ADA: ("ada@clinic.example", "Ada Okafor"),
    BEN: ("ben@clinic.example", "Ben Lindqvist"),
    CAT: ("cat@clinic.example", "Cat Moreau"),
}
ACCOUNT = "demo"
DEMO_IMAGES = {
    ImageType.HEADSHOT: "headshot.jpg",
    ImageType.XRAY: "xray.png",
    ImageType.SURGERY: "surgery.jpg",
    ImageType.AUDIOGRAM: "audiogram.png",
}
_DESCRIPTIONS = (
    "Brain-MRA",
    "XR C Spine",
    "CT, HEAD/BRAIN",
    "OFFIS Structured Reporting Temp",
)
_SPAN = timedelta(weeks=3)
_REMAINING = 0.85  # of the remaining time, after each event
_IMPORTS = 3
_TOKEN_LIFE = 12 * 3600  # seconds: one working day of trying things out


@frozen
class Demo:
    """The ids of what the demo made, of which its URLs are built."""

    album_id: str
    patient: int
    clinic: int
    station: int
    images: dict[str, int]


def fill(service: Service, clock: Callable[[], datetime] | None = None) -> Demo:
    """Fill the store of a service with the demo. Idempotent: a second call returns what the first one made.

    Args:
        service: The open service.
        clock: Returns the time of the next event, aware and in UTC. By default, they are spread `over_weeks` until
            now.

    Raises:
        DecoderFailed: a file was not read, the third time either.
    """
    marker = service.settings.data / DEMO_FILE
    with exclusive_lock(marker.with_suffix(".lock")):
        if marker.exists():
            return Demo(**json.loads(marker.read_text()))
        return _fill(service, marker, clock or over_weeks(service.clock()))


def _fill(service: Service, marker: Path, clock: Callable[[], datetime]) -> Demo:
    with closing(open_service(service.settings, clock=clock)) as in_the_past:
        register = in_the_past.people.register
        users = [register(sub, *claims).id for sub, claims in PEOPLE.items()]
        demo = Demo(_album(in_the_past, *users), *_image_set(in_the_past))
    # Written last and atomically: a fill that was cut off is repeated in full.
    unfinished = marker.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(demo)))
    os.replace(unfinished, marker)
    return demo


def over_weeks(until: datetime) -> Callable[[], datetime]:
    """Return a clock that starts three weeks before a time and approaches it, without reaching it.

    Each reading is later than the one before; for the first 60 readings, by more than a second.
    """
    ticks = count()
    return lambda: until - _SPAN * _REMAINING ** next(ticks)


def _import_studies(service: Service, owner: UserId) -> Sequence[StudyUID]:
    """Import DICOM files that come with pydicom; return four studies: a brain, a spine, a head, and a report."""
    # Imported here: workers are forked from the process that serves the demo, and would hold both in memory.
    import pydicom.data

    from albumcore_adapters.instances.importing import import_instances

    folder = Path(pydicom.data.__file__).parent / "test_files"
    scans = folder / "dicomdirtests"
    paths = [scans / "98892003", scans / "77654033", folder / "reportsi.dcm"]
    upload = upload_to(service.image_access, Caller(Source(owner), in_person=True))
    # The files are sound. One that is refused was not read in time, as happens on a busy machine.
    for _ in range(_IMPORTS):
        refused = import_instances(service.instance_store, upload, paths).refused
        paths = [one.path for one in refused]
    if refused:
        raise DecoderFailed(f"{refused[0].path}: {refused[0].reason}")
    studies = service.inbox.studies(owner)
    descriptions = sorted(service.catalogue.study_descriptions(studies).items())
    return [
        next(uid for uid, text in descriptions if text.startswith(beginning))
        for beginning in _DESCRIPTIONS
    ]


def _album(service: Service, ada: UserId, ben: UserId, cat: UserId) -> str:
    albums, catalogue, make_id = service.albums, service.catalogue, service.make_id
    brain, spine, head, report = _import_studies(service, ada)
    album_id = AlbumId(make_id(10))
    by_ada, by_ben = Source(ada), Source(ben)
    token = CapabilityTokenId(make_id(10))
    provider = ReportProviderId(make_id(22))
    webhook = WebhookId(make_id(20))

    def series(study: StudyUID) -> list[Any]:
        return sorted(catalogue.series_of(study))

    def do(source: Source, decision: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        albums.handle(album_stream(album_id), decision, source, *args, **kwargs)

    do(by_ada, create_album, "Tumour board", "Cases for Thursday")
    do(by_ada, add_member, ben)
    do(by_ada, add_admin, cat)
    do(by_ada, import_study, brain, series(brain))
    do(by_ben, import_series, spine, series(spine)[0])
    do(by_ben, post_comment, "The angiogram is the one to start with.")
    do(by_ada, post_comment, "Could you present it on Thursday?", target=ben)
    do(by_ada, promote_member, ben)
    do(by_ada, edit_album, description="Cases for Thursday, room 3")
    secret_digest = hashlib.sha256(make_id(22).encode()).hexdigest()
    do(by_ben, issue_capability_token, token, secret_digest, "Scanner 2", Grants(True, True))
    do(Source(ben, capability_token=token), import_study, head, series(head))
    do(by_ada, create_report_provider, provider, "Second reader", "https://reader.example/conf")
    do(
        Source(ada, report_provider=provider),
        add_report,
        report,
        series(report)[0],
    )
    do(by_ada, edit_report_provider, provider, name="Second reader, night shift")
    do(by_ada, delete_report_provider, provider)
    do(by_ada, add_favorite, brain)
    do(by_ben, add_favorite, head, series(head)[0])
    do(by_ada, remove_favorite, brain, series(brain)[0])
    do(by_ada, create_webhook, webhook, "Archive", "https://archive.example/told")
    do(by_ada, edit_webhook, webhook, add_events=[WebhookEvent.NEW_SERIES])
    do(
        by_ada,
        trigger_webhook,
        webhook,
        WebhookEvent.NEW_SERIES,
        report,
        [series(report)[0]],
    )
    do(by_ada, delete_webhook, webhook)
    do(by_ben, remove_series, spine, series(spine)[0])
    do(by_ada, remove_study, head)
    do(by_ada, demote_admin, ben)
    do(by_ada, remove_member, cat)
    do(by_ben, leave_album)
    return album_id


def _image_set(service: Service) -> tuple[int, int, int, dict[str, int]]:
    day = datetime(2026, 3, 14, tzinfo=UTC).date()
    clinic = service.clinics.add_clinic("San Quintin (demo)", day, day)
    station = service.clinics.add_station("Photography (demo)")
    blank: dict[str, Any] = dict.fromkeys(
        (
            *("middle", "suffix", "prefix", "street1", "street2", "city", "colonia", "state"),
            *("phone1", "phone2", "email"),
            *("emergencyfullname", "emergencyphone", "emergencyemail"),
        ),
        "",
    )
    patient = service.patients.add(
        Patient(
            paternal_last="Demo",
            maternal_last="Patient",
            # Name, date of birth and gender identify a patient. With a random name, the patient of a fill that was
            # cut off does not conflict with that of the next.
            first=service.make_id(6),
            dob=datetime(2015, 6, 1, tzinfo=UTC).date(),
            gender="Female",
            **blank,
        )
    )
    account = service.accounts.named(ACCOUNT) or service.accounts.add(ACCOUNT, service.make_id(22))
    images = {}
    for kind, name in DEMO_IMAGES.items():
        content = files(__package__).joinpath("demo_images", name).read_bytes()
        image_id = service.albums.next_image_id()
        service.albums.handle(
            patient_stream(patient),
            add_image,
            Source(account.user),
            image_id,
            clinic,
            station,
            kind,
            *service.image_bytes.put(content),
        )
        images[kind.value] = int(image_id)
    return int(patient), clinic, station, images


def announcement(service: Service, made: Demo) -> Callable[[str], str]:
    """Return a function that prints the `instructions` for the address that the service listens at.

    It returns the address of the page at which a browser is signed in, once and within five minutes.
    """
    email, name = PEOPLE[ADA]
    jwt = issue(service.auth, ADA, email, name, _TOKEN_LIFE)
    account = service.accounts.named(ACCOUNT)
    assert account is not None
    token, series = service.accounts.token(account), _series_with_frames(service, made)
    code = sign_in_code(service.auth.issuer, ADA, ACCOUNT, service.make_id(22), service.clock())

    def announce(address: str) -> str:
        page = f"{address}/ui/sign-in?code={code}"
        print(f"To look at it in a browser, within five minutes:\n\n{page}\n")
        print(instructions(made, series, address, jwt, token), flush=True)
        return page

    return announce


def _series_with_frames(service: Service, made: Demo) -> tuple[StudyUID, SeriesUID] | None:
    """A series of the album, with its study, whose files are stored; None in a demo of before files were stored."""
    album, stored = AlbumId(made.album_id), StoredInstances(service.database)
    for study, series in service.albums.load(album_stream(album)).studies.items():
        for uid in sorted(series, reverse=True):
            if any(one.blob and one.pixels for one in stored.of_series(study, uid)):
                return study, uid
    return None


def instructions(
    demo: Demo, series: tuple[StudyUID, SeriesUID] | None, address: str, jwt: str, token: str
) -> str:
    """Return what shows the demo through both APIs, with a JWT and a TSCharts token: shell commands, and a link.

    Args:
        demo: What the demo made.
        series: The series that is shown, with its study; None to show none.
        address: Where the service listens.
        jwt: A JWT.
        token: A TSCharts token.
    """
    images = f"{address}/tscharts/v1/image"
    shown, deleted = demo.images[ImageType.HEADSHOT.value], demo.images[ImageType.AUDIOGRAM.value]
    authorization = f"-H 'Authorization: Token {token}'"
    new = json.dumps(
        {
            "type": ImageType.XRAY.value,
            "clinic": demo.clinic,
            "station": demo.station,
            "patient": demo.patient,
            "data": "ABCDEFG",
        }
    )
    return "\n".join(
        (
            f"JWT of Ada, an admin of the demo album:\n\n{jwt}\n",
            f"TSCharts token:\n\n{token}\n",
            "Every event of the album, newest first:\n",
            f"curl -s '{address}/albums/{demo.album_id}/events' -H 'Authorization: Bearer {jwt}'\n",
            *(() if series is None else _images(*series, address, jwt)),
            "The four image calls: search, get, create, delete:\n",
            f"curl -s '{images}/?patient={demo.patient}&sort=true' {authorization}",
            f"curl -s '{images}/{shown}/' {authorization}",
            f"curl -s '{images}/' {authorization} -H 'Content-Type: application/json' -d '{new}'",
            f"curl -s -X DELETE '{images}/{deleted}/' {authorization}\n",
        )
    )


def _images(study: StudyUID, series: SeriesUID, address: str, jwt: str) -> tuple[str, ...]:
    of_study = f"{address}/studies/{study}"
    return (
        "An image of the album, in a browser:\n",
        f"{address}/link/{jwt}/studies/{study}/series/{series}/rendered\n",
        "The DICOM files of its study:\n",
        f"curl -s '{of_study}?accept=application/zip' -o study.zip -H 'Authorization: Bearer {jwt}'\n",
    )
