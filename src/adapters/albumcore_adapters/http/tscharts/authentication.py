"""Authentication by the token of an account in the ``Authorization`` header."""

from __future__ import annotations

import re

import falcon

from albumcore_adapters.directory.accounts import Account, Accounts

_WORD = re.compile(r"[^ \t]+")


def authenticated(accounts: Accounts, header: str | None) -> Account:
    """The active account whose token is in the header: ``Authorization: Token <40 hexadecimal digits>``.

    The scheme is case-insensitive, and extra spaces are ignored; the token is case-sensitive.

    Raises:
        falcon.HTTPUnauthorized: there is no such account; the description is the API's own.
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
