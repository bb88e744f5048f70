"""Times are aware and in UTC. A time without a time zone is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from albumcore.errors import Invalid

Clock = Callable[[], datetime]
"""Returns the present time, aware."""


def in_utc(at: datetime, field: str = "at") -> datetime:
    """Convert a time to UTC.

    Args:
        at: An aware time. A naive one means another time on each machine, and is refused.
        field: Name of the parameter, for the error.

    Raises:
        Invalid: it has no time zone, or is outside of the calendar in UTC.
    """
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise Invalid(
            field, f"a time needs a zone, such as +00:00 for UTC; {at.isoformat()} has none"
        )
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Invalid(field, "there is no such time in UTC") from None


def local_time(at: datetime, *, in_whole_seconds: bool = False) -> str:
    """Format a time as in the API's albums and events: UTC without a time zone, a fraction only if there is one.

    Args:
        at: An aware time.
        in_whole_seconds: Truncate to seconds.

    Raises:
        Invalid: it has no time zone.
    """
    timespec = "seconds" if in_whole_seconds else "auto"
    return in_utc(at).replace(tzinfo=None).isoformat(timespec=timespec)


def clock_in_utc(clock: Clock) -> Clock:
    """The same clock in UTC; it raises Invalid if ``clock`` returns a naive time."""
    return lambda: in_utc(clock(), "clock")
