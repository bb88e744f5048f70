"""The clock of this machine, beside those of the database, of the identity provider, and of what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from albumcore_adapters.doctor.findings import Finding, age_text
from albumcore_adapters.sql.database import Database

DIFFERENCE = timedelta(seconds=5)
"""By how much two clocks may differ. The answer of an identity provider has whole seconds, and takes its time."""

_DATABASE_CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS microseconds"
_NEWEST = "SELECT max(last_event_at) AS newest FROM album_row"
_SET = "set the clocks by NTP"


def beside_database(database: Database, now: datetime) -> Iterator[Finding]:
    """Compare the clock with that of the database server, and with the newest event of an album."""
    with database.single_read() as cursor:
        cursor.execute(_NEWEST)
        [row] = cursor.fetchall()
    if row["newest"] is not None:
        ahead = datetime.fromisoformat(row["newest"]) - now
        if ahead > DIFFERENCE:
            sentence = (
                f"The newest event of an album is of a time that is {age_text(ahead)} ahead of this machine: {_SET}, "
                "here and on the machine that recorded it; new events have that time until it is over."
            )
            yield Finding("clock", "problem", sentence)
    if database.system == "postgres":
        with database.single_read() as cursor:
            cursor.execute(_DATABASE_CLOCK)
            [row] = cursor.fetchall()
        theirs = datetime.fromtimestamp(row["microseconds"] / 1_000_000, UTC)
        yield _compared(theirs, now, "the database server", DIFFERENCE)
    else:
        yield Finding(
            "clock", "fine", f"The clock of this machine says {now:%Y-%m-%d %H:%M:%S} UTC."
        )


def beside_provider(theirs: datetime | None, now: datetime, leeway: timedelta) -> Finding:
    """Compare the clock with that of the identity provider, which tokens have their times from.

    Args:
        theirs: What its clock says; None if it does not say.
        now: What the clock of this machine says.
        leeway: By how much tokens may be ahead or expired.
    """
    if theirs is None:
        sentence = "The identity provider does not say the time (there is no Date in its answer)."
        return Finding("clock", "left out", sentence)
    return _compared(theirs, now, "the identity provider", max(DIFFERENCE, leeway))


def _compared(theirs: datetime, now: datetime, whose: str, tolerance: timedelta) -> Finding:
    difference = now - theirs
    if abs(difference) > tolerance:
        where = "ahead of" if difference > timedelta() else "behind"
        sentence = (
            f"The clock of this machine is {age_text(difference)} {where} that of {whose}: {_SET}."
        )
        return Finding("clock", "problem", sentence)
    return Finding("clock", "fine", f"The clock of this machine agrees with that of {whose}.")
