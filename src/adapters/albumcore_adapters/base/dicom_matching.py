"""Attribute matching of searches: wild cards, fuzzy matching by Soundex, ranges of dates and times.

It follows DICOM PS3.4 section C.2.2.2 and Kheops API 3.1 and 12.1. Dates and times have the formats of DICOM PS3.5
section 6.2 (VR DA and TM), and are compared as dates and times, not as strings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Matcher: TypeAlias = Callable[[str], bool]
"""Whether a text matches."""

_SECOND = 1_000_000  # microseconds
_DAY = re.compile("[0-9]{8}")
_TIME = re.compile("([01][0-9]|2[0-3])(?:([0-5][0-9])(?:([0-5][0-9]|60)(?:[.]([0-9]{1,6}))?)?)?")
_END_OF_DAY = 86_401 * _SECOND  # includes a leap second

_COMPONENTS = re.compile(r"[^\^=]+")
_WORDS = re.compile(r"[^\^=,\s]+")

# Text


def text_matcher(wanted: str, *, fuzzy: bool = False) -> Matcher:
    """Return a matcher of whole texts without regard to case.

    Args:
        wanted: The text to match; ``*`` matches any sequence of characters, also an empty one.
        fuzzy: Also match text with the same `soundex` code.
    """
    matches = re.compile(_pattern(wanted.casefold()), re.DOTALL).fullmatch
    sound = soundex(wanted) if fuzzy else ""

    def match(text: str) -> bool:
        if matches(text.casefold()):
            return True
        return bool(sound) and soundex(text) == sound

    return match


def person_name_matcher(wanted: str) -> Matcher:
    """Return a fuzzy semantic matcher of person names (DICOM PS3.4 section C.2.2.2.1.1, PS3.18 section 8.3.4.2).

    A name matches if every word of ``wanted``, in any order, matches or sounds like a component of the name or a word
    of a component, in any component group. Groups are separated by ``=``, components by ``^``. Without a word in
    ``wanted``, no name matches.
    """
    words = [
        (re.compile(_pattern(word.casefold()), re.DOTALL).fullmatch, soundex(word))
        for word in _WORDS.findall(wanted)
    ]

    def match(name: str) -> bool:
        parts = {*_COMPONENTS.findall(name), *_WORDS.findall(name)}
        folded, sounds = {part.casefold() for part in parts}, set(map(soundex, parts))
        return bool(words) and all(
            (sound and sound in sounds) or any(map(fits, folded)) for fits, sound in words
        )

    return match


def _pattern(wanted: str) -> str:
    first, *others = map(re.escape, wanted.split("*"))
    if not others:
        return first
    *between, last = others
    # Atomic groups prevent backtracking: time is linear in the text, however many wild cards there are.
    return first + "".join(f"(?>.*?{part})" for part in between) + ".*" + last


_CODES = {
    letter: code
    for code, letters in {
        "1": "BFPV",
        "2": "CGJKQSXZ",
        "3": "DT",
        "4": "L",
        "5": "MN",
        "6": "R",
    }.items()
    for letter in letters
}


def soundex(text: str) -> str:
    """Return the American Soundex code of a text: a letter and three digits, or "" if it has no letter from A to Z.

    Accents are ignored. Adjacent letters with the same code count once, also with H or W between them.
    """
    plain = unicodedata.normalize("NFKD", text).upper()
    letters = [letter for letter in plain if "A" <= letter <= "Z"]
    codes: list[str] = []
    last = ""
    for letter in letters:
        code = _CODES.get(letter, "")
        if code and code != last:
            codes.append(code)
        if letter not in "HW":
            last = code
    if not letters:
        return ""
    if _CODES.get(letters[0]):
        del codes[0]
    return letters[0] + "".join(codes[:3]).ljust(3, "0")


# Dates and times


def date_range(text: str) -> tuple[date, date]:
    """Parse ``YYYYMMDD``, ``YYYYMMDD-YYYYMMDD``, ``-YYYYMMDD`` or ``YYYYMMDD-``; return the first and the last day.

    Raises:
        ValueError: the text has none of these formats.
    """
    first, last = _ends(text, _day)
    return first or date.min, last or date.max


def time_range(text: str) -> tuple[int, int]:
    """Parse ``hhmmss.ffffff``, or a range like those of `date_range`; return the first and the last time.

    A time may omit trailing components, and then means the whole interval: ``10`` is the hour from 10:00, also as the
    end of a range. A range does not cross midnight.

    Returns:
        Both times in microseconds since midnight.

    Raises:
        ValueError: the text has none of these formats.
    """
    first, last = _ends(text, _span)
    return first[0] if first else 0, last[1] if last else _END_OF_DAY


def date_value(value: str) -> date | None:
    """Parse a value of VR DA, also in the retired format ``YYYY.MM.DD``; None if it is not a date."""
    try:
        return _day(value.replace(".", ""))
    except ValueError:
        return None


def time_value(value: str) -> int | None:
    """Parse a value of VR TM, also in the retired format ``hh:mm:ss``; None if it is not a time.

    Returns:
        Microseconds since midnight; of a time with omitted components, the first one that it includes.
    """
    try:
        return _span(value.replace(":", ""))[0]
    except ValueError:
        return None


def _ends(text: str, read: Callable[[str], T]) -> tuple[T | None, T | None]:
    first, hyphen, last = text.partition("-")
    if not hyphen:
        last = first
    if not (first or last):
        raise ValueError
    return read(first) if first else None, read(last) if last else None


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _span(text: str) -> tuple[int, int]:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError
    hours, minutes, seconds, fraction = match.groups()
    whole = (int(hours) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    first = whole * _SECOND + int((fraction or "").ljust(6, "0"))
    if minutes is None:
        length = 3600 * _SECOND
    elif seconds is None:
        length = 60 * _SECOND
    else:
        length = 10 ** (6 - len(fraction or ""))
    return first, first + length - 1
