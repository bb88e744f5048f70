"""`albumcore token`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from albumcore_adapters.cli.base import CreateOption, DataOption, Failed, app
from albumcore_adapters.cli.opening import existing, existing_or_created
from albumcore_adapters.identity.issuing import end_all, issue


@app.command
def token(
    *,
    sub: Annotated[str | None, Parameter(help="The sub claim: the user.")] = None,
    email: Annotated[
        str | None, Parameter(help="E-mail address, by which others find the user.")
    ] = None,
    name: Annotated[str | None, Parameter(help="Name that is shown to others.")] = None,
    ttl: Annotated[int, Parameter(help="Seconds for which the token is valid.")] = 3600,
    revoke_all: Annotated[
        str | None, Parameter(help="Instead, invalidate every JWT issued to this sub so far.")
    ] = None,
    create: CreateOption = False,
    data: DataOption = None,
) -> None:
    """Print a JWT for the Kheops routes, signed with the secret of the data directory, and nothing else.

    With --revoke-all, invalidate all of a user's JWTs instead, including those of an identity provider, in every
    running worker at once. Capability tokens are revoked one by one.

    For example:

        albumcore token --sub alice --email alice@clinic.example --name "Alice Ndiaye"
        albumcore token --revoke-all alice
    """
    person = sub, email, name
    if revoke_all is not None and person == (None, None, None) and not create:
        with existing(data) as service:
            is_known = service.people.with_sub(revoke_all) is not None
            good_from = end_all(service.auth, revoke_all, service.clock()).isoformat()
            print(f"every JWT of {revoke_all} issued before {good_from} has ended")
            if not is_known:
                raise Failed("no user of that sub was seen yet: is it the right one?", 1)
    elif revoke_all is None and sub is not None and email is not None and name is not None:
        with existing_or_created(data, create=create) as service:
            print(issue(service.auth, sub, email, name, ttl))
    else:
        raise Failed("token needs --sub, --email and --name, or --revoke-all alone", 2)
