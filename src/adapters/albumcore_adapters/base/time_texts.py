"""Times as texts that programs read again."""

from __future__ import annotations

from datetime import datetime


def exact_text(at: datetime) -> str:
    """A time (UTC) in ISO 8601, always with six digits of the second, which all readers of tables take."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
