"""Capability tokens: the values shared by both scopes, and the tokens that act as a user (own stream)."""

from albumcore.user_tokens.user_tokens import UserTokens
from albumcore.user_tokens.values import CapabilityToken, Grants

__all__ = ["CapabilityToken", "Grants", "UserTokens"]
