"""Events of the capability tokens of an album."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.ids import CapabilityTokenId
from albumcore.kernel import Act, assoc, changed, stored
from albumcore.user_tokens.values import CapabilityToken, Grants

if TYPE_CHECKING:
    from albumcore.albums.album import Album


@stored("album.capability_token_issued")
@frozen
class CapabilityTokenIssued:
    """An admin made a capability token for this album."""

    token_id: CapabilityTokenId
    digest: str
    title: str
    not_before: datetime
    expires_at: datetime
    grants: Grants

    def evolve(self, state: Album, act: Act) -> Album:
        """The album has this token."""
        token = CapabilityToken(
            self.digest, self.title, act.user, act.at, self.not_before, self.expires_at, self.grants
        )
        return changed(
            state, capability_tokens=assoc(state.capability_tokens, self.token_id, token)
        )


@stored("album.capability_token_revoked")
@frozen
class CapabilityTokenRevoked:
    """A capability token of this album was taken back, by hand or with its creator's rights."""

    token_id: CapabilityTokenId

    def evolve(self, state: Album, act: Act) -> Album:
        """The token stays known, and opens nothing any more."""
        token = changed(
            state.capability_tokens[self.token_id], revoked_at=act.at, revoked_by=act.user
        )
        return changed(
            state, capability_tokens=assoc(state.capability_tokens, self.token_id, token)
        )
