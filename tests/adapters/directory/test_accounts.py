"""Accounts of the TSCharts API: passwords, and the one token that each account has."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from albumcore.errors import Invalid
from albumcore_adapters.directory import accounts as module
from albumcore_adapters.directory.accounts import Account, Accounts
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.migrations import migrate
from albumcore_adapters.sql.sqlite import SQLiteDatabase

SECRET = b"0123456789abcdef"


@pytest.fixture
def accounts(database: Database, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    """Accounts with one of a nurse, and with cheap password hashes."""
    monkeypatch.setattr(module, "_HASHER", PasswordHasher(1, 8, 1))
    accounts = Accounts(database, SECRET)
    assert accounts.add("nurse", "correct horse") == Account(1, "nurse", active=True)
    return accounts


def login(accounts: Accounts, name: str = "nurse", password: str = "correct horse") -> str:
    """Log in, and return the token."""
    account = accounts.check(name, password)
    assert account is not None
    return accounts.token(account)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("nurse", "correct hors"),
        ("nurse", ""),
        ("Nurse", "correct horse"),
        ("nobody", "correct horse"),
        ("\ud800", "correct horse"),
        ("nurse", "\ud800"),
    ],
)
def test_check_of_what_does_not_fit(accounts: Accounts, name: str, password: str) -> None:
    """A wrong password and an unknown name have the same result."""
    assert accounts.check(name, password) is None


def test_check_of_an_unknown_name_costs_the_same(database: Database) -> None:
    """The hash that is checked for unknown names has the parameters of real ones."""
    parameters = extract_parameters(module._UNKNOWN_NAME)
    assert parameters == RFC_9106_LOW_MEMORY
    Accounts(database, SECRET).add("nurse", "correct horse")
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT password_hash FROM directory_account")
        row = cursor.fetchone()
    assert row is not None
    assert extract_parameters(row["password_hash"]) == parameters


def test_token_is_the_same_at_every_login(accounts: Accounts) -> None:
    """A token has 40 hexadecimal digits, is constant, and differs between accounts."""
    token = login(accounts)
    assert re.fullmatch("[0-9a-f]{40}", token)
    assert login(accounts) == token
    assert accounts.by_token(token) == Account(1, "nurse", active=True)
    accounts.add("doctor", "correct horse")
    assert login(accounts, "doctor") != token


def test_by_token_is_exact(accounts: Accounts) -> None:
    """Another case, an additional blank or a missing digit make another token."""
    token = login(accounts)
    others = [token.upper(), f" {token}", f"{token}\n", token[:-1], "é" * 40, "\ud800", ""]
    assert [other for other in others if accounts.by_token(other) is not None] == []


def test_add_again_replaces_the_password_and_the_token(accounts: Accounts) -> None:
    """A new password replaces the old one and invalidates the token; the id is unchanged."""
    old = login(accounts)
    assert accounts.add("nurse", "battery \ud800 staple") == Account(1, "nurse", active=True)
    assert accounts.check("nurse", "correct horse") is None
    assert accounts.by_token(old) is None
    new = login(accounts, password="battery \ud800 staple")
    assert new != old
    assert accounts.by_token(new) is not None


def test_disable(accounts: Accounts) -> None:
    """A disabled account cannot log in; its token still identifies it."""
    token = login(accounts)
    assert accounts.disable("nurse")
    assert accounts.check("nurse", "correct horse") is None
    assert accounts.by_token(token) == Account(1, "nurse", active=False)
    assert accounts.add("nurse", "correct horse").active
    assert login(accounts) != token


@pytest.mark.parametrize("name", ["nobody", "\ud800", "nurse\0"])
def test_disable_of_an_unknown_name(accounts: Accounts, name: str) -> None:
    """An unknown account cannot be disabled."""
    assert not accounts.disable(name)


def test_named(accounts: Accounts) -> None:
    """An account is found by its exact name, active or not."""
    assert accounts.named("nurse") == Account(1, "nurse", active=True)
    assert [accounts.named(name) for name in ("Nurse", "nobody", "\ud800")] == [None] * 3
    accounts.disable("nurse")
    assert accounts.named("nurse") == Account(1, "nurse", active=False)


def test_token_under_another_secret(accounts: Accounts) -> None:
    """A new secret invalidates all tokens; a login returns a new one."""
    old = login(accounts)
    renewed = Accounts(accounts.database, b"another secret")
    assert renewed.by_token(old) is None
    new = login(renewed)
    assert new != old
    assert renewed.by_token(new) is not None
    assert renewed.by_token(old) is None


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        *[(name, "x", "name") for name in ("", "  ", "\ud800", "a\0", "x" * 256)],
        ("nurse", "", "password"),
    ],
)
def test_add_without_a_usable_name_or_password(
    accounts: Accounts, name: str, password: str, field: str
) -> None:
    """Name and password are required, and the error names the missing one."""
    with pytest.raises(Invalid) as refused:
        accounts.add(name, password)
    assert refused.value.field == field
    assert accounts.check("nurse", "correct horse") is not None


def test_database_holds_neither_password_nor_token(tmp_path: Path) -> None:
    """The database contains neither passwords nor tokens, and no repr contains the secret."""
    path = tmp_path / "directory.sqlite"
    database = SQLiteDatabase(path.as_uri(), 30)
    migrate(database)
    accounts = Accounts(database, SECRET)
    accounts.add("nurse", "correct horse")
    token = login(accounts)
    database.close()
    content = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert sha256(token.encode()).hexdigest().encode() in content
    assert token.encode() not in content
    assert b"correct horse" not in content
    assert SECRET not in content
    assert SECRET.decode() not in repr(accounts)
