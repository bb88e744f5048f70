"""Single-use tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.sql.database import Database
from support.databases import NewDatabase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def single_use_tokens(database: Database) -> SingleUseTokens:
    """An empty table of used tokens."""
    return SingleUseTokens(database)


def test_consume_once(single_use_tokens: SingleUseTokens) -> None:
    """A token is used once; a repeated use is refused until it expires."""
    assert single_use_tokens.consume("code", "1", ends_at=LATER, at=NOON)
    assert not single_use_tokens.consume("code", "1", ends_at=LATER, at=NOON)
    assert not single_use_tokens.consume(
        "code", "1", ends_at=LATER, at=LATER - timedelta(microseconds=1)
    )
    assert single_use_tokens.consume("code", "2", ends_at=LATER, at=NOON)


def test_names_are_kept_apart(single_use_tokens: SingleUseTokens) -> None:
    """Names whose concatenation is equal are different tokens; any JSON string is a name."""
    names = [("a", "b"), ("ab",), ("a", "", "b"), ("", "ab"), ("1:a", "b"), ("\ud800", "b")]
    assert all(single_use_tokens.consume(*name, ends_at=LATER, at=NOON) for name in names)
    assert not any(single_use_tokens.consume(*name, ends_at=LATER, at=NOON) for name in names)


def test_what_has_ended_is_forgotten(
    single_use_tokens: SingleUseTokens, database: Database
) -> None:
    """Expired tokens are removed from the table."""
    single_use_tokens.consume("code", "1", ends_at=LATER, at=NOON)
    single_use_tokens.consume("code", "2", ends_at=LATER + timedelta(seconds=1), at=LATER)
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT count(*) AS number FROM directory_spent")
        assert cursor.fetchall()[0]["number"] == 1


def test_two_at_once(new_database: NewDatabase) -> None:
    """Of concurrent uses of a token, one is the first."""
    start = Barrier(4)

    with new_database() as database:
        single_use_tokens = SingleUseTokens(database)

        def consume(number: int) -> bool:
            start.wait()
            return single_use_tokens.consume("code", "1", ends_at=LATER, at=NOON)

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(consume, range(4))) == [False, False, False, True]
