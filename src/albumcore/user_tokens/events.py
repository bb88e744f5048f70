"""Events of a user's own capability tokens. The names in ``@stored`` are the storage format."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.ids import CapabilityTokenId
from albumcore.kernel import Act, assoc, changed, stored
from albumcore.user_tokens.values import CapabilityToken

if TYPE_CHECKING:
    from albumcore.user_tokens.user_tokens import UserTokens


@stored("user.capability_token_issued")
@frozen
class UserTokenIssued:
    """A user made a token that acts as the user."""

    token_id: CapabilityTokenId
    digest: str
    title: str
    not_before: datetime
    expires_at: datetime

    def evolve(self, state: UserTokens, act: Act) -> UserTokens:
        """The token is there, usable within its validity."""
        token = CapabilityToken(
            self.digest, self.title, act.user, act.at, self.not_before, self.expires_at
        )
        return changed(state, tokens=assoc(state.tokens, self.token_id, token), owner=act.user)


@stored("user.capability_token_revoked")
@frozen
class UserTokenRevoked:
    """The user took the token back, for good."""

    token_id: CapabilityTokenId

    def evolve(self, state: UserTokens, act: Act) -> UserTokens:
        """The token stays on the list, and opens nothing any more."""
        token = changed(state.tokens[self.token_id], revoked_at=act.at, revoked_by=act.user)
        return changed(state, tokens=assoc(state.tokens, self.token_id, token))


UserTokenEvent = UserTokenIssued | UserTokenRevoked
