"""Accounts of the TSCharts API: a name, a password, and one token that is valid until the password changes.

Passwords are stored as argon2id hashes. The token is derived from the hash and a secret that is not in the database,
so that neither can be recovered from a copy of the database.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY
from attrs import field, frozen

from albumcore.errors import Invalid
from albumcore.ids import UserId
from albumcore.text import is_text
from albumcore_adapters.base.concurrency import ConcurrencyLimit
from albumcore_adapters.sql.database import (
    Database,
    Row,
    has_changed,
    key_text,
    row_by_id,
)

_BY_NAME = "SELECT * FROM directory_account WHERE name = ?"
_BY_ID = "SELECT * FROM directory_account WHERE id = ?"
_BY_DIGEST = "SELECT * FROM directory_account WHERE token_digest = ?"
_SET_DIGEST = "UPDATE directory_account SET token_digest = ? WHERE id = ?"

ACCOUNT_PREFIX = "tscharts-"
"""What the user id of an account begins with, before its number."""

MAX_PASSWORD_CHECKS = 2
"""Limit of concurrent password checks of a process; each check takes 64 MiB of memory and much processor time."""

_BUSY = "other passwords are being checked; try again"
_TOKEN = re.compile(r"[0-9a-f]{40}\Z")
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# The hash of no known password, checked for unknown names, so that they take the same time as known ones.
_UNKNOWN_NAME = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "A" * 43


@frozen
class Account:
    """An account. An inactive one can neither log in nor use its token."""

    id: int
    name: str
    active: bool

    @property
    def user(self) -> UserId:
        """The user id by which events name who acts through it; without the account, it leads to no person."""
        return UserId(f"{ACCOUNT_PREFIX}{self.id}")


@frozen
class Accounts:
    """The accounts of the TSCharts API.

    Attributes:
        secret: The key from which tokens are derived; another key invalidates all tokens.
        password_checks: Limits concurrent password checks.
    """

    database: Database
    secret: bytes = field(repr=False)
    password_checks: ConcurrencyLimit = field(
        factory=lambda: ConcurrencyLimit(MAX_PASSWORD_CHECKS, _BUSY, 1), eq=False, repr=False
    )

    def add(self, name: str, password: str) -> Account:
        """Add an account, or set the password of an existing one and activate it.

        A new password invalidates the token, and ends the sessions at the pages.

        Raises:
            Invalid: the name is blank, not valid Unicode or longer than 255 characters, or the password is empty.
        """
        if not key_text("name", name).strip():
            raise Invalid("name", "an account needs a name")
        if not password:
            raise Invalid("password", "an account needs a password")
        password_hash = _HASHER.hash(_encoded(password))
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_account (name, password_hash) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE"
                " SET password_hash = excluded.password_hash, active = 1",
                (name, password_hash),
            )
            cursor.execute(_BY_NAME, (name,))
            [row] = cursor.fetchall()
            cursor.execute(_SET_DIGEST, (_digest(self._token(row)), row["id"]))
            account = _account(row)
            cursor.execute("DELETE FROM directory_session WHERE subject = ?", (account.user,))
            return account

    def check(self, name: str, password: str) -> Account | None:
        """Return the active account with this name and password, or None.

        An unknown name, a wrong password and a disabled account take the same time and have the same result.

        Raises:
            LimitReached: `MAX_PASSWORD_CHECKS` passwords are being checked.
        """
        row = self._named(name)
        # The hash is never renewed (argon2's check_needs_rehash): that would change the token.
        try:
            with self.password_checks.slot():
                _HASHER.verify(
                    _UNKNOWN_NAME if row is None else row["password_hash"], _encoded(password)
                )
        except VerifyMismatchError:
            return None
        return None if row is None or not row["active"] else _account(row)

    def token(self, account: Account) -> str:
        """Return the token of an account: 40 hexadecimal digits, which change only with the password.

        The database stores its SHA-256 only.
        """
        [row] = self._rows(_BY_ID, account.id)
        token = self._token(row)
        if row["token_digest"] != _digest(token):
            # The secret has changed since the account was added.
            with self.database.transaction(commit=True) as cursor:
                cursor.execute(_SET_DIGEST, (_digest(token), account.id))
        return token

    def named(self, name: str) -> Account | None:
        """Return the account with this name, active or not."""
        row = self._named(name)
        return None if row is None else _account(row)

    def with_user(self, user: UserId) -> Account | None:
        """Return the account that events name by this user id, active or not."""
        number = user.removeprefix(ACCOUNT_PREFIX)
        if number == user or not number.isdecimal():
            return None
        row = row_by_id(self.database, _BY_ID, int(number))
        return None if row is None else _account(row)

    def by_token(self, token: str) -> Account | None:
        """Return the account of a token, active or not; the token is case-sensitive."""
        if not _TOKEN.match(token):
            return None
        rows = self._rows(_BY_DIGEST, _digest(token))
        return next((_account(row) for row in rows if self._token(row) == token), None)

    def disable(self, name: str) -> bool:
        """Deactivate an account; False if there is none with this name."""
        if not is_text(name):
            return False
        with self.database.transaction(commit=True) as cursor:
            cursor.execute("UPDATE directory_account SET active = 0 WHERE name = ?", (name,))
            return has_changed(cursor)

    def _named(self, name: str) -> Row | None:
        return next(iter(self._rows(_BY_NAME, name)), None) if is_text(name) else None

    def _rows(self, select: str, value: str | int) -> list[Row]:
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(select, (value,))
            return cursor.fetchall()

    def _token(self, row: Row) -> str:
        message = f"tscharts-token:{row['id']}:{row['password_hash']}"
        return hmac.new(self.secret, message.encode(), hashlib.sha256).hexdigest()[:40]


def _account(row: Row) -> Account:
    return Account(row["id"], row["name"], bool(row["active"]))


def _encoded(password: str) -> bytes:
    # Any JSON string is a password, also with lone surrogates.
    return password.encode("utf-8", "surrogatepass")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
