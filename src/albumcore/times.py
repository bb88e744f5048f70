"""Times are aware and in UTC. A time without a time zone is refused."""

from __future__ import annotations

import re
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
        raise Invalid(field, "there is no such time in UTC", rule="no_such_time") from None


_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?:(Z)|([-+ ])(\d{2})(?::?([0-5]\d))?)?",
    re.IGNORECASE | re.ASCII,
)


def time_in(text: str, field: str, *, is_utc_by_default: bool = False) -> datetime:
    """Read a time in ISO 8601 with its offset from UTC; a fraction of more than six digits is truncated.

    A blank counts as a plus sign: an unencoded plus sign is a blank in a form and in a query string.

    Args:
        text: The text.
        field: Name of the parameter, for the error.
        is_utc_by_default: Whether the offset may be missing, and the time is then in UTC.

    Raises:
        Invalid: it is something else, or the time does not exist.
    """
    match = _TIME.fullmatch(text)
    if match is None or not (is_utc_by_default or match[2] or match[3]):
        raise Invalid(field, "a time such as 2026-01-31T12:00:00+01:00 is expected", rule="time")
    local, _, sign, hours, minutes = match.groups()
    offset = f"{'-' if sign == '-' else '+'}{hours}:{minutes or '00'}" if sign else "+00:00"
    try:
        return in_utc(datetime.fromisoformat(local.upper() + offset), field)
    except ValueError:
        raise Invalid(field, "this time does not exist", rule="no_such_time") from None


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
