"""Who makes a request, by the token in it, and how far that token reaches (Kheops API 1).

There are four kinds of tokens. The kind follows from the form of a token; only the reader of that kind verifies it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from attrs import frozen

from albumcore import Act, Permission, Source, album_stream
from albumcore.ids import AlbumId, CapabilityTokenId, StudyUID, UserId
from albumcore.index import ProviderRow
from albumcore_adapters.directory.people import EmailTaken, RegisteredUser
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.capability_secrets import (
    capability_with,
    digest_of,
    is_secret,
)
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwt import JwtClaims
from albumcore_adapters.identity.service_tokens import (
    READ,
    WRITE,
    Report,
    is_report_token,
    read_report_token,
    read_viewer_token,
)

T = TypeVar("T")

ENDED = "the token was revoked, with all others that its user had at that time"


@frozen
class Caller:
    """Who makes a request, and what they reach.

    Attributes:
        source: The user, and the token they act through if events name it.
        in_person: Whether the request has the identity provider's JWT itself, not a token made from it.
        album: The one album within reach; None for everything that the user reaches.
        studies: The only studies within reach; None for all.
        inbox: Whether the user's inbox is within reach.
        albums: Whether the user's albums are within reach, if the token is not for a single one.
        permissions: The scope of the token: the only permissions it grants, of those the user has; None for all.
        shown: The capability token of the request, also if events name the user only.
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
        """The user who acts, or in whose name the token acts."""
        return self.source.user

    @property
    def acts_as_user(self) -> bool:
        """Whether the caller acts as the user in everything, not only for an album or some studies."""
        return self.album is None and self.studies is None


# By any token


def caller_of(auth: Authentication, token: str) -> Caller:
    """The caller with a token, of any kind.

    Raises:
        Unauthorized: the token is not valid.
        Forbidden: the token is valid, but its report provider or the membership of its user is gone.
        UserNotFound: the user is not in the directory (`Unauthorized` upstream).
        KeysUnavailable: there are no keys to verify a JWT with.
    """
    match token.count("."):
        # By the token alone: a kind that depended on the cache of verified JWTs would change with it.
        case 2 if is_report_token(token):  # JWS (RFC 7515 section 7.1)
            return by_report_token(auth, token)
        case 4:  # JWE (RFC 7516 section 7.1)
            return by_viewer_token(auth, token)
        case 0 if is_secret(token):
            return by_capability_token(auth, token)
        case _:
            return in_person(auth, *claims_of(auth, token))


# By a JWT of the identity provider


def in_person(auth: Authentication, claims: JwtClaims, user: RegisteredUser | None) -> Caller:
    """The user of claims that were verified, in person. The directory takes their name and e-mail address from these.

    Args:
        auth: Who is registered.
        claims: What the identity provider says of the user.
        user: The user as registered; None if they are not.

    Raises:
        UserNotFound: they are not, and the claims have neither a name nor an address (`Unauthorized` upstream).
    """
    if claims.email is not None or claims.name is not None:
        try:
            user = auth.people.register(claims.sub, claims.email, claims.name, user)
        except EmailTaken:
            # An address that belongs to another user now is left out: it must not lock this user out.
            user = auth.people.register(claims.sub, None, claims.name, user)
    elif user is None:
        raise auth.unknown_subject("you are not registered here")
    return Caller(Source(user.id), in_person=True)


def claims_of(auth: Authentication, token: str) -> tuple[JwtClaims, RegisteredUser | None]:
    """The claims of a JWT of the identity provider, and its user, if they are registered.

    Raises:
        Unauthorized: it is not valid, or all JWTs of its user were revoked after it was issued.
    """
    claims = auth.verifier.verify(token)
    user = auth.people.with_sub(claims.sub)
    # In a store without pseudonyms, the JWTs of a user who was never seen may be revoked.
    user_id = UserId(claims.sub) if user is None else user.id
    if auth.jwt_revocations.is_revoked(user_id, claims.issued_at):
        raise Unauthorized(ENDED)
    return claims, user


# By a capability token


def by_capability_token(auth: Authentication, token: str) -> Caller:
    """The caller with the secret of a capability token (Kheops API 10)."""
    found = capability_with(auth, {"digest": digest_of(token)})
    if found is None:
        raise Unauthorized("the capability token is unknown, revoked, expired, or not valid yet")
    auth.token_last_uses.record(found.token_id, auth.clock())
    if found.album is None:
        # A user's own token: events name the user only.
        return Caller(Source(found.token.creator), shown=found.token_id)
    source = Source(found.token.creator, found.token_id)
    return Caller(source, album=found.album, inbox=False, shown=found.token_id)


# By a token of the service itself


def by_report_token(auth: Authentication, token: str) -> Caller:
    """A report provider, by its access token for some studies of its album (Kheops API 1).

    It acts in the name of the user who requested the report, as long as they are a member. If they requested it through
    a capability token, that token must still be valid; otherwise the user's JWTs of that time must not be revoked.

    Raises:
        Forbidden: the provider was removed, or the user is no longer a member.
    """
    at = auth.clock()
    found = read_report_token(auth.issuer, token, at)
    report = found.report
    user = user_of_report(auth, report, found.issued_at)
    through = report.capability_token
    if through is not None and capability_with(auth, {"token_id": through}) is None:
        raise Unauthorized(
            "the capability token that the report was requested with is no longer valid"
        )
    for row in auth.albums.index.rows(ProviderRow, {"provider_id": report.client_id}):
        source, album = Source(user, report_provider=report.client_id), AlbumId(row.album_id)
        auth.albums.load(album_stream(album)).require(Act(source, at), Permission.READ_SERIES)
        return Caller(
            source,
            album=album,
            studies=frozenset(report.studies),
            inbox=False,
            permissions=_permissions(report.scope),
        )
    raise Unauthorized("the album of the report provider is gone")


def user_of_report(auth: Authentication, report: Report, issued_at: int) -> UserId:
    """The user who requested a report, by a code or token of its report provider.

    A code or token that was made with a JWT is refused if that JWT was revoked. One that was made with a capability
    token is valid until that token is revoked.

    Raises:
        Unauthorized: the JWT was revoked, or the user is not registered any more.
    """
    user = auth.people.with_sub(report.sub)
    if user is None:
        raise Unauthorized("the user who requested the report is not registered")
    of_jwt = report.capability_token is None
    if of_jwt and auth.jwt_revocations.is_revoked(user.id, issued_at):
        raise Unauthorized(ENDED)
    return user.id


def by_viewer_token(auth: Authentication, token: str) -> Caller:
    """The viewer of one study, by a token made from another one, which is verified again each time (Kheops API 1).

    Raises:
        Forbidden, UserNotFound: as for the other token.
    """
    viewer = read_viewer_token(auth.issuer, token, auth.clock())
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
    """The intersection of two bounds; None as the second is no bound."""
    return bound if other is None else bound & other


_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    # A viewer's scope has no word for downloads: whether it may download depends on the token it was made from.
    READ: frozenset({Permission.READ_SERIES, Permission.DOWNLOAD_SERIES}),
    WRITE: frozenset({Permission.ADD_SERIES}),
}


def _permissions(scope: Iterable[str]) -> frozenset[Permission]:
    return frozenset[Permission]().union(*(_PERMISSIONS.get(word, ()) for word in scope))
