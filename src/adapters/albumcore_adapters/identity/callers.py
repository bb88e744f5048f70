"""Who makes a request, by the token in it, and how far that token reaches (Kheops API 1).

Kinds of tokens are tried one after the other: each knows its own by its form, and judges it alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from attrs import frozen

from albumcore import (
    Act,
    Album,
    Albumcore,
    CapabilityToken,
    Permission,
    Source,
    UserTokens,
    album_stream,
)
from albumcore.errors import UserNotFound
from albumcore.ids import AlbumId, CapabilityTokenId, StudyUID, UserId
from albumcore.index import CapabilityTokenRow, ProviderRow
from albumcore.streams import key_of, named_stream
from albumcore.times import Clock
from albumcore_adapters.base.settings import Compat
from albumcore_adapters.directory import EmailTaken, People, TokenFloors, TokenUses
from albumcore_adapters.identity.jwt import Claims, JwtVerifier, Unauthorized, bearer
from albumcore_adapters.identity.service_tokens import (
    READ,
    WRITE,
    Issuer,
    Report,
    read_report_token,
    read_viewer_token,
)

T = TypeVar("T")


@frozen
class Caller:
    """Who makes a request, and how far that reaches.

    Attributes:
        source: In whose name it happens, and through what.
        in_person: Whether the identity provider's own token was shown, and no token made from it.
        album: The one album it reaches; None for everything that the user reaches.
        studies: The only studies it reaches; None for all.
        inbox: Whether it reaches the user's inbox.
        albums: Whether it reaches the user's albums, where it is not for one alone.
        permissions: All it may be used for, whatever the user may; None for no such bound.
        shown: The capability token that was shown, also where the history names the user alone.
    """

    source: Source
    in_person: bool = False
    album: AlbumId | None = None
    studies: frozenset[StudyUID] | None = None
    inbox: bool = True
    albums: bool = True
    permissions: frozenset[Permission] | None = None
    shown: CapabilityTokenId | None = None

    @property
    def user(self) -> UserId:
        """The user in whose name it happens."""
        return self.source.user

    @property
    def acts_as_user(self) -> bool:
        """Whether it stands for the user in everything, and not for an album or a study alone."""
        return self.album is None and self.studies is None


@frozen
class Authentication:
    """What tokens are read and judged with.

    Attributes:
        albums: The store: capability tokens, report providers, members.
        people: The directory of users.
        token_uses: When each capability token was last used.
        token_floors: Since when each user's JWTs are good.
        verifier: Judges the JWTs of the identity provider.
        issuer: Signs the tokens of the service itself.
        clock: Gives the present (UTC).
        unknown_subject: The error for a sound JWT whose subject is not in the directory.
    """

    albums: Albumcore
    people: People
    token_uses: TokenUses
    token_floors: TokenFloors
    verifier: JwtVerifier
    issuer: Issuer
    clock: Clock
    unknown_subject: type[UserNotFound | Unauthorized] = UserNotFound


UNKNOWN_SUBJECT: Mapping[Compat, type[UserNotFound | Unauthorized]] = {
    "documented": UserNotFound,
    "upstream": Unauthorized,
}
"""`Authentication.unknown_subject`, by the ``compat`` setting."""

Reader = Callable[[Authentication, str], Caller | None]
"""Reads one kind of token: the caller, None where it is of another kind, or `Unauthorized` where it is not good."""


def authenticate(auth: Authentication, header: str | None) -> Caller:
    """The caller, by the ``Authorization`` header of a request; None where it has none.

    Raises:
        Unauthorized: nobody is authenticated.
        Forbidden: the token is sound, but what it acts through is gone.
        UserNotFound: the user is not known (`Unauthorized` upstream).
    """
    return caller_of(auth, bearer(header))


def caller_of(auth: Authentication, token: str) -> Caller:
    """The caller who shows a token; see `authenticate`."""
    for read in READERS:
        caller = read(auth, token)
        if caller is not None:
            return caller
    raise Unauthorized("the token is of no kind that is known here")


def claims_of(auth: Authentication, token: str) -> Claims:
    """What a JWT of the identity provider says, if it is sound and was not ended with all others of its user.

    Raises:
        Unauthorized: it is not.
    """
    claims = auth.verifier.verify(token)
    if auth.token_floors.has_ended(claims.sub, claims.issued_at):
        raise Unauthorized(ENDED)
    return claims


ENDED = "the token has ended, as have all others that its user had at that time"


def by_jwt(auth: Authentication, token: str) -> Caller | None:
    """A user in person, by a JWT of the identity provider.

    The directory learns the name and e-mail address that the token tells. It keeps what it has where the
    address belongs to somebody else by now: that must not lock anybody out.
    """
    claims = claims_of(auth, token)
    if claims.email is None and claims.name is None:
        if not auth.people.known(claims.sub):
            raise auth.unknown_subject("you are not known here")
    else:
        introduce(auth.people, claims)
    return Caller(Source(claims.sub), in_person=True)


def introduce(people: People, claims: Claims) -> None:
    """Let the directory learn what a token tells of its user, without an address that is somebody else's."""
    try:
        people.register(claims.sub, claims.email, claims.name)
    except EmailTaken:
        people.register(claims.sub, None, claims.name)


