"""Stores of earlier releases, as SQL in ``tests/fixtures``: every table, with rows, and a gap in the positions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

FIXTURES = Path(__file__).parents[1] / "fixtures"

BEFORE_CLAIMS = """
DROP TABLE directory_claim;
DROP TABLE directory_bringer;
ALTER TABLE directory_inbox RENAME TO former_inbox;
CREATE TABLE directory_inbox (sub TEXT NOT NULL, study_uid TEXT NOT NULL, series_uid TEXT NOT NULL,
    PRIMARY KEY (sub, study_uid, series_uid));
INSERT INTO directory_inbox (sub, study_uid, series_uid) SELECT sub, study_uid, series_uid FROM former_inbox;
DROP TABLE former_inbox;
DROP INDEX directory_patient_by_oldid;
DROP INDEX directory_patient_by_first;
DROP INDEX directory_patient_by_paternal_last;
DROP INDEX directory_patient_by_maternal_last;
DROP INDEX directory_patient_by_curp;
ALTER TABLE directory_patient DROP COLUMN oldid;
ALTER TABLE directory_patient DROP COLUMN folded_paternal_last;
ALTER TABLE directory_patient DROP COLUMN folded_maternal_last;
ALTER TABLE directory_patient DROP COLUMN folded_first;
ALTER TABLE directory_patient DROP COLUMN folded_middle;
ALTER TABLE directory_patient DROP COLUMN folded_curp;
DROP TABLE webhook_secret;
DROP TABLE unfinished_copy;
"""
"""Makes of it a store of a release still older: without claims, without favourites of inboxes, without a search."""


def forget_version(cursor: Any) -> None:
    """Have a store be one that was made before there were versions, and without what migrations add to its tables."""
    is_sqlite = isinstance(cursor, sqlite3.Cursor)
    for table in (
        *("directory_event_key", "directory_sealed", "directory_deleted_patient"),
        *("directory_stored_instance", "directory_header", "directory_thumbnail"),
        *("directory_pacs_series", "webhook_upload", "operator_note"),
        *("directory_session", "directory_album_look"),
    ):
        cursor.execute(f"DROP TABLE {table}")
    cursor.execute("DROP INDEX directory_person_pid")
    for table, column in (
        *(("directory_person", "pid"), ("directory_person", "salt")),
        *(("webhook_group_series", "uploaded"), ("webhook_trigger", "is_upload")),
        *(("webhook_trigger", "version"), ("webhook_trigger", "first_at")),
        ("webhook_trigger_series", "new_instances"),
    ):
        cursor.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    cursor.execute("PRAGMA user_version = 0" if is_sqlite else "DROP TABLE store_version")


def script(system: str) -> str:
    """The SQL of a store of the last release that had no schema version."""
    return (FIXTURES / f"store-before-versions.{system}.sql").read_text(encoding="utf-8")


def run(place: Path | str, sql: str) -> None:
    """Run a script in an SQLite file, or in a PostgreSQL database."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as file:
            file.executescript(sql)
    else:
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(sql.encode())
