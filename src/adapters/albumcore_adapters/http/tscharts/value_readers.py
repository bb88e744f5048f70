"""Readers of values in requests: ids, dates, texts. Each raises `ValueError` for a bad value."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from albumcore_adapters.sql.database import MAX_KEY

_WHOLE = re.compile(r"-?[0-9]+")
_LONGEST = 1000  # digits; Python converts some thousands
_BEYOND = 2**63


def identifier(value: object) -> int:
    """Read an id: a whole number, or a text of digits. Of a number that is too long for an id, 0, which no row has.

    Raises:
        ValueError: it is neither; true, false and fractions are not ids.
    """
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        # Python refuses to convert very long texts, and ids have 19 digits at most.
        return int(value) if len(value) < 20 else 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    # The JSON parser reads whole numbers beyond 64 bits as floats.
    if isinstance(value, float) and abs(value) >= _BEYOND:
        return 0
    raise ValueError("not an id")


def text(value: object) -> str:
    """Read a text.

    Raises:
        ValueError: it is of another type.
    """
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def short_text(value: object) -> str:
    """Read a text to search for.

    Raises:
        ValueError: it is of another type, or has more than 255 characters.
    """
    if len(found := text(value)) > MAX_KEY:
        raise ValueError(f"longer than {MAX_KEY} characters")
    return found


def whole(value: object) -> int:
    """Read a whole number.

    Raises:
        ValueError: it is of another type; true, false and texts of digits are not numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number")
    return value


def digits(value: str) -> int:
    """Read a whole number from a text of digits.

    Raises:
        ValueError: it has other characters, or more than a thousand digits.
    """
    if len(value) > _LONGEST or not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number")
    return int(value)


def flag(value: str) -> bool:
    """Read ``true`` or ``false``; an empty text is false.

    Raises:
        ValueError: it is another text.
    """
    if value not in ("", "false", "true"):
        raise ValueError("not true or false")
    return value == "true"


def gender(value: object) -> Any:
    """Read a gender.

    Raises:
        ValueError: it is neither ``Male`` nor ``Female``.
    """
    if value not in ("Male", "Female"):
        raise ValueError("not Male or Female")
    return value


def day(value: object) -> date:
    """Read a date from a text such as ``04/30/2017``.

    Raises:
        ValueError: it is not a text, or not month/day/year.
    """
    try:
        return datetime.strptime(text(value), "%m/%d/%Y").date()
    except ValueError:
        raise ValueError("not a date MM/DD/YYYY") from None


def shown_day(value: date) -> str:
    """A date as the API shows it: ``MM/DD/YYYY``."""
    return f"{value:%m/%d}/{value.year:04}"  # %Y would not pad the year
