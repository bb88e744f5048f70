"""Values as clients of the API write them: ids, dates, texts."""

from __future__ import annotations

import re
from datetime import date, datetime

_WHOLE = re.compile(r"-?[0-9]+")
_BEYOND = 2**63


def identifier(value: object) -> int:
    """Return an id given as a number, or as a text of digits.

    Whether there is such an id is for others to say; 0 stands for numbers too long to be any.

    Raises:
        ValueError: it is neither; true, false and fractions are no ids.

    """
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        # Python refuses to convert very long texts, and ids have 19 digits at most.
        return int(value) if len(value) < 20 else 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    # The JSON parser makes this of whole numbers beyond 64 bits.
    if isinstance(value, float) and abs(value) >= _BEYOND:
        return 0
    raise ValueError("not an id")


def text(value: object) -> str:
    """Return a text.

    Raises:
        ValueError: it is something else.

    """
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def day(value: object) -> date:
    """Return the date that a text such as ``04/30/2017`` stands for.

    Raises:
        ValueError: it is no text, or no month/day/year.

    """
    return datetime.strptime(text(value), "%m/%d/%Y").date()


def shown_day(value: date) -> str:
    """Return a date in the form of the API: ``MM/DD/YYYY``."""
    return f"{value:%m/%d}/{value.year:04}"  # %Y would not pad the year
