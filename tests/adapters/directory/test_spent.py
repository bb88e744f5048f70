"""What may be used once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from albumcore_adapters.directory import Spent
from albumcore_adapters.sql.database import Database
from support.databases import NewDatabase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def spent(database: Database) -> Spent:
    """Nothing was used up yet."""
    return Spent(database)


def test_spend_once(spent: Spent) -> None:
    """The first time it works, the second it does not, for as long as it would be good."""
    assert spent.spend("code", "1", ends_at=LATER, at=NOON)
    assert not spent.spend("code", "1", ends_at=LATER, at=NOON)
    assert not spent.spend("code", "1", ends_at=LATER, at=LATER - timedelta(microseconds=1))
    assert spent.spend("code", "2", ends_at=LATER, at=NOON)


def test_names_are_kept_apart(spent: Spent) -> None:
    """Names that only look alike when joined are not the same, be they as odd as JSON lets them."""
    names = [("a", "b"), ("ab",), ("a", "", "b"), ("", "ab"), ("1:a", "b"), ("\ud800", "b")]
    assert all(spent.spend(*name, ends_at=LATER, at=NOON) for name in names)
    assert not any(spent.spend(*name, ends_at=LATER, at=NOON) for name in names)


def test_what_has_ended_is_forgotten(spent: Spent, database: Database) -> None:
    """It takes up no room after its end; whoever judges it refuses it by its age."""
    spent.spend("code", "1", ends_at=LATER, at=NOON)
    spent.spend("code", "2", ends_at=LATER + timedelta(seconds=1), at=LATER)
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT count(*) AS number FROM directory_spent")
        assert cursor.fetchall()[0]["number"] == 1


def test_two_at_once(new_database: NewDatabase) -> None:
    """Of those who use the same thing at the same time, one does."""
    start = Barrier(4)

    with new_database() as database:
        spent = Spent(database)

        def spend(number: int) -> bool:
            start.wait()
            return spent.spend("code", "1", ends_at=LATER, at=NOON)

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(spend, range(4))) == [False, False, False, True]
