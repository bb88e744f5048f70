"""`albumcore tscharts-user`."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

from cyclopts import Parameter

from albumcore_adapters.cli.base import CreateOption, DataOption, Failed, app
from albumcore_adapters.cli.opening import existing, existing_or_created


@app.command(name="tscharts-user")
def tscharts_user(
    name: Annotated[str, Parameter(help="Name of the account.")],
    /,
    *,
    password_stdin: Annotated[
        bool, Parameter(negative=(), help="Read the password from standard input.")
    ] = False,
    disable: Annotated[
        bool, Parameter(negative=(), help="Disable login and token until a new password is set.")
    ] = False,
    create: CreateOption = False,
    data: DataOption = None,
) -> None:
    """Add a TSCharts account, or set a new password for one, which invalidates its token, or disable it.

    For example:

        echo "$PASSWORD" | albumcore tscharts-user nurse --password-stdin
    """
    if disable and (password_stdin or create):
        raise Failed("--disable takes no password, and makes no store", 2)
    if disable:
        with existing(data) as service:
            if not service.accounts.disable(name):
                raise Failed(f"there is no account {name!r}", 1)
        print(f"disabled: {name}")
        return
    with existing_or_created(data, create=create) as service:
        account = service.accounts.add(name, _password(from_input=password_stdin))
        print(f"account {account.id}: {account.name}")


def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    try:
        return getpass.getpass()
    except EOFError:
        raise Failed(
            "no password was entered: --password-stdin reads it from standard input", 2
        ) from None
