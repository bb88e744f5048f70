"""What a capability token is worth, and until when (Kheops API 10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from albumcore.user_tokens import CapabilityToken
from albumcore.user_tokens.values import months_after, validity
from support.album import DIGEST, alice
from support.given import NOW, START

TOKEN = CapabilityToken(DIGEST, "Laptop", alice, START, START, NOW)
TICK = timedelta(microseconds=1)
TOLERANCE = timedelta(seconds=5)


@pytest.mark.parametrize(
    ("at", "usable"),
    [
        (START - TOLERANCE - TICK, False),
        (START - TOLERANCE, True),
        (NOW + TOLERANCE, True),
        (NOW + TOLERANCE + TICK, False),
    ],
)
def test_a_token_is_usable_within_its_validity(at: datetime, usable: bool) -> None:
    """Kheops API 14, rule 61: clocks may differ by 5 seconds at both ends."""
    assert TOKEN.usable_at(at) is usable


def test_a_token_may_be_valid_for_all_times() -> None:
    """The first and the last moment there are do not overflow."""
    forever = evolve(
        TOKEN,
        not_before=datetime.min.replace(tzinfo=UTC),
        expires_at=datetime.max.replace(tzinfo=UTC),
    )
    assert forever.usable_at(NOW)
    assert forever.revocable_at(NOW)


def test_a_revoked_token_is_neither_usable_nor_revocable() -> None:
    """Whatever its validity."""
    revoked = evolve(TOKEN, revoked_at=START, revoked_by=alice)
    assert not revoked.usable_at(START)
    assert not revoked.revocable_at(START)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 1, 31), 3, (2026, 4, 30)),
        ((2026, 11, 30), 3, (2027, 2, 28)),
        ((2027, 11, 29), 3, (2028, 2, 29)),
        ((2026, 9, 15), 3, (2026, 12, 15)),
        ((2026, 10, 1), 3, (2027, 1, 1)),
    ],
)
def test_months_after_keeps_to_the_calendar(
    start: tuple[int, int, int], months: int, end: tuple[int, int, int]
) -> None:
    """The same day, or the last of a month that has no such day; the time of day stays."""
    at = datetime(*start, 23, 59, 59, 7, tzinfo=UTC)
    assert months_after(at, months) == at.replace(year=end[0], month=end[1], day=end[2])


def test_validity_is_given_or_three_months_from_now() -> None:
    """Each end by itself."""
    assert validity(START, None, None) == (START, datetime(2026, 6, 1, 9, 30, tzinfo=UTC))
    assert validity(START, NOW, None) == (NOW, datetime(2026, 6, 1, 9, 30, tzinfo=UTC))
    assert validity(START, None, NOW) == (START, NOW)
