"""Times in words, in the language and the time zone of the reader."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen
from markupsafe import Markup

from albumcore_adapters.http.ui.texts import PageTexts

UTC_ZONE = ZoneInfo("UTC")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,2}")


def zone_named(name: str | None) -> ZoneInfo:
    """The time zone with a name of the IANA database; UTC for any other text."""
    if name is None or not _ZONE.fullmatch(name):
        return UTC_ZONE
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # some files of the database are no zones
        return UTC_ZONE


@frozen
class LocalTimes:
    """Writes times for one reader.

    Attributes:
        texts: The texts of their language.
        zone: Their time zone.
        now: The present (UTC): days of another year have the year.
    """

    texts: PageTexts
    zone: ZoneInfo
    now: datetime

    def local(self, at: datetime) -> datetime:
        """A time in the reader's time zone; on the first and the last day of the calendar, in UTC."""
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            return at

    def read(self, text: str) -> datetime:
        """The moment (UTC) of a date field, which is in the reader's time zone unless the text has an offset.

        Raises:
            ValueError: it is no such time.
        """
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=self.zone)
        try:
            return at.astimezone(UTC)
        except OverflowError:
            raise ValueError(text) from None

    def field(self, at: datetime) -> str:
        """A time as the value of a date field, in whole minutes of the reader's time zone."""
        return f"{self.local(at):%Y-%m-%dT%H:%M}"

    def clock(self, at: datetime) -> str:
        """The time of day, as in 09:05."""
        return f"{self.local(at):%H:%M}"

    def day(self, at: datetime | date) -> Markup:
        """The day, as in Thursday 12 March; with the year where it is not the present one."""
        day = self.local(at) if isinstance(at, datetime) else at
        key = "times.day" if day.year == self.local(self.now).year else "times.day_of_year"
        return self.texts.say(
            key,
            weekday=self.texts.say(f"times.weekday.{day.isoweekday()}"),
            day=day.day,
            month=self.texts.say(f"times.month.{day.month}"),
            year=day.year,
        )

    def short_date(self, day: date) -> Markup:
        """A date without a weekday, as in 12 March; with the year where it is not the present one."""
        if day.year != self.local(self.now).year:
            return self.date(day)
        month = self.texts.say(f"times.month.{day.month}")
        return self.texts.say("times.short_date", day=day.day, month=month)

    def date(self, day: date) -> Markup:
        """A date without a weekday, as in 12 March 2026."""
        month = self.texts.say(f"times.month.{day.month}")
        return self.texts.say("times.date", day=day.day, month=month, year=day.year)

    def moment(self, at: datetime) -> Markup:
        """The day and the time of day: "today, 09:05", "Thursday 12 March, 09:05"."""
        days = (self.local(self.now).date() - self.local(at).date()).days
        key = {0: "times.today", 1: "times.yesterday"}.get(days, "times.moment")
        return self.texts.say(key, day=self.day(at), clock=self.clock(at))

    @property
    def offset(self) -> str:
        """What the time zone differs from UTC by now, as in UTC+1 or UTC-3:30."""
        offset = self.local(self.now).utcoffset()
        assert offset is not None
        minutes = int(offset.total_seconds()) // 60
        hours, rest = divmod(abs(minutes), 60)
        sign = "-" if minutes < 0 else "+"
        return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
