"""Capability tokens of an album: the decisions (Kheops API 10)."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from albumcore.albums import events as happened
from albumcore.albums.events import Decided
from albumcore.albums.state import AlbumState, in_person
from albumcore.albums.values import Permission
from albumcore.errors import CapabilityTokenNotFound, IdTaken
from albumcore.ids import CapabilityTokenId, UserId
from albumcore.kernel import Act
from albumcore.user_tokens.values import (
    Grants,
    check_digest,
    check_grants,
    check_title,
    validity,
)


@frozen(slots=False)
class AlbumTokens(AlbumState):
    """What can be decided about the capability tokens of an album."""

    def issue_capability_token(
        self,
        act: Act,
        token_id: CapabilityTokenId,
        digest: str,
        title: str,
        grants: Grants,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> Decided:
        """Make a token that opens this album, for three months unless told otherwise (Kheops API 10).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: the digest, the title or a time breaks its rule, or the grants do not hang together.
            IdTaken: the token id was used before.
        """
        self.require(act, Permission.MANAGE_CAPABILITY_TOKENS)
        start, end = validity(act.at, not_before, expires_at)
        issued = happened.CapabilityTokenIssued(
            token_id, check_digest(digest), check_title(title), start, end, check_grants(grants)
        )
        if token_id in self.capability_tokens:
            raise IdTaken("this capability token id was used before")
        return (issued,)

    def revoke_capability_token(self, act: Act, token_id: CapabilityTokenId) -> Decided:
        """Take a token back, at once and for good; its creator and the admins may (Kheops API 10).

        One that is revoked or expired already stays as it is.

        Raises:
            CapabilityTokenNotFound: no such token, or not for the source.
            Forbidden: not a user in person.
        """
        token = self.capability_tokens.get(token_id)
        member = self.members.get(act.user)
        if token is None or not (act.user == token.creator or (member and member.is_admin)):
            raise CapabilityTokenNotFound("no such capability token")
        in_person(act)
        return (happened.CapabilityTokenRevoked(token_id),) if token.revocable_at(act.at) else ()

    def _revocations(self, act: Act, user: UserId) -> Decided:
        """Whoever stops being an admin loses the tokens he made as one."""
        return tuple(
            happened.CapabilityTokenRevoked(token_id)
            for token_id, token in self.capability_tokens.items()
            if token.creator == user and token.revocable_at(act.at)
        )
