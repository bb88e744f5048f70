"""Client authentication of report providers, by a JWT that they sign once for each request (RFC 7523; Kheops API 1.3).

The bounds are the narrower ones of the documented API. The provider's keys are fetched from the address in its current
metadata, after every other check: without a valid code, a request cannot make this service send one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from attrs import field, frozen
from joserfc import jws
from joserfc.errors import JoseError

from albumcore.errors import Invalid
from albumcore.times import Clock
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.identity.jwks import key_in
from albumcore_adapters.identity.jwt_claims import ANY_TEXT, BadClaim, check_claims, unverified
from albumcore_adapters.outbound import Outbound, OutboundError, check_metadata

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHM = "RS256"
MOST_AHEAD = timedelta(minutes=10)
"""Longest time until ``exp``."""

LEEWAY = timedelta(seconds=60)
"""Allowed difference of the clocks of the provider and of this service, at both ends of an assertion's validity."""


class BadAssertion(Invalid):
    """The client is not authenticated."""

    def __init__(self, detail: str) -> None:
        super().__init__("client_assertion", detail)


@frozen
class Assertion:
    """An assertion whose claims are valid, and whose signature is not verified yet.

    Attributes:
        token: The assertion as it was sent.
        kid: The id of the key that it is signed with.
        client_id: The client that sent it.
        number: Its ``jti``, unique among the assertions of this client.
        ends_at: Time from which it is refused as expired (UTC), the leeway included.
    """

    token: str = field(repr=False)
    kid: str
    client_id: str
    number: str
    ends_at: datetime


def read_assertion(token: str, client_id: str, audience: str, at: datetime) -> Assertion:
    """Read an assertion and check its claims, before its signature is verified.

    Args:
        token: The assertion.
        client_id: The client that must have signed it.
        audience: The required audience: the address it was sent to.
        at: The present time (UTC).

    Raises:
        BadAssertion: it is malformed, of another client, for another audience, or not valid now.
    """
    header, claims = unverified(token)
    kid = header.get("kid")
    if header.get("alg") != _ALGORITHM or not (isinstance(kid, str) and kid):
        raise BadAssertion(f"it is not a JWT with a kid, signed with {_ALGORITHM}")
    expected = {"iss": client_id, "sub": client_id, "aud": audience, "jti": ANY_TEXT}
    try:
        check_claims(claims, expected, at, LEEWAY.total_seconds())
        ends_at = datetime.fromtimestamp(claims["exp"], UTC)
        if ends_at > at + MOST_AHEAD:
            raise BadClaim("exp")
    except BadClaim as bad:
        raise BadAssertion(_REFUSALS[bad.claim].format(audience=audience)) from None
    return Assertion(token, kid, client_id, claims["jti"], ends_at + LEEWAY)


_REFUSALS: Mapping[str, str] = {
    "iss": "its iss and sub are not both the client_id",
    "sub": "its iss and sub are not both the client_id",
    "aud": "its aud is not {audience}",
    "jti": "it has no jti",
    "exp": "its exp has passed, or is more than 10 minutes ahead",
    "nbf": "it is not valid yet",
}


def check_signature(
    assertion: Assertion,
    url: str,
    outbound: Outbound,
    single_use_tokens: SingleUseTokens,
    clock: Clock,
) -> None:
    """Verify that the client signed its assertion, and consume the assertion.

    Args:
        assertion: The assertion that the client sent.
        url: The address of the client's metadata.
        outbound: Sends the requests to the client.
        single_use_tokens: The ids of assertions that were used (replay protection).
        clock: Returns the present time (UTC).

    Raises:
        BadAssertion: it is signed with none of the current keys of the client, or it was used before.
    """
    metadata = check_metadata(outbound, url)
    if metadata.jwks_uri is None:
        why = metadata.error_description or "It does not receive codes, so it has no keys."
        raise BadAssertion(f"the configuration of the client is not valid. {why}")
    at = clock()
    try:
        document = outbound.get_json(metadata.jwks_uri)
    except OutboundError as error:
        raise BadAssertion(f"the keys of the client cannot be fetched. {error.detail}") from None
    key = key_in(document, _ALGORITHM, assertion.kid, at)
    if key is None:
        raise BadAssertion("the client does not publish this key")
    try:
        jws.deserialize_compact(assertion.token, key, algorithms=[_ALGORITHM])
    # A header that nests too deep for the library raises RecursionError.
    except (JoseError, ValueError, TypeError, RecursionError):
        raise BadAssertion("its signature is not valid") from None
    if not single_use_tokens.consume(
        "assertion", assertion.client_id, assertion.number, ends_at=assertion.ends_at, at=at
    ):
        raise BadAssertion("it was used before")
