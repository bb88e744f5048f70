"""The content of a JWT: its JSON, and the one check of its claims (RFC 7519 section 4.1)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from joserfc.errors import ClaimError
from joserfc.jwt import JWTClaimsRegistry

MAX_TOKEN = 16 * 1024
"""Longest token that is read, in characters."""

_YEAR_10000 = 253_402_300_800

ANY_TEXT: Final = None
"""The expected value of a required claim that may be any non-empty text."""


class BadClaim(Exception):
    """A claim is missing, malformed, or has another value than the required one.

    Attributes:
        claim: The name of the claim.
        malformed: For a malformed time: a description that follows the name of the claim. None for a time in the past
            or the future, and for every other claim.
    """

    def __init__(self, claim: str, malformed: str | None = None) -> None:
        super().__init__(claim)
        self.claim = claim
        self.malformed = malformed


class _Registry(JWTClaimsRegistry):
    """Also refuses times outside the calendar. Times in milliseconds, a common mistake, are beyond the year 9999."""

    def validate_exp(self, value: object) -> None:
        """Check when the token ends."""
        _require_date("exp", value)
        super().validate_exp(value)

    def validate_nbf(self, value: object) -> None:
        """Check when the token begins."""
        _require_date("nbf", value)
        super().validate_nbf(value)


def _require_date(claim: str, value: object) -> None:
    # A bool is an int in Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadClaim(claim, "is not a number")
    if not 0 <= value < _YEAR_10000:
        raise BadClaim(claim, "is not a date")


def check_claims(
    claims: Mapping[str, Any], expected: Mapping[str, str | None], at: datetime, leeway: float = 0
) -> None:
    """Check the claims of a token: the expected ones in their order, then ``exp``, then ``nbf`` if it is there.

    Args:
        claims: The payload of the token.
        expected: The values that claims must have, or `ANY_TEXT`. An ``aud`` that is a list must contain the value.
        at: The present time (UTC).
        leeway: Seconds that the clocks of the issuer and of this service may differ.

    Raises:
        BadClaim: for the first claim that breaks a rule.
    """
    names = [*expected, "exp", *(["nbf"] if "nbf" in claims else ())]
    # An option that is empty would check nothing.
    options: Any = {
        name: {"value": value, "allow_blank": False} for name, value in expected.items()
    }
    # The registry's annotations allow whole seconds only; its code allows fractions.
    registry = _Registry(now=at.timestamp(), leeway=leeway, **options)  # type: ignore[arg-type]
    try:
        registry.validate({name: claims.get(name) for name in names})
    except ClaimError as error:
        raise BadClaim(error.claim) from None


def json_object(segment: str) -> dict[str, Any] | None:
    """The JSON object in a segment of a token (base64url without padding); None if there is none."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the payload of a JWT, not verified; both are empty if it is no JWT."""
    segments = token.split(".")
    if len(segments) != 3 or len(token) > MAX_TOKEN or not token.isascii():
        return {}, {}
    header, payload = json_object(segments[0]), json_object(segments[1])
    return ({}, {}) if header is None or payload is None else (header, payload)
