"""What a request names, and whether it is there for the one who asks: the checks before a decision."""

from __future__ import annotations

from albumcore import Act, Album, Permission, Stream, album_stream
from albumcore.errors import AlbumNotFound, Forbidden, Invalid, UserNotFound
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId, album_id, is_uid
from albumcore.index import AlbumRow, MemberRow, SeriesRow
from albumcore_adapters.http.kheops.params import BadQuery
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.service import Service

_UID_RULE = "a UID has at most 64 characters: numbers without leading zeros, joined by dots"
_NO_ALBUM = "no such album, or you are not a member of it"


def study_in(text: str) -> StudyUID:
    """The study that a path names, by StudyInstanceUID, (0020,000D).

    Raises:
        BadQuery: it is no UID.
    """
    if not is_uid(text):
        raise BadQuery("study", _UID_RULE)
    return StudyUID(text)


def series_in(text: str) -> SeriesUID:
    """The series that a path names, by SeriesInstanceUID, (0020,000E).

    Raises:
        BadQuery: it is no UID.
    """
    if not is_uid(text):
        raise BadQuery("series", _UID_RULE)
    return SeriesUID(text)


def reached(service: Service, caller: Caller, album: str) -> AlbumId:
    """The album, if it is there for the caller: a member, or a token that is for it (Kheops API 2).

    Its cost does not grow with the album, and a stranger waits as long for an album of others as for none.

    Raises:
        AlbumNotFound: no such album, or none for the caller.
    """
    try:
        found = album_id(album)
    except Invalid:
        raise AlbumNotFound(_NO_ALBUM) from None
    rows = service.albums.index.rows
    is_meant = caller.albums if caller.album is None else caller.album == found
    if is_meant and caller.album is None and caller.studies is not None:
        # A token for some studies is for the albums that hold one of them.
        is_meant = bool(rows(SeriesRow, {"album_id": found, "study_uid": caller.studies}))
    is_there = (
        rows(MemberRow, {"album_id": found, "sub": caller.user})
        if caller.source.in_person
        else rows(AlbumRow, {"album_id": found})
    )
    if not (is_meant and is_there):
        raise AlbumNotFound(_NO_ALBUM)
    return found


def permitted(
    service: Service, caller: Caller, album: str, permission: Permission
) -> Stream[Album]:
    """The stream of the album, if the caller holds the permission now.

    The decision that follows checks it again on the state it is taken on. This check comes first so that
    whoever may not do something learns nothing of what else is wrong with his request.

    Raises:
        AlbumNotFound: no such album, or none for the caller.
        Forbidden: the permission is missing.
    """
    stream = album_stream(reached(service, caller, album))
    if caller.permissions is not None and permission not in caller.permissions:
        raise Forbidden(f"the token is not for {permission.value}")
    service.albums.load(stream).require(Act(caller.source, service.clock()), permission)
    return stream


def may(service: Service, caller: Caller, album: str, permission: Permission) -> bool:
    """Whether the caller holds the permission in the album now."""
    try:
        permitted(service, caller, album, permission)
    except (AlbumNotFound, Forbidden):
        return False
    return True


def user_named(service: Service, reference: str) -> UserId:
    """The user that a client refers to: by e-mail address in any case, or by sub.

    Raises:
        UserNotFound: nobody is known by that.
    """
    person = service.people.find(reference)
    if person is None:
        raise UserNotFound("nobody is known by this sub or e-mail address")
    return person.sub
