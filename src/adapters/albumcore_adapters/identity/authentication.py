"""The context of authentication: the components that the functions of this package verify tokens with."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from albumcore import Albumcore
from albumcore.errors import UserNotFound
from albumcore.times import Clock
from albumcore_adapters.base.settings import Compat
from albumcore_adapters.directory.jwt_revocations import JwtRevocations
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.token_last_use import TokenLastUses
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwt import JwtVerifier
from albumcore_adapters.identity.service_tokens import Issuer

UNKNOWN_SUBJECT: Mapping[Compat, type[UserNotFound | Unauthorized]] = {
    "documented": UserNotFound,
    "upstream": Unauthorized,
}
"""The error for a valid JWT whose subject is not in the directory, by the ``compat`` setting."""


@frozen
class Authentication:
    """The components that tokens are verified with.

    Attributes:
        albums: The store: capability tokens, report providers, members.
        people: The directory of users.
        token_last_uses: Last use of each capability token.
        jwt_revocations: For each user, the time before which issued JWTs are revoked.
        verifier: Verifies the JWTs of the identity provider.
        issuer: Signs the tokens of the service itself.
        clock: Returns the present time (UTC).
        unknown_subject: See `UNKNOWN_SUBJECT`.
    """

    albums: Albumcore
    people: People
    token_last_uses: TokenLastUses
    jwt_revocations: JwtRevocations
    verifier: JwtVerifier
    issuer: Issuer
    clock: Clock
    unknown_subject: type[UserNotFound | Unauthorized] = UserNotFound
