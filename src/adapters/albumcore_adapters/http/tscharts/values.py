"""Values as clients of the API write them: ids, dates, texts."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from albumcore_adapters.sql.database import MAX_KEY

_WHOLE = re.compile(r"-?[0-9]+")
_LONGEST = 1000  # digits; Python converts some thousands
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


def short_text(value: object) -> str:
    """Return a text to search for.

    Raises:
        ValueError: it is something else, or has more than 255 characters.

    """
    if len(found := text(value)) > MAX_KEY:
        raise ValueError(f"longer than {MAX_KEY} characters")
    return found


def whole(value: object) -> int:
    """Return a whole number.

    Raises:
        ValueError: it is something else; true, false and texts of digits are no numbers.

    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number")
    return value


def digits(value: str) -> int:
    """Return the whole number that a text of digits stands for.

    Raises:
        ValueError: it is none, or has more than a thousand digits.

    """
    if len(value) > _LONGEST or not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number")
    return int(value)


def flag(value: str) -> bool:
    """Return what ``true`` or ``false`` says; nothing says false.

    Raises:
        ValueError: it is neither.

    """
    if value not in ("", "false", "true"):
        raise ValueError("not true or false")
    return value == "true"


def gender(value: object) -> Any:
    """Return a gender.

    Raises:
        ValueError: the API does not know it.

    """
    if value not in ("Male", "Female"):
        raise ValueError("not Male or Female")
    return value


def day(value: object) -> date:
    """Return the date that a text such as ``04/30/2017`` stands for.

    Raises:
        ValueError: it is no text, or no month/day/year.

    """
    try:
        return datetime.strptime(text(value), "%m/%d/%Y").date()
    except ValueError:
        raise ValueError("not a date MM/DD/YYYY") from None


def shown_day(value: date) -> str:
    """Return a date in the form of the API: ``MM/DD/YYYY``."""
    return f"{value:%m/%d}/{value.year:04}"  # %Y would not pad the year
