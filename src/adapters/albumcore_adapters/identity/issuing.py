"""JWTs of users, issued and revoked by an operator."""

from __future__ import annotations

from datetime import UTC, datetime

from albumcore.ids import UserId
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.jwks import SecretKeys
from albumcore_adapters.identity.jwt import issue_token


def issue(auth: Authentication, sub: str, email: str, name: str, ttl: int) -> str:
    """Return a JWT for the Kheops routes, signed with the secret of the data directory and valid for ``ttl`` seconds.

    Raises:
        SettingsError: an identity provider issues the tokens.
        Invalid: a value breaks a rule of `issue_token`.
    """
    verifier = auth.verifier
    if not isinstance(verifier.keys, SecretKeys):
        raise SettingsError(
            "ALBUMCORE_JWKS_URL", "no value: where it is set, tokens come from the provider"
        )
    known = auth.people.with_sub(sub)
    # Valid at once, also in the second in which the user's other tokens are revoked.
    valid_from = auth.jwt_revocations.valid_from(UserId(sub) if known is None else known.id)
    return issue_token(
        auth.issuer.secret,
        sub,
        email,
        name,
        ttl,
        max(auth.clock(), datetime.fromtimestamp(valid_from, UTC)),
        issuer=verifier.issuer,
        audience=verifier.audience,
    )


def end_all(auth: Authentication, sub: str, at: datetime) -> datetime:
    """Revoke every JWT of a user that was issued until ``at`` (UTC), by this service or by an identity provider.

    A user who was never seen is registered: a revocation is stored by user id.

    Returns:
        The earliest time of issue (UTC) of valid JWTs.

    Raises:
        Invalid: ``sub`` is not a valid subject identifier.
    """
    floor = auth.jwt_revocations.revoke_all(auth.people.register(sub).id, at)
    return datetime.fromtimestamp(floor, UTC)
