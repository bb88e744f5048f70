"""The tokens of users as operators see to them: a new one, and the end of all that there are."""

from __future__ import annotations

from datetime import UTC, datetime

from albumcore.ids import user_id
from albumcore_adapters.base.settings import SettingsError
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.service import Service


def issue(service: Service, sub: str, email: str, name: str, ttl: int) -> str:
    """Return a JWT for the Kheops routes, signed with the secret of the service, for ``ttl`` seconds.

    Raises:
        SettingsError: tokens come from an identity provider.
        Invalid: a value is one that no token may have.
    """
    if service.settings.jwks_url is not None:
        raise SettingsError(
            "ALBUMCORE_JWKS_URL", "no value: where it is set, tokens come from the provider"
        )
    verifier = service.verifier
    # Good at once, also in the second in which the user's other tokens were ended.
    good_from = datetime.fromtimestamp(service.token_floors.of(sub), UTC)
    return issue_token(
        service.secret,
        sub,
        email,
        name,
        ttl,
        max(service.clock(), good_from),
        issuer=verifier.issuer,
        audience=verifier.audience,
    )


def end_all(service: Service, sub: str) -> datetime:
    """End every JWT of a user that was issued until now, whoever signed it.

    Returns:
        Since when (UTC) one that is issued is good again.

    Raises:
        Invalid: ``sub`` is no user id.
    """
    floor = service.token_floors.end_all(user_id(sub), service.clock())
    return datetime.fromtimestamp(floor, UTC)
