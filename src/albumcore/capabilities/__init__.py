"""Capability tokens: the values shared by both scopes, and the tokens that act as a user (own stream)."""

from albumcore.capabilities.events import UserTokenEvent, UserTokenIssued, UserTokenRevoked
from albumcore.capabilities.tokens import UserTokens
from albumcore.capabilities.values import CapabilityToken, Grants

__all__ = [
    "CapabilityToken",
    "Grants",
    "UserTokenEvent",
    "UserTokenIssued",
    "UserTokenRevoked",
    "UserTokens",
]
