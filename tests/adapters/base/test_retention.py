"""Retention periods: read from a text, and counted by the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from albumcore_adapters.base.retention import Period, parse_retention
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings

FIRST = datetime(2024, 2, 29, 9, 30, tzinfo=UTC)


def test_periods_are_read() -> None:
    """In years or days, with blanks between them."""
    assert parse_retention("patient_images=10y, study_comments=3650d,albums=1d") == {
        "patient_images": Period(years=10),
        "study_comments": Period(days=3650),
        "albums": Period(days=1),
    }


@pytest.mark.parametrize(
    "text",
    [
        "patient_images",
        "images=10y",
        "albums=10",
        "albums=0y",
        "albums=-1d",
        "albums=1.5y",
        "albums=201y",
        "albums=73001d",
        "albums=1y,albums=2y",
        "albums=1y,",
        "albums=10 y",
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    """By a message that names the setting."""
    with pytest.raises(ValueError):
        parse_retention(text)
    with pytest.raises(SettingsError, match="ALBUMCORE_KEEP_AT_LEAST: expected periods such as"):
        Settings(keep_at_least=text)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("10y", datetime(2034, 2, 28, 9, 30, tzinfo=UTC)),  # that year has no 29th
        ("200y", datetime(2224, 2, 29, 9, 30, tzinfo=UTC)),
        ("1d", datetime(2024, 3, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_period_ends_at_the_time_of_day_it_began(text: str, end: datetime) -> None:
    """On the last day of a month that is too short."""
    assert parse_retention(f"albums={text}")["albums"].end(FIRST) == end
