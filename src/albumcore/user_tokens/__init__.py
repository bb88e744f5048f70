"""Capability tokens: the values shared by both scopes, and the stream of a user: registration, and own tokens."""

from albumcore.user_tokens.user_tokens import UserTokens
from albumcore.user_tokens.values import CapabilityToken, Grants

__all__ = ["CapabilityToken", "Grants", "UserTokens"]