_SECRET = re.compile("[A-Za-z0-9]{22}")


def digest_of(secret: str) -> str:
    """All that is kept of a capability token's secret: its SHA-256, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


@frozen
class Capability:
    """A capability token that opens something now.

    Attributes:
        token_id: Its public name.
        token: What its stream knows of it.
        album: The album it is for; None where it acts as its user.
    """

    token_id: CapabilityTokenId
    token: CapabilityToken
    album: AlbumId | None


def capability_with(auth: Authentication, where: Mapping[str, str]) -> Capability | None:
    """The capability token with these values in its row, if it opens something now.

    By its digest it is looked up as the key of a row: that takes as long for a wrong secret as for a right one,
    and how long says nothing of the digests there are.
    """
    for row in auth.albums.index.rows(CapabilityTokenRow, where):
        state: Album | UserTokens = auth.albums.load(named_stream(row.stream))
        tokens = state.capability_tokens if isinstance(state, Album) else state.tokens
        token_id = CapabilityTokenId(row.token_id)
        found = tokens.get(token_id)
        if found is not None and found.usable_at(auth.clock()) and auth.people.known(found.creator):
            album = AlbumId(key_of(row.stream)) if isinstance(state, Album) else None
            return Capability(token_id, found, album)
    return None


def is_secret(token: str) -> bool:
    """Whether a token has the form of a capability token's secret."""
    return _SECRET.fullmatch(token) is not None


def by_capability_token(auth: Authentication, token: str) -> Caller | None:
    """Whoever shows the secret of a capability token (Kheops API 10)."""
    if not is_secret(token):
        return None
    found = capability_with(auth, {"digest": digest_of(token)})
    if found is None:
        raise Unauthorized("the capability token is unknown, revoked, expired, or not valid yet")
    auth.token_uses.note(found.token_id, auth.clock())
    if found.album is None:
        # What it does, the user does: the history names the user alone.
        return Caller(Source(found.token.creator), shown=found.token_id)
    source = Source(found.token.creator, found.token_id)
    return Caller(source, album=found.album, inbox=False, shown=found.token_id)


def by_report_token(auth: Authentication, token: str) -> Caller | None:
    """A report provider, by an access token that it was given for some studies of its album (Kheops API 1).

    It acts in the name of the user who asked for the report, while that user is a member, and as long as the
    capability token is good that he asked through, if there was one; without one, until the user's tokens are ended.

    Raises:
        Forbidden: the provider was removed, or the user is a member no more.
    """
    at = auth.clock()
    found = read_report_token(auth.issuer, token, at)
    if found is None:
        return None
    report = found.report
    through = report.capability_token
    if through is not None and capability_with(auth, {"token_id": through}) is None:
        raise Unauthorized("the capability token that the report was asked for with is not good")
    refuse_ended(auth.token_floors, report, found.issued_at)
    for row in auth.albums.index.rows(ProviderRow, {"provider_id": report.client_id}):
        source, album = Source(report.user, report_provider=report.client_id), AlbumId(row.album_id)
        auth.albums.load(album_stream(album)).require(Act(source, at), Permission.READ_SERIES)
        return Caller(
            source,
            album=album,
            studies=frozenset(report.studies),
            inbox=False,
            permissions=_permissions(report.scope),
        )
    raise Unauthorized("the album of the report provider is gone")


def refuse_ended(token_floors: TokenFloors, report: Report, issued_at: int) -> None:
    """Refuse a code or a token of a report provider that was made of a JWT, and ended with it.

    One that was made of a capability token ends when that is revoked.

    Raises:
        Unauthorized: it has ended.
    """
    of_jwt = report.capability_token is None
    if of_jwt and token_floors.has_ended(report.user, issued_at):
        raise Unauthorized(ENDED)


def by_viewer_token(auth: Authentication, token: str) -> Caller | None:
    """Whoever looks at one study by a token made of another one, which is judged again each time (Kheops API 1).

    Raises:
        Forbidden, UserNotFound: as for the other one.
    """
    viewer = read_viewer_token(auth.issuer, token, auth.clock())
    if viewer is None:
        return None
    subject = caller_of(auth, viewer.subject)
    return Caller(
        subject.source,
        album=subject.album or viewer.album,
        studies=_both(frozenset({viewer.study}), subject.studies),
        inbox=subject.inbox and viewer.album is None,
        albums=subject.albums and not viewer.inbox,
        permissions=_both(_permissions(viewer.scope), subject.permissions),
    )


def _both(bound: frozenset[T], other: frozenset[T] | None) -> frozenset[T]:
    """What two bounds leave over, the second of which may be none."""
    return bound if other is None else bound & other


def _permissions(scope: Iterable[str]) -> frozenset[Permission]:
    meant = {READ: Permission.READ_SERIES, WRITE: Permission.ADD_SERIES}
    return frozenset(meant[word] for word in scope if word in meant)


READERS: tuple[Reader, ...] = (by_report_token, by_capability_token, by_viewer_token, by_jwt)
"""The kinds of tokens, in the order they are tried."""
