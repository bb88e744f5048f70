"""The capability tokens of one user that act as that user: state and decisions (stream ``user-<sub>``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from albumcore.errors import CapabilityTokenNotFound, Forbidden, IdTaken
from albumcore.ids import CapabilityTokenId, UserId
from albumcore.kernel import Act
from albumcore.user_tokens.events import (
    UserTokenEvent,
    UserTokenIssued,
    UserTokenRevoked,
)
from albumcore.user_tokens.values import (
    CapabilityToken,
    check_digest,
    check_title,
    validity,
)


@frozen
class UserTokens:
    """A user's own capability tokens, revoked ones included.

    Attributes:
        tokens: By id.
        owner: The user they act as. A stream says it from the start; without one, whoever issues the first.
    """

    tokens: Mapping[CapabilityTokenId, CapabilityToken] = field(factory=dict)
    owner: UserId | None = None

    def issue(
        self,
        act: Act,
        token_id: CapabilityTokenId,
        digest: str,
        title: str,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[UserTokenEvent, ...]:
        """Make a token that acts as the user, for three months unless told otherwise.

        Raises:
            Forbidden: not the user in person, or somebody else's stream is named.
            Invalid: the digest, the title or a time breaks its rule.
            IdTaken: the token id was used before.
        """
        if not act.source.in_person or self.owner not in (None, act.user):
            raise Forbidden("only the user in person makes tokens that act as the user")
        start, end = validity(act.at, not_before, expires_at)
        issued = UserTokenIssued(token_id, check_digest(digest), check_title(title), start, end)
        if token_id in self.tokens:
            raise IdTaken("this capability token id was used before")
        return (issued,)

    def revoke(self, act: Act, token_id: CapabilityTokenId) -> tuple[UserTokenEvent, ...]:
        """Take a token back. One that is revoked or expired already stays as it is.

        Raises:
            CapabilityTokenNotFound: the user has no such token.
            Forbidden: not the user in person.
        """
        token = self.tokens.get(token_id)
        if token is None or token.creator != act.user:
            raise CapabilityTokenNotFound("no such capability token")
        if not act.source.in_person:
            raise Forbidden("capability tokens are managed by the user in person")
        return (UserTokenRevoked(token_id),) if token.revocable_at(act.at) else ()
