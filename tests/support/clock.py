"""A clock that the test moves."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define

from support.given import START


@define
class Clock:
    """Tells ``now``, which moves on by ``step`` each time it is asked."""

    now: datetime = START
    step: timedelta = timedelta(seconds=1)

    def __call__(self) -> datetime:
        """The moment, before it moves on."""
        told = self.now
        self.now += self.step
        return told
