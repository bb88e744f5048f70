"""Times of the past as they are written, by properties; the boundaries over HTTP are those of the contract tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore.errors import Invalid
from albumcore.past import past_time
from albumcore.times import local_time, time_in

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAST = st.datetimes(datetime(1, 1, 3), NOW.replace(tzinfo=None)).map(
    lambda at: at.replace(tzinfo=UTC)
)
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


@given(at=PAST, offset=OFFSETS)
def test_a_time_with_a_fraction_is_exact(at: datetime, offset: timezone) -> None:
    """In every zone, to the microsecond."""
    written = at.astimezone(offset).isoformat(timespec="microseconds")
    assert past_time(written, lambda: NOW) == time_in(written, "at") == at


@given(at=PAST)
def test_a_time_as_it_is_shown_includes_what_it_is_shown_of(at: datetime) -> None:
    """In whole seconds, or with the fraction that there is."""
    shown = local_time(at, in_whole_seconds=True)
    counted = past_time(shown, lambda: NOW)
    assert timedelta(0) <= counted - at < timedelta(seconds=1)
    assert local_time(counted, in_whole_seconds=True) == shown
    exact = past_time(local_time(at), lambda: NOW)
    assert exact == at if at.microsecond else exact == counted


def test_what_is_written_must_not_be_in_the_future() -> None:
    """The second that has begun is not, though it counts to its end."""
    assert past_time("2026-03-01T12:00:00", lambda: NOW) > NOW
    with pytest.raises(Invalid, match=r"^from: a time of the past"):
        past_time("2026-03-01T12:00:00.000001Z", lambda: NOW, "from")


@pytest.mark.parametrize("text", ["2026-03-01T12:00", "20260301T120000", "", "2026-02-30T12:00:00"])
def test_a_time_that_needs_a_zone(text: str) -> None:
    """Without one it is refused, where UTC is not meant by default."""
    with pytest.raises(Invalid, match=r"^until: "):
        time_in(text, "until")


@pytest.mark.parametrize("offset", ["+00:60", "+01:99", "+24:00", "-99", "+0160"])
def test_an_offset_is_less_than_a_day_and_has_sixty_minutes_an_hour(offset: str) -> None:
    """Otherwise it is no time of the clock anywhere."""
    with pytest.raises(Invalid, match=r"^at: "):
        past_time(f"2026-02-01T12:00:00{offset}", lambda: NOW)


@given(text=st.text("0123456789-T:.Z+ ", max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """By name."""
    refused = None
    try:
        assert past_time(text, lambda: NOW) <= NOW + timedelta(seconds=1)
    except Invalid as error:
        refused = error.field
    assert refused in (None, "at")
