"""Waiting for the write lock of an SQLite file, which has no queue."""

from __future__ import annotations

import sqlite3
import time

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0001, 0.005
"""How long one who waits for another process to have written sleeps before he looks again, in seconds."""


def wait_to_write(
    cursor: sqlite3.Cursor, refusal: sqlite3.OperationalError, seconds: float
) -> None:
    """Begin a transaction that was refused, once nobody else writes, in any process; it sees the newest state.

    SQLite's own way of waiting sleeps for a thousandth of a second and more where most transactions take less.

    Raises:
        sqlite3.OperationalError: others wrote for too long; or it was refused for another reason.
    """
    begun = now = time.monotonic()
    until, pause = begun + seconds, _SHORTEST_PAUSE
    # The extended code says why it is busy.
    while refusal.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY and now < until:
        time.sleep(pause)
        now = time.monotonic()
        # SQLite has no queue: who has waited long looks more often than who has just come.
        pause = min(1.5 * pause, _LONGEST_PAUSE, max(_SHORTEST_PAUSE, 0.00005 / (now - begun)))
        try:
            cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            refusal = error
        else:
            return
    raise refusal
