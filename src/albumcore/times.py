"""Times: aware, and told in UTC. A time without a zone is refused wherever one comes in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from albumcore.errors import Invalid

Clock = Callable[[], datetime]
"""Tells the present moment, aware."""


def in_utc(field: str, at: datetime) -> datetime:
    """The same moment in UTC.

    Args:
        field: The name of the value, for the error.
        at: The moment. A naive datetime means another moment on each machine, so it is never guessed at.

    Raises:
        Invalid: it has no zone, or is too near the end of the calendar to be told in UTC.
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
    """A moment as albums and events show it: UTC without a zone, with a fraction only if there is one.

    Args:
        at: The moment.
        in_whole_seconds: Leave the fraction out; the second that has begun is shown.

    Raises:
        Invalid: it has no zone.
    """
    timespec = "seconds" if in_whole_seconds else "auto"
    return in_utc("at", at).replace(tzinfo=None).isoformat(timespec=timespec)


def clock_in_utc(clock: Clock) -> Clock:
    """A clock that tells the same moments in UTC, and raises Invalid for a ``clock`` that tells no zone."""
    return lambda: in_utc("clock", clock())
