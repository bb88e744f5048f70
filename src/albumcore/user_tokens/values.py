"""Capability tokens as values: what one may do, and when (Kheops API 10).

Only the SHA-256 of a secret is stored, in 64 hexadecimal digits. The secret has 131 bits of entropy, so a slow hash
would add nothing.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from attrs import frozen

from albumcore.errors import Invalid
from albumcore.ids import UserId, is_digest
from albumcore.kernel import Erased
from albumcore.text import check_text
from albumcore.times import in_utc

TOLERANCE = timedelta(seconds=5)
"""Allowed difference of clocks at both ends of a token's validity."""

DEFAULT_MONTHS = 3
MAX_TITLE = 255


@frozen
class Grants:
    """What an album's capability token allows.

    ``read`` lists and shows; ``write`` adds; both together also remove; ``appropriate`` lets the album be the
    source of a copy; ``download`` is a button of viewers. The last two need ``read``.
    """

    read: bool = False
    write: bool = False
    download: bool = False
    appropriate: bool = False


@frozen
class CapabilityToken:
    """State of a capability token; all times are UTC."""

    digest: str
    title: str | Erased
    creator: UserId
    issued_at: datetime
    not_before: datetime
    expires_at: datetime
    grants: Grants = Grants()
    revoked_at: datetime | None = None
    revoked_by: UserId | None = None

    def usable_at(self, at: datetime) -> bool:
        """Whether it is valid at a time: not revoked, and within its validity with a tolerance of 5 s.

        Raises:
            Invalid: the time has no time zone.
        """
        at = in_utc(at)
        # The tolerance is applied to `at`: the ends of a validity may be the first and last times of the calendar.
        return (
            self.revoked_at is None
            and self.not_before <= at + TOLERANCE
            and at - TOLERANCE <= self.expires_at
        )

    def revocable_at(self, at: datetime) -> bool:
        """Whether a revocation would change it: it is neither revoked nor expired.

        Raises:
            Invalid: the time has no time zone.
        """
        at = in_utc(at)
        return self.revoked_at is None and at - TOLERANCE <= self.expires_at


def check_digest(digest: str) -> str:
    """Check a SHA-256 in 64 hexadecimal digits, so that a secret itself is never recorded by mistake.

    Raises:
        Invalid: it is something else.
    """
    if not is_digest(digest):
        raise Invalid("digest", "it is not a SHA-256 in hexadecimal")
    return digest


def check_title(title: str) -> str:
    """Check the title of a token: 1 to 255 characters.

    Raises:
        Invalid: it is empty or longer, or holds a character that is no text.
    """
    return check_text("title", title, 1, MAX_TITLE)


def check_grants(grants: Grants) -> Grants:
    """Check that download and appropriate are granted together with read only.

    Raises:
        Invalid: one of them is granted without read.
    """
    for field in ("download", "appropriate"):
        if getattr(grants, field) and not grants.read:
            raise Invalid(f"{field}_permission", "it needs read_permission", rule="needs_read")
    return grants


def validity(
    at: datetime, not_before: datetime | None, expires_at: datetime | None
) -> tuple[datetime, datetime]:
    """Start and end of a token issued ``at``, in UTC; by default from then on for three months.

    Raises:
        Invalid: a time has no time zone, or is outside of the calendar in UTC.
    """
    return (
        at if not_before is None else in_utc(not_before, "not_before_time"),
        months_after(at, DEFAULT_MONTHS)
        if expires_at is None
        else in_utc(expires_at, "expiration_time"),
    )


def months_after(at: datetime, months: int) -> datetime:
    """The same day and time some months later; the last day of the month if it has no such day."""
    years, month0 = divmod(at.month - 1 + months, 12)
    year, month = at.year + years, month0 + 1
    day = min(at.day, calendar.monthrange(year, month)[1])
    return at.replace(year=year, month=month, day=day)
