"""Capability tokens of an album: who issues and revokes them (Kheops API 10)."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from albumcore.albums.album import Album, Permission
from albumcore.errors import CapabilityTokenNotFound, IdTaken
from albumcore.ids import CapabilityTokenId, UserId
from albumcore.kernel import PERSONAL, Act, Erased, assoc, changed, require_in_person, stored
from albumcore.user_tokens.values import (
    CapabilityToken,
    Grants,
    check_digest,
    check_grants,
    check_title,
    validity,
)

__all__ = [
    "CapabilityTokenIssued",
    "CapabilityTokenRevoked",
    "issue_capability_token",
    "revoke_capability_token",
]


@stored("album.capability_token_issued")
@frozen
class CapabilityTokenIssued:
    """An admin issued a capability token for this album."""

    token_id: CapabilityTokenId
    digest: str
    title: str | Erased = field(metadata=PERSONAL)
    not_before: datetime
    expires_at: datetime
    grants: Grants

    def evolve(self, album: Album, act: Act) -> Album:
        """The album has this token."""
        token = CapabilityToken(
            self.digest, self.title, act.user, act.at, self.not_before, self.expires_at, self.grants
        )
        return changed(
            album, capability_tokens=assoc(album.capability_tokens, self.token_id, token)
        )


@stored("album.capability_token_revoked")
@frozen
class CapabilityTokenRevoked:
    """A capability token of this album was revoked, by hand or because its creator stopped being an admin."""

    token_id: CapabilityTokenId

    def evolve(self, album: Album, act: Act) -> Album:
        """The token stays on the list as revoked."""
        token = changed(
            album.capability_tokens[self.token_id], revoked_at=act.at, revoked_by=act.user
        )
        return changed(
            album, capability_tokens=assoc(album.capability_tokens, self.token_id, token)
        )


def issue_capability_token(
    album: Album,
    act: Act,
    token_id: CapabilityTokenId,
    digest: str,
    title: str,
    grants: Grants,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> tuple[CapabilityTokenIssued, ...]:
    """Issue a token for this album, by default valid at once and for three months (Kheops API 10).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        Invalid: the digest, the title or a time breaks its rule, or the grants do not go together.
        IdTaken: the token id was used before.
    """
    album.require(act, Permission.MANAGE_CAPABILITY_TOKENS)
    start, end = validity(act.at, not_before, expires_at)
    issued = CapabilityTokenIssued(
        token_id, check_digest(digest), check_title(title), start, end, check_grants(grants)
    )
    if token_id in album.capability_tokens:
        raise IdTaken("this capability token id was used before")
    return (issued,)


def revoke_capability_token(
    album: Album, act: Act, token_id: CapabilityTokenId
) -> tuple[CapabilityTokenRevoked, ...]:
    """Revoke a token at once and for good; its creator and the admins may (Kheops API 10).

    A token that is revoked or expired stays as it is.

    Raises:
        CapabilityTokenNotFound: the token does not exist, or not for the source.
        Forbidden: the source is not a user in person.
    """
    token = album.capability_tokens.get(token_id)
    member = album.members.get(act.user)
    if token is None or not (act.user == token.creator or (member and member.is_admin)):
        raise CapabilityTokenNotFound("no such capability token")
    require_in_person(act)
    return (CapabilityTokenRevoked(token_id),) if token.revocable_at(act.at) else ()


def revocations(album: Album, act: Act, creator: UserId) -> tuple[CapabilityTokenRevoked, ...]:
    """The revocation of every token of a creator who stops being an admin."""
    return tuple(
        CapabilityTokenRevoked(token_id)
        for token_id, token in album.capability_tokens.items()
        if token.creator == creator and token.revocable_at(act.at)
    )
