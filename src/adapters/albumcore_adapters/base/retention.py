"""Retention: how long some kinds of data must be stored before they may be erased."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import frozen

from albumcore.user_tokens.values import months_after

KINDS = ("patient_images", "study_comments", "albums", "dicom_images")
"""The kinds of data that a retention period can be set for."""

MAX_YEARS, MAX_DAYS = 200, 73_000
_PERIOD = re.compile(r"([1-9][0-9]{0,4})([yd])")


@frozen
class Period:
    """A period of calendar years or of days."""

    years: int = 0
    days: int = 0

    def end(self, start: datetime) -> datetime:
        """The time at which the period ends that began at a time (UTC): of years, at the same day and time."""
        return months_after(start, 12 * self.years) + timedelta(days=self.days)


Retention = Mapping[str, Period]
"""The retention period of each kind that has one."""


def parse_retention(text: str) -> Retention:
    """The retention periods in a text such as ``patient_images=10y,study_comments=3650d``.

    Raises:
        ValueError: it is another text, or has a kind twice.
    """
    found: dict[str, Period] = {}
    for part in text.split(","):
        kind, _, period = part.strip().partition("=")
        if kind not in KINDS or kind in found:
            raise ValueError(f"{kind!r} is no kind of data, or is there twice")
        found[kind] = _period(period)
    return found


def _period(text: str) -> Period:
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise ValueError("a period is a number with y or d")
    number, unit = int(match[1]), match[2]
    if number > (MAX_YEARS if unit == "y" else MAX_DAYS):
        raise ValueError("a period is at most 200 years")
    return Period(years=number) if unit == "y" else Period(days=number)
