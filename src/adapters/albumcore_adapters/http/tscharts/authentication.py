"""Who calls a route: the account whose token is in the ``Authorization`` header."""

from __future__ import annotations

import re

import falcon

from albumcore_adapters.directory.accounts import Account, Accounts

_WORD = re.compile(r"[^ \t]+")


def authenticated(accounts: Accounts, header: str | None) -> Account:
    """Return the active account that ``Authorization: Token <40 hexadecimal digits>`` stands for.

    The scheme's case does not matter and neither do extra spaces; the token's case does.

    Raises:
        falcon.HTTPUnauthorized: there is none, with the reason in the words of the API.

    """
    match _WORD.findall(header or ""):
        case [scheme, *rest] if scheme.lower() == "token":
            return _account(accounts, rest)
        case _:
            raise _refusal("Authentication credentials were not provided.")


def _account(accounts: Accounts, words: list[str]) -> Account:
    match words:
        case []:
            raise _refusal("Invalid token header. No credentials provided.")
        case [token] if not token.isascii():
            raise _refusal(
                "Invalid token header. Token string should not contain invalid characters."
            )
        case [token]:
            account = accounts.by_token(token)
        case _:
            raise _refusal("Invalid token header. Token string should not contain spaces.")
    if account is None:
        raise _refusal("Invalid token.")
    if not account.active:
        raise _refusal("User inactive or deleted.")
    return account


def _refusal(reason: str) -> falcon.HTTPUnauthorized:
    return falcon.HTTPUnauthorized(description=reason, challenges=["Token"])
