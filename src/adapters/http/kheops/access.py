"""Who asks, what is named, and whether it is there for the one who asks: the checks before a decision.

Every responder checks in the order of the documented API: who it is (401), the UIDs in the path (400), whether
the album is there for him (404), whether he may do this (403), and only then the values that were sent.
"""

from __future__ import annotations

import falcon

from adapters.deployment import Deployment
from adapters.directory import EmailTaken
from adapters.http.auth import Claims, bearer
from adapters.http.kheops.modes import MODES
from adapters.http.kheops.params import BadQuery
from albumcore import Act, Album, Permission, Source, Stream, album_stream
from albumcore.errors import AlbumNotFound, Forbidden, Invalid, UserNotFound
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId, album_id, is_uid
from albumcore.index import MemberRow

_UID_RULE = "a UID has at most 64 characters: numbers without leading zeros, joined by dots"


def source_of(deployment: Deployment, req: falcon.Request) -> Source:
    """The user in whose name a request is made, by its ``Authorization`` header.

    The directory learns the name and e-mail address that the token tells. It keeps what it has where the
    address belongs to somebody else by now: that must not lock anybody out.

    Raises:
        Unauthorized: nobody is authenticated.
        UserNotFound: the user is not known, and the token tells neither name nor address to be known by
            (`Unauthorized` upstream).
    """
    claims = deployment.verifier.verify(bearer(req.get_header("Authorization")))
    if claims.email is None and claims.name is None:
        if not deployment.people.known(claims.sub):
            raise MODES[deployment.settings.compat].unknown_subject("you are not known here")
    else:
        _introduce(deployment, claims)
    return Source(claims.sub)


def _introduce(deployment: Deployment, claims: Claims) -> None:
    try:
        deployment.people.register(claims.sub, claims.email, claims.name)
    except EmailTaken:
        deployment.people.register(claims.sub, None, claims.name)


def album_in(text: str) -> AlbumId:
    """The album that a path or query names; whether there is one is for later to see.

    Raises:
        AlbumNotFound: no album can have such an id.
    """
    try:
        return album_id(text)
    except Invalid:
        raise AlbumNotFound("no such album, or you are not a member of it") from None


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


def as_member(deployment: Deployment, source: Source, album: str) -> AlbumId:
    """The album, if the source is a member of it: all that reading needs (Kheops API 2).

    Its cost does not grow with the album.

    Raises:
        AlbumNotFound: no such album, or the source is not a member of it.
    """
    found = album_in(album)
    wanted = {"album_id": found, "sub": source.user}
    if not deployment.albums.index.rows(MemberRow, wanted):
        raise AlbumNotFound("no such album, or you are not a member of it")
    return found


def permitted(
    deployment: Deployment, source: Source, album: str, permission: Permission
) -> Stream[Album]:
    """The stream of the album, if the source holds the permission now.

    The decision that follows checks it again on the state it is taken on. This check comes first so that
    whoever may not do something learns nothing of what else is wrong with his request.

    Raises:
        AlbumNotFound: no such album, or the source is not a member of it.
        Forbidden: the permission is missing.
    """
    # First by a row: a stranger waits as long for an album of others as for one that is none.
    stream = album_stream(as_member(deployment, source, album))
    state = deployment.albums.load(stream)
    state.require(Act(source, deployment.clock()), permission)
    return stream


def may(deployment: Deployment, source: Source, album: str, permission: Permission) -> bool:
    """Whether the source holds the permission in the album now."""
    try:
        permitted(deployment, source, album, permission)
    except (AlbumNotFound, Forbidden):
        return False
    return True


def user_named(deployment: Deployment, reference: str) -> UserId:
    """The user that a client refers to: by e-mail address in any case, or by sub.

    Raises:
        UserNotFound: nobody is known by that.
    """
    person = deployment.people.find(reference)
    if person is None:
        raise UserNotFound("nobody is known by this sub or e-mail address")
    return person.sub


def refuse_header(req: falcon.Request, name: str) -> None:
    """Refuse a request that asks for something we do not do, rather than do something else.

    Raises:
        Forbidden: the request has the header.
    """
    if req.get_header(name) is not None:
        raise Forbidden(f"the header {name} is not supported")
