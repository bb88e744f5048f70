"""Capability tokens that act as the user who issued them: state, events, decisions (stream ``user-<sub>``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from albumcore.errors import CapabilityTokenNotFound, Forbidden, IdTaken
from albumcore.ids import CapabilityTokenId, UserId
from albumcore.kernel import PERSONAL, Act, Erased, assoc, changed, stored
from albumcore.user_tokens.values import CapabilityToken, check_digest, check_title, validity

__all__ = [
    "UserTokenIssued",
    "UserTokenRevoked",
    "UserTokens",
    "issue_user_token",
    "revoke_user_token",
]


@frozen
class UserTokens:
    """A user's own capability tokens, revoked ones included.

    Attributes:
        tokens: By id.
        owner: The user they act as, which is the key of the stream; None until the first is issued on a state
            without a stream.
    """

    tokens: Mapping[CapabilityTokenId, CapabilityToken] = field(factory=dict)
    owner: UserId | None = None


@stored("user.capability_token_issued")
@frozen
class UserTokenIssued:
    """A user issued a token that acts as that user."""

    token_id: CapabilityTokenId
    digest: str
    title: str | Erased = field(metadata=PERSONAL)
    not_before: datetime
    expires_at: datetime

    def evolve(self, state: UserTokens, act: Act) -> UserTokens:
        """The user has this token."""
        token = CapabilityToken(
            self.digest, self.title, act.user, act.at, self.not_before, self.expires_at
        )
        return changed(state, tokens=assoc(state.tokens, self.token_id, token), owner=act.user)


@stored("user.capability_token_revoked")
@frozen
class UserTokenRevoked:
    """The user revoked the token, for good."""

    token_id: CapabilityTokenId

    def evolve(self, state: UserTokens, act: Act) -> UserTokens:
        """The token stays on the list as revoked."""
        token = changed(state.tokens[self.token_id], revoked_at=act.at, revoked_by=act.user)
        return changed(state, tokens=assoc(state.tokens, self.token_id, token))


def issue_user_token(
    state: UserTokens,
    act: Act,
    token_id: CapabilityTokenId,
    digest: str,
    title: str,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> tuple[UserTokenIssued, ...]:
    """Issue a token that acts as the user, by default valid at once and for three months.

    Raises:
        Forbidden: the source is not the owner in person.
        Invalid: the digest, the title or a time breaks its rule.
        IdTaken: the token id was used before.
    """
    if not act.source.in_person or state.owner not in (None, act.user):
        raise Forbidden("only the user in person makes tokens that act as the user")
    start, end = validity(act.at, not_before, expires_at)
    issued = UserTokenIssued(token_id, check_digest(digest), check_title(title), start, end)
    if token_id in state.tokens:
        raise IdTaken("this capability token id was used before")
    return (issued,)


def revoke_user_token(
    state: UserTokens, act: Act, token_id: CapabilityTokenId
) -> tuple[UserTokenRevoked, ...]:
    """Revoke a token at once and for good. A token that is revoked or expired stays as it is.

    Raises:
        CapabilityTokenNotFound: the user has no such token.
        Forbidden: the source is not the user in person.
    """
    token = state.tokens.get(token_id)
    if token is None or token.creator != act.user:
        raise CapabilityTokenNotFound("no such capability token")
    if not act.source.in_person:
        raise Forbidden("capability tokens are managed by the user in person")
    return (UserTokenRevoked(token_id),) if token.revocable_at(act.at) else ()
