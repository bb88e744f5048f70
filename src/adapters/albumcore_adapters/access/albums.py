"""Which albums a caller reaches, and what they may do there: the checks before a decision (Kheops API 2)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from albumcore import Act, Album, Albumcore, Permission, Stream, album_stream
from albumcore.errors import AlbumNotFound, Forbidden, Invalid
from albumcore.ids import AlbumId, album_id
from albumcore.index import AlbumRow, Index, MemberRow, SeriesRow
from albumcore.past import Moment
from albumcore_adapters.identity.callers import Caller

_NO_ALBUM = "no such album, or you are not a member of it"


def reached(index: Index, caller: Caller, album: str) -> AlbumId:
    """The album, if it exists for the caller: they are a member, or their token is for it.

    The cost does not grow with the album, and the duration is the same for an album of others and for none.

    Raises:
        AlbumNotFound: no such album, or none for the caller.
    """
    try:
        found = album_id(album)
    except Invalid:
        raise AlbumNotFound(_NO_ALBUM) from None
    is_meant = caller.albums if caller.album is None else caller.album == found
    if is_meant and caller.album is None and caller.studies is not None:
        # A token for some studies reaches the albums that hold one of them.
        is_meant = bool(index.rows(SeriesRow, {"album_id": found, "study_uid": caller.studies}))
    is_there = (
        index.rows(MemberRow, {"album_id": found, "sub": caller.user})
        if caller.source.in_person
        else index.rows(AlbumRow, {"album_id": found})
    )
    if not (is_meant and is_there):
        raise AlbumNotFound(_NO_ALBUM)
    return found


def admitted(
    albums: Albumcore,
    caller: Caller,
    named: Collection[tuple[str, Permission | None]],
    at: datetime,
) -> tuple[Stream[Album], ...]:
    """The streams of the albums that a request names, if the caller reaches all of them and holds each permission.

    The decision that follows checks the permission again, on its state. This check comes before the arguments of the
    request are read: a caller without the permission learns nothing about errors in them.

    Args:
        albums: The store.
        caller: Who makes the request.
        named: The albums, each with the required permission; None if the caller must only reach it.
            A missing album is reported before a missing permission in another one.
        at: The present time (UTC).

    Raises:
        AlbumNotFound: see `reached`.
        Forbidden: a permission is missing, of the caller or in the scope of their token.
    """
    streams = tuple(album_stream(reached(albums.index, caller, album)) for album, _ in named)
    for stream, (_, permission) in zip(streams, named, strict=True):
        if permission is None:
            continue
        if caller.permissions is not None and permission not in caller.permissions:
            raise Forbidden(f"the scope of the token does not include {permission.value}")
        albums.load(stream).require(Act(caller.source, at), permission)
    return streams


def permitted(
    albums: Albumcore, caller: Caller, album: str, permission: Permission, at: datetime
) -> Stream[Album]:
    """The stream of one album, if the caller reaches it and holds the permission; see `admitted`."""
    [stream] = admitted(albums, caller, [(album, permission)], at)
    return stream


def may(
    albums: Albumcore, caller: Caller, album: str, permission: Permission, at: datetime
) -> bool:
    """Whether the caller reaches the album and holds the permission in it."""
    try:
        permitted(albums, caller, album, permission, at)
    except (AlbumNotFound, Forbidden):
        return False
    return True


def album_then(
    albums: Albumcore, caller: Caller, album: AlbumId, permission: Permission, moment: Moment
) -> Album:
    """The album as of a moment, for a caller who could read it then, and is admitted to it now.

    A user must have been a member. A capability token of the album, or a report provider, must have existed and been
    valid, with the permission. A token for some studies reaches back to when the album held one of them.

    Raises:
        AlbumNotFound: the caller could not.
    """
    then = albums.load(album_stream(album), version=moment.version)
    try:
        then.require(Act(caller.source, moment.at), permission)
    except Forbidden:
        raise AlbumNotFound(_NO_ALBUM) from None
    if caller.studies is not None and caller.studies.isdisjoint(then.studies):
        raise AlbumNotFound(_NO_ALBUM)
    return then
