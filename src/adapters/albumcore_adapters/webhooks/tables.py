"""Where the outbox begins, and how moments are written in its tables.

They are no index of the events: what was sent cannot be made again from the history, and must not be dropped.
"""

from __future__ import annotations

from datetime import datetime

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database


def begin(database: Database, last: int) -> None:
    """Note where the history is taken up, unless that is noted already.

    Args:
        database: The database of the history.
        last: The position of the last recorded event. The first time, nothing is told of what is up to there.
    """
    with database.transaction(commit=True) as cursor:
        cursor.execute(
            'INSERT INTO webhook_position ("only", position, silent_until) VALUES (1, 0, ?)'
            " ON CONFLICT DO NOTHING",
            (last,),
        )


def stamp(at: datetime) -> str:
    """A moment as text of a fixed width, so that the order of the texts is that of the moments."""
    return in_utc("at", at).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The moment that a text of `stamp` stands for."""
    return datetime.fromisoformat(text)
