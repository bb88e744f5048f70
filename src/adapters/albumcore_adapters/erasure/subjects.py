"""What can be erased as a whole: a person, a patient, a study, a comment, an image, an album."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial
from operator import itemgetter

from attrs import evolve

from albumcore import (
    CommentPosted,
    ImageAdded,
    StudyCommentPosted,
    WebhookCreated,
    WebhookEdited,
)
from albumcore.erasures import ErasureKind, ErasureRecorded
from albumcore.ids import AlbumId, ImageId, PatientId, StudyUID, UserId
from albumcore.index import ImageRow, SeriesRow
from albumcore.kernel import stored_name
from albumcore.sealing import patient_subject, user_subject
from albumcore.streams import album_stream, erasures_stream, key_of, patient_stream, study_stream
from albumcore_adapters.directory import forgetting as directory
from albumcore_adapters.erasure.erasing import (
    Eraser,
    ErasureRefused,
    ErasureResult,
    ErasureTargets,
    erase,
    key_of_event,
    keys_of_stream,
    keys_of_subject,
    require_sealed,
)
from albumcore_adapters.erasure.erasure_list import ListedErasure
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.sql.pages import pages
from albumcore_adapters.webhooks import forgetting as outbox

_PAGE = 1000
_COMMENTS = {stored_name(cls).name for cls in (CommentPosted, StudyCommentPosted)}
_WEBHOOKS = [stored_name(cls).name for cls in (WebhookCreated, WebhookEdited)]


def erase_person(eraser: Eraser, user: UserId, basis: str | None = None) -> ErasureResult:
    """Erase a user: their comments, the titles of their own tokens, and what the directory has of them.

    Events go on naming them by their user id, which leads to no person then. They stay a member of their albums by it.

    Raises:
        ErasureRefused: see `erasing.erase`.
    """

    def forget(cursor: Cursor) -> int:
        return directory.forget_person(cursor, user) + outbox.forget_user(cursor, user)

    def find(cursor: Cursor) -> ErasureTargets:
        return ErasureTargets(keys_of_subject(cursor, user_subject(user)), forget)

    return erase(eraser, _listed(eraser, ErasureKind.PERSON, user, basis), find)


def erase_patient(eraser: Eraser, patient: PatientId, basis: str | None = None) -> ErasureResult:
    """Erase a patient of the TSCharts API: all images, and the patient in the directory.

    Raises:
        Invalid: the id is not positive.
        ErasureRefused: see `erasing.erase`.
    """
    stream = patient_stream(patient).name

    def find(cursor: Cursor) -> ErasureTargets:
        keys = {
            *keys_of_stream(cursor, stream),
            *keys_of_subject(cursor, patient_subject(patient)),
        }
        return ErasureTargets([*keys], lambda cursor: directory.forget_patient(cursor, patient))

    return erase(eraser, _listed(eraser, ErasureKind.PATIENT, str(patient), basis), find)


def erase_study(eraser: Eraser, study_uid: StudyUID, basis: str | None = None) -> ErasureResult:
    """Erase a study: the comments on it, and what the catalogue says of it, its series and instances.

    The series stay in albums and inboxes as placeholders.

    Returns:
        The result; a note names each album that has the study and comments. A comment in an album names no study.
        Another one says how many instances are in an existing archive, where they stay.

    Raises:
        Invalid: the UID is malformed.
        ErasureRefused: see `erasing.erase`.
    """
    return _erase_study(eraser, ErasureKind.STUDY, study_uid, basis)


def erase_instances(eraser: Eraser, study_uid: StudyUID, basis: str | None = None) -> ErasureResult:
    """Erase the instances of a study, and what the catalogue says of it and its series: also in a store in clear.

    The comments on it stay, which in a store in clear cannot be erased. The series stay as for `erase_study`.

    Returns:
        The result, with the notes of `erase_study`, and one that says how many comments on the study there are.

    Raises:
        Invalid: the UID is malformed.
        ErasureRefused: see `erasing.erase`.
    """
    erased = _erase_study(eraser, ErasureKind.INSTANCES, study_uid, basis)
    stream = study_stream(study_uid).name
    number = eraser.albums.index.count_entries([stream], ["comments"]).get(stream, 0)
    note = f"study {study_uid} has {number} comments, and none was erased"
    return evolve(erased, notes=(*erased.notes, note)) if number else erased


def _erase_study(
    eraser: Eraser, kind: ErasureKind, study_uid: StudyUID, basis: str | None
) -> ErasureResult:
    in_pacs = [0]

    def find(cursor: Cursor) -> ErasureTargets:
        in_pacs[:] = [directory.instances_in_pacs(cursor, study_uid)]
        stream = study_stream(study_uid).name
        last = directory.last_stored(cursor, study_uid)
        return ErasureTargets(
            keys_of_stream(cursor, stream) if kind is ErasureKind.STUDY else (),
            lambda cursor: directory.forget_study(cursor, study_uid),
            {} if last is None else {"dicom_images": last},
        )

    erased = erase(eraser, _listed(eraser, kind, study_uid, basis), find)
    notes = [*_albums_with_comments(eraser, study_uid)]
    if in_pacs[0]:
        notes.append(
            f"{in_pacs[0]} instances of study {study_uid} are in the archive at ALBUMCORE_PACS_URL: they were not "
            "erased there"
        )
    return evolve(erased, notes=tuple(notes))


def studies_with_patient_id(eraser: Eraser, dicom_patient_id: str) -> list[StudyUID]:
    """The studies in the catalogue whose PatientID, (0010,0020), is this one."""
    with eraser.database.transaction(commit=False) as cursor:
        return directory.studies_of_patient(cursor, dicom_patient_id)


def erase_comment(
    eraser: Eraser, stream: str, version: int, basis: str | None = None
) -> ErasureResult:
    """Erase one comment, in an album or on a study. It stays an entry of the feed, without its text.

    Raises:
        ErasureRefused: the event of that version is no comment, or there is none; see also `erasing.erase`.
    """
    require_sealed(eraser.albums)
    found = eraser.albums.recorder.select_events(stream, gt=version - 1, lte=version)
    if not any(one.topic in _COMMENTS for one in found):
        raise ErasureRefused(f"version {version} of {stream} is no comment")

    def find(cursor: Cursor) -> ErasureTargets:
        return ErasureTargets(key_of_event(cursor, stream, version))

    listed = evolve(_listed(eraser, ErasureKind.COMMENT, stream, basis), version=version)
    return erase(eraser, listed, find)


def erase_image(eraser: Eraser, image_id: ImageId, basis: str | None = None) -> ErasureResult:
    """Erase an image, also one that was removed. Its bytes cannot be decrypted any more.

    Raises:
        ErasureRefused: see `erasing.erase`.
    """
    require_sealed(eraser.albums)
    places = _places_of(eraser, image_id)

    def find(cursor: Cursor) -> ErasureTargets:
        return ErasureTargets([key for place in places for key in key_of_event(cursor, *place)])

    return erase(eraser, _listed(eraser, ErasureKind.IMAGE, str(image_id), basis), find)


def erase_album(eraser: Eraser, album_id: AlbumId, basis: str | None = None) -> ErasureResult:
    """Erase the texts of an album: its names, comments, report providers, webhooks and titles of tokens, until now.

    The album stays, with its members and series.

    Raises:
        Invalid: the id is malformed.
        ErasureRefused: see `erasing.erase`.
    """
    stream = album_stream(album_id).name

    def forget(cursor: Cursor) -> int:
        return outbox.forget_album(cursor, album_id, _secrets_of(eraser, cursor, album_id))

    def find(cursor: Cursor) -> ErasureTargets:
        return ErasureTargets(keys_of_stream(cursor, stream), forget)

    return erase(eraser, _listed(eraser, ErasureKind.ALBUM, album_id, basis), find)


_AGAIN: Mapping[ErasureKind, Callable[[Eraser, ListedErasure], ErasureResult]] = {
    ErasureKind.PERSON: lambda eraser, one: erase_person(eraser, UserId(one.key), one.basis),
    ErasureKind.PATIENT: lambda eraser, one: erase_patient(
        eraser, PatientId(int(one.key)), one.basis
    ),
    ErasureKind.STUDY: lambda eraser, one: erase_study(eraser, StudyUID(one.key), one.basis),
    ErasureKind.INSTANCES: lambda eraser, one: erase_instances(
        eraser, StudyUID(one.key), one.basis
    ),
    ErasureKind.IMAGE: lambda eraser, one: erase_image(eraser, ImageId(int(one.key)), one.basis),
    ErasureKind.ALBUM: lambda eraser, one: erase_album(eraser, AlbumId(one.key), one.basis),
}


def erase_again(eraser: Eraser, erasures: Iterable[ListedErasure]) -> ErasureResult:
    """Erase in a restored store what a list names, as far as it is there. Retention was decided before.

    An erasure that the store has recorded is left out: what came after it, such as the new name of an album, stays.

    Args:
        eraser: The context; the list stays as it is.
        erasures: The list.
    """
    done = _recorded(eraser)
    total = ErasureResult()
    for one in erasures:
        if (one.at, one.kind, one.key, one.version) in done:
            continue
        # At its own time, by which it is recognized when a backup of the restored store is restored.
        context = evolve(eraser, retention={}, file=None, clock=partial(_at, one))
        found = _comment_again(context, one) if one.version else _AGAIN[one.kind](context, one)
        total = ErasureResult(
            total.events + found.events, total.streams + found.streams, total.rows + found.rows
        )
    return total


def _recorded(eraser: Eraser) -> Collection[tuple[datetime, ErasureKind, str, int | None]]:
    """Time, kind, id and version of each erasure that the store has recorded."""
    return {
        (one.at, one.event.kind, one.event.identifier, one.event.version)
        for one in eraser.albums.history(erasures_stream())
        if isinstance(one.event, ErasureRecorded)
    }


def _at(one: ListedErasure) -> datetime:
    return one.at


def _comment_again(eraser: Eraser, one: ListedErasure) -> ErasureResult:
    # The backup may be older than the comment.
    stream, version = one.key, one.version or 0
    return erase(
        eraser,
        evolve(_listed(eraser, one.kind, stream, one.basis), version=version),
        lambda cursor: ErasureTargets(key_of_event(cursor, stream, version)),
    )


def _listed(eraser: Eraser, kind: ErasureKind, key: str, basis: str | None) -> ListedErasure:
    return ListedErasure(eraser.clock(), kind, key, basis=basis)


def _albums_with_comments(eraser: Eraser, study_uid: StudyUID) -> Iterable[str]:
    index = eraser.albums.index
    albums = sorted({row.album_id for row in index.rows(SeriesRow, {"study_uid": study_uid})})
    counted = index.count_entries([album_stream(AlbumId(one)).name for one in albums], ["comments"])
    for stream, number in sorted(counted.items()):
        yield (
            f"album {key_of(stream)} has series of study {study_uid}: its {number} comments to all may mention the "
            "patient, and none was erased"
        )


def _secrets_of(eraser: Eraser, cursor: Cursor, album_id: AlbumId) -> set[str]:
    """The names of all secrets that the webhooks of an album have or had."""
    stream, albums = album_stream(album_id), eraser.albums
    cursor.execute(
        "SELECT originator_version AS version FROM stored_events WHERE originator_id = ? AND topic IN (?, ?)",
        (stream.name, *_WEBHOOKS),
    )
    versions = [row["version"] for row in cursor.fetchall()]
    events = [one.event for at in versions for one in albums.history(stream, at - 1, at)]
    hooks = [one.webhook for one in events if isinstance(one, WebhookCreated | WebhookEdited)]
    return {one.secret for one in hooks if one.secret is not None}


def _places_of(eraser: Eraser, image_id: ImageId) -> list[tuple[str, int]]:
    """Where an image was added: by its row, or by reading all events if it is not shown."""
    albums = eraser.albums
    rows = albums.index.rows(ImageRow, {"image_id": image_id})
    if rows:
        return [(patient_stream(PatientId(row.patient)).name, row.version) for row in rows]
    found: list[tuple[str, int]] = []
    read = partial(albums.follow_only, (ImageAdded,), limit=_PAGE)
    for page in pages(read, itemgetter(0), 0):
        for _, one in page:
            event = getattr(one, "event", None)
            if isinstance(event, ImageAdded) and event.image_id == image_id:
                found.append((one.stream, one.version))  # type: ignore[union-attr]
    return found


__all__ = [
    "erase_again",
    "erase_album",
    "erase_comment",
    "erase_image",
    "erase_instances",
    "erase_patient",
    "erase_person",
    "erase_study",
    "studies_with_patient_id",
]
