"""The tables of the outbox, and how moments are written in them.

They are no index of the events: what was sent cannot be made again from the history, and must not be dropped.
"""

from __future__ import annotations

from datetime import datetime

from adapters.directory import Database
from albumcore.times import in_utc

TABLES = (
    # Up to where the history was taken up. Nothing is told of what was there before the first time.
    """
    CREATE TABLE IF NOT EXISTS webhook_position (
        "only" INTEGER PRIMARY KEY CHECK ("only" = 1),
        position INTEGER NOT NULL,
        silent_until INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS webhook_secret (
        name TEXT PRIMARY KEY,
        secret TEXT NOT NULL,
        kept_at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    # The webhooks that albums had at that position, so that no album without one is ever loaded.
    """
    CREATE TABLE IF NOT EXISTS webhook_known (
        album_id TEXT NOT NULL,
        webhook_id TEXT NOT NULL,
        name TEXT NOT NULL,
        url TEXT NOT NULL,
        events TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        secret TEXT,
        PRIMARY KEY (album_id, webhook_id)
    ) WITHOUT ROWID
    """,
    # New series that wait for others like them. An empty text stands for no token or no provider,
    # because every NULL differs from every other.
    """
    CREATE TABLE IF NOT EXISTS webhook_group (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        album_id TEXT NOT NULL,
        webhook_id TEXT NOT NULL,
        study_uid TEXT NOT NULL,
        sub TEXT NOT NULL,
        token_id TEXT NOT NULL,
        provider_id TEXT NOT NULL,
        at TEXT NOT NULL,
        due_at TEXT NOT NULL,
        UNIQUE (album_id, webhook_id, study_uid, sub, token_id, provider_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS webhook_group_due ON webhook_group (due_at)",
    """
    CREATE TABLE IF NOT EXISTS webhook_group_series (
        group_number INTEGER NOT NULL,
        series_uid TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (group_number, series_uid)
    ) WITHOUT ROWID
    """,
    # What a webhook had to tell of; due_at is NULL once there is nothing left to try.
    # A deleted album has no webhooks any more: url and secret are then here.
    """
    CREATE TABLE IF NOT EXISTS webhook_trigger (
        number INTEGER PRIMARY KEY,
        trigger_id TEXT NOT NULL UNIQUE,
        album_id TEXT NOT NULL,
        webhook_id TEXT NOT NULL,
        event TEXT NOT NULL,
        is_manual INTEGER NOT NULL,
        at TEXT NOT NULL,
        sub TEXT NOT NULL,
        token_id TEXT,
        provider_id TEXT,
        "user" TEXT,
        study_uid TEXT,
        is_study_gone INTEGER NOT NULL,
        album_version INTEGER,
        url TEXT,
        secret TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at TEXT
    )
    """,
    "CREATE INDEX IF NOT EXISTS webhook_trigger_of ON webhook_trigger (album_id, webhook_id, number)",
    "CREATE INDEX IF NOT EXISTS webhook_trigger_waiting"
    " ON webhook_trigger (album_id, webhook_id, attempts, due_at, number) WHERE due_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS webhook_trigger_finished"
    " ON webhook_trigger (album_id, webhook_id, number) WHERE due_at IS NULL",
    # The webhooks with something left to try. Whoever delivers holds one of them by a lease.
    """
    CREATE TABLE IF NOT EXISTS webhook_line (
        number INTEGER PRIMARY KEY,
        album_id TEXT NOT NULL,
        webhook_id TEXT NOT NULL,
        lease TEXT,
        leased_until TEXT,
        UNIQUE (album_id, webhook_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS webhook_trigger_series (
        trigger_id TEXT NOT NULL,
        series_uid TEXT NOT NULL,
        PRIMARY KEY (trigger_id, series_uid)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS webhook_attempt (
        trigger_id TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        status INTEGER NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (trigger_id, attempt)
    ) WITHOUT ROWID
    """,
)


def create_tables(database: Database, last: int) -> None:
    """Create the tables that are not there yet.

    Args:
        database: The database of the history.
        last: The position of the last recorded event. With new tables, nothing is told of what is up to there.
    """
    # One by one: a transaction that writes begins with a write, and what is there already is but read.
    for statement in TABLES:
        with database.transaction(commit=True) as cursor:
            cursor.execute(statement)
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
