"""Attribute matching: wild cards, American Soundex, and ranges of dates and times."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.base.dicom_matching import (
    date_range,
    date_value,
    person_name_matcher,
    soundex,
    text_matcher,
    time_range,
    time_value,
)
from support.searching import like

HOUR = 3600 * 10**6  # microseconds
MINUTE = 60 * 10**6
SECOND = 10**6


@pytest.mark.parametrize(
    ("wanted", "matching", "others"),
    [
        ("Head", ["head", "HEAD"], ["Heads", "ahead", "", " head"]),
        ("h*d", ["HD", "hand", "h\nd"], ["hands"]),
        ("*d", ["d", "had"], ["dh"]),
        ("*a*a*", ["aa", "banana"], ["a"]),
        ("**", ["", "x"], []),
        ("", [""], ["x"]),
        ("a.c", ["A.C"], ["abc"]),
        ("[a-z]?%_", ["[A-Z]?%_"], ["a?%_", "b1%_"]),
        ("straße", ["STRASSE"], ["STRASE"]),
    ],
)
def test_text_matches(wanted: str, matching: list[str], others: list[str]) -> None:
    """Text matches as a whole, without regard to case; ``*`` is the only special character."""
    matches = text_matcher(wanted)
    assert [text for text in [*matching, *others] if matches(text)] == matching


@given(wanted=st.text("ab*", max_size=6), text=st.text("ab", max_size=8))
def test_text_matches_as_letter_by_letter(wanted: str, text: str) -> None:
    """Wild card matching agrees with a naive model, for any number and position of stars."""
    assert text_matcher(wanted)(text) == like(wanted, text)


def test_text_with_many_wildcards() -> None:
    """A mismatch is found in linear time, without backtracking."""
    assert not text_matcher("*a" * 120 + "*b")("a" * 5000)


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        ("Rupert", "Robert", True),
        ("*Rupert*", "Robert", True),
        ("Rupert", "Rubin", False),
        ("Rub*", "rubin", True),  # by its letters
        ("12", "34", False),  # neither sounds like anything
        ("", "", True),
    ],
)
def test_text_that_sounds_alike(wanted: str, text: str, expected: bool) -> None:
    """A fuzzy match is one by characters or by Soundex code; texts without a code do not match by code."""
    assert text_matcher(wanted, fuzzy=True)(text) is expected


@pytest.mark.parametrize(
    ("wanted", "name", "expected"),
    [
        ("Okoye", "Okoye^Ngozi", True),
        ("OKOIE", "Okoye^Ngozi", True),
        ("Ngosi", "Okoye^Ngozi", True),
        ("Okoye^Ngosi", "Okoye^Ngozi", True),
        ("Ngozi Okoye", "Okoye^Ngozi", True),
        ("Okoye, Ngozi", "Okoye^Ngozi", True),
        ("Okoye^Ada", "Okoye^Ngozi", False),  # every word is to be found
        ("Okoye^Ngozi", "Okoye", False),
        ("O", "Okoye^Ngozi", False),
        ("O*", "Okoye^Ngozi", True),
        ("*koye*", "Okoye^Ngozi", True),
        ("Okoye^*", "Okoye^Ngozi", True),
        ("Mary", "Smith^Mary Ann", True),
        ("MaryAnn", "Smith^Mary Ann", True),
        ("Yamata^Taru=山田", "Yamada^Tarou=山田^太郎", True),
        ("山田", "Yamada^Tarou=山田^太郎", True),
        ("山^Tarou", "Yamada^Tarou=山田^太郎", False),
        ("12", "34", False),  # neither sounds like anything
        ("^", "Okoye^Ngozi", False),
        ("Okoye", "", False),
    ],
)
def test_name_that_sounds_alike(wanted: str, name: str, expected: bool) -> None:
    """Each word matches a component or a word of a component, by characters or Soundex code, in any position."""
    assert person_name_matcher(wanted)(name) is expected


@given(
    wanted=st.text("an *^=", max_size=6),
    groups=st.lists(st.lists(st.text("anb ", max_size=3), max_size=3), max_size=2),
)
def test_names_are_matched_as_word_by_word(wanted: str, groups: list[list[str]]) -> None:
    """Name matching agrees with a model that compares each word with each component, and each word of one."""
    name = "=".join("^".join(components) for components in groups)
    parts = [component for components in groups for component in components if component]
    parts += [word for part in parts for word in part.split()]
    words = wanted.replace("^", " ").replace("=", " ").split()
    assert person_name_matcher(wanted)(name) == bool(
        words
        and all(
            any(like(word, part) or (soundex(word) == soundex(part) != "") for part in parts)
            for word in words
        )
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Robert", "R163"),
        ("Rupert", "R163"),
        ("Rubin", "R150"),
        ("Ashcraft", "A261"),
        ("Ashcroft", "A261"),
        ("Tymczak", "T522"),
        ("Pfister", "P236"),
        ("Honeyman", "H555"),
        ("Hermann", "H655"),
        ("Jackson", "J250"),
        ("Lee", "L000"),
        ("Xavier", "X160"),
        ("Alexandra", "A425"),
        ("Gutiérrez", "G362"),
        ("van Deusen", "V532"),
        ("o'hara 12", "O600"),
        ("42 %", ""),
        ("", ""),
    ],
)
def test_soundex(text: str, code: str) -> None:
    """The code is the first letter and three digits; accents and other characters are ignored."""
    assert soundex(text) == code


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("20260131", date(2026, 1, 31), date(2026, 1, 31)),
        ("20260101-20260131", date(2026, 1, 1), date(2026, 1, 31)),
        ("20260131-20260101", date(2026, 1, 31), date(2026, 1, 1)),
        ("20260101-", date(2026, 1, 1), date.max),
        ("-20260101", date.min, date(2026, 1, 1)),
    ],
)
def test_days(text: str, first: date, last: date) -> None:
    """One day, a range of days, or a range with one open end."""
    assert date_range(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "--",
        "2026",
        "20261301",
        "20260230",
        "00000101",
        "2026-01-01",
        "20260101-20260102-",
        "2026.01.01",
        " 20260101",
        "20260101\n",
        "²0260101",
        "*",
        "20260101 - 20260102",
    ],
)
def test_days_that_are_none(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError):
        date_range(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("10", 10 * HOUR, 11 * HOUR - 1),
        ("1030", 10 * HOUR + 30 * MINUTE, 10 * HOUR + 31 * MINUTE - 1),
        ("103005", 10 * HOUR + 30 * MINUTE + 5 * SECOND, 10 * HOUR + 30 * MINUTE + 6 * SECOND - 1),
        ("000000.5", 500_000, 599_999),
        ("000000.000001", 1, 1),
        ("000060", MINUTE, MINUTE + SECOND - 1),
        ("10-1030", 10 * HOUR, 10 * HOUR + 31 * MINUTE - 1),
        ("23-", 23 * HOUR, 24 * HOUR + SECOND),
        ("-00", 0, HOUR - 1),
        ("11-10", 11 * HOUR, 11 * HOUR - 1),
    ],
)
def test_times(text: str, first: int, last: int) -> None:
    """A time without trailing components means the whole interval, at either end of a range."""
    assert time_range(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "24",
        "1060",
        "103061",
        "103005.",
        "103005.1234567",
        "10:30",
        "103",
        "10.5",
        "10-11-12",
        "1030Z",
        "*",
        "-*",
        " 10",
    ],
)
def test_times_that_are_none(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError):
        time_range(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20040119", date(2004, 1, 19)),
        ("2004.01.19", date(2004, 1, 19)),
        ("2004", None),
        ("20040230", None),
        ("20040119\\20040120", None),
        ("", None),
    ],
)
def test_day_of(value: str, expected: date | None) -> None:
    """Values of VR DA, also in the retired format; None if it is not a date."""
    assert date_value(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10", 10 * HOUR),
        ("103005.25", 10 * HOUR + 30 * MINUTE + 5 * SECOND + 250_000),
        ("10:30:05.25", 10 * HOUR + 30 * MINUTE + 5 * SECOND + 250_000),
        ("1030", 10 * HOUR + 30 * MINUTE),
        ("1", None),
        ("", None),
    ],
)
def test_moment_of(value: str, expected: int | None) -> None:
    """Values of VR TM, also in the retired format; None if it is not a time."""
    assert time_value(value) == expected
