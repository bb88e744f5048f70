"""Numbered migrations of all tables but those derived from the events. They run when a store is opened.

A database has one schema version: the number of `MIGRATIONS` it has been through. A new database is created by the same
path, from version 0. SQLite stores the number in ``PRAGMA user_version``, PostgreSQL in the one row of
``store_version``.

To add a column or a table, append a migration: SQL in the common dialect is enough, such as
``ALTER TABLE directory_clinic ADD COLUMN notes TEXT``. Copies and backups follow. A released migration never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from attrs import frozen
from eventsourcing.persistence import PersistenceError

from albumcore_adapters.sql.database import Cursor, Database, System
from albumcore_adapters.sql.schema_v1 import (
    fold_patients,
    make_tables,
    note_claims,
    statements,
)


class NewerStore(PersistenceError):
    """A newer release wrote the store. Its tables are unknown to this one, and nothing is changed."""


@frozen
class _Statements:
    """The statements that differ between SQLite and PostgreSQL.

    Attributes:
        find_table: Finds a table by its name.
        create_version: Creates the place of the version, with 0 in it.
        get_version: Reads it, as ``version``.
        set_version: Writes it.
        position: The column of schema version 1 that orders events as they were recorded.
    """

    find_table: str
    create_version: str
    get_version: str
    set_version: str
    position: str


_STATEMENTS: Mapping[System, _Statements] = {
    "sqlite": _Statements(
        find_table="SELECT 1 AS one FROM sqlite_master WHERE type = 'table' AND name = ?",
        create_version="",
        get_version="SELECT user_version AS version FROM pragma_user_version",
        set_version="PRAGMA user_version = {}",
        position="rowid",
    ),
    "postgres": _Statements(
        find_table="SELECT 1 AS one FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?",
        create_version="CREATE TABLE IF NOT EXISTS store_version (version INTEGER NOT NULL);"
        "INSERT INTO store_version VALUES (0)",
        get_version="SELECT version FROM store_version",
        set_version="UPDATE store_version SET version = {}",
        position="notification_id",
    ),
}

Migration: TypeAlias = str | Callable[[Cursor, System], None]
"""SQL statements in the common dialect, or a function that runs them on a cursor, where the databases differ."""


def _create_tables(cursor: Cursor, system: System) -> None:
    """Create the tables. A store that is older than schema versions has some or all of them."""
    sql = _STATEMENTS[system]
    has_no_claims = _has_table(cursor, system, "directory_series") and not _has_table(
        cursor, system, "directory_claim"
    )
    for statement in statements(sql.create_version):
        cursor.execute(statement)
    make_tables(cursor, system)
    fold_patients(cursor)
    if has_no_claims:
        note_claims(cursor, sql.position)


_EVENTS = """
CREATE TABLE stored_events (
    originator_id TEXT,
    originator_version INTEGER,
    topic TEXT,
    state BLOB,
    notification_id INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE (originator_id, originator_version)
);
"""
_SET_ASIDE = "ALTER TABLE stored_events RENAME TO former_events;"
_MOVE = """
INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id)
    SELECT originator_id, originator_version, topic, state, rowid FROM former_events ORDER BY rowid;
DROP TABLE former_events;
"""
_NEVER_AGAIN = """
INSERT INTO sqlite_sequence (name, seq) SELECT 'stored_events', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'stored_events');
UPDATE sqlite_sequence SET seq = max(seq, (SELECT coalesce(max(position), 0) FROM webhook_position))
    WHERE name = 'stored_events';
"""


def _add_position_column(cursor: Cursor, system: System) -> None:
    """Store positions in a column on SQLite, so that none is assigned twice, as an implicit rowid can be."""
    if system != "sqlite":
        return
    cursor.execute("SELECT 1 AS one FROM stored_events LIMIT 1")
    # ALTER TABLE parses the whole schema again, which would be most of the cost of a new store.
    is_new = cursor.fetchone() is None
    script = f"DROP TABLE stored_events; {_EVENTS}" if is_new else _SET_ASIDE + _EVENTS + _MOVE
    # A position that webhooks have reached is not assigned again, even if its event was deleted.
    for statement in statements(script + _NEVER_AGAIN):
        cursor.execute(statement)


_SEALING = """
CREATE TABLE directory_event_key (
    stream TEXT,
    version INTEGER,
    subject TEXT NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (stream, version)
) WITHOUT ROWID;
CREATE INDEX directory_event_key_by_subject ON directory_event_key (subject);
CREATE TABLE directory_sealed (cipher TEXT PRIMARY KEY) WITHOUT ROWID;
"""
"""The keys of events, and whether the store is sealed: then it has one row, with the name of the cipher."""

_ADD_PSEUDONYMS = """
ALTER TABLE directory_person ADD COLUMN pid TEXT;
ALTER TABLE directory_person ADD COLUMN salt TEXT;
UPDATE directory_person SET pid = sub;
CREATE UNIQUE INDEX directory_person_pid ON directory_person (pid);
"""
"""The user id of each person: a pseudonym with its salt, or the ``sub`` itself and no salt."""

_ADD_DELETED_PATIENTS = """
CREATE TABLE directory_deleted_patient (
    id INTEGER PRIMARY KEY,
    deleted_at TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX directory_deleted_patient_by_time ON directory_deleted_patient (deleted_at);
"""
"""Patients who were deleted and may be restored, each with the columns of its row as a JSON object."""

_ADD_STORED_INSTANCES = """
CREATE TABLE directory_stored_instance (
    sop_instance_uid TEXT PRIMARY KEY,
    series_uid TEXT NOT NULL,
    blob TEXT NOT NULL,
    length INTEGER NOT NULL,
    digest TEXT,
    transfer_syntax TEXT,
    pixels TEXT
);
CREATE INDEX directory_stored_instance_series ON directory_stored_instance (series_uid);
CREATE TABLE directory_header (
    sop_instance_uid TEXT PRIMARY KEY,
    series_uid TEXT NOT NULL,
    header BLOB NOT NULL
);
CREATE INDEX directory_header_series ON directory_header (series_uid);
CREATE TABLE directory_thumbnail (
    series_uid TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    image BLOB NOT NULL
);
"""
"""Instances whose bytes are stored, their headers as JSON, and a thumbnail of each series. The digest of an instance
that was erased is NULL."""

_ADD_UPLOADS = """
CREATE TABLE webhook_upload (
    number INTEGER PRIMARY KEY,
    study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL,
    instances INTEGER NOT NULL,
    sub TEXT NOT NULL,
    token_id TEXT,
    provider_id TEXT,
    at TEXT NOT NULL
);
CREATE INDEX webhook_upload_of ON webhook_upload (study_uid);
ALTER TABLE webhook_group_series ADD COLUMN uploaded INTEGER;
ALTER TABLE webhook_trigger ADD COLUMN is_upload INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhook_trigger_series ADD COLUMN new_instances INTEGER;
"""
"""Uploads that the batches of webhooks do not have yet. Of a series in a batch, ``uploaded`` is the number of its new
instances; 0 if the series is new to the album, too; NULL if it was not uploaded."""

_ADD_PACS_SERIES = """
CREATE TABLE directory_pacs_series (
    series_uid TEXT PRIMARY KEY
);
"""
"""The series that an existing archive has from this service: it had no images of them before."""


def _add_stored_at(cursor: Cursor, system: System) -> None:
    """Since when each instance is stored. Of those that were stored before, it is not known: they count from now."""
    cursor.execute("ALTER TABLE directory_stored_instance ADD COLUMN stored_at TEXT")
    cursor.execute(
        "UPDATE directory_stored_instance SET stored_at = ? WHERE digest IS NOT NULL",
        [datetime.now(UTC).isoformat()],
    )


_ADD_PATIENTS_OF_PACS = """
ALTER TABLE directory_stored_instance ADD COLUMN dicom_patient_id TEXT;
"""
"""The PatientID of each instance whose bytes are in an existing archive. Of others, the subject of the key has it."""

_ADD_SESSIONS = """
CREATE TABLE directory_session (
    session_digest TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    signed_in_at TEXT NOT NULL
);
CREATE INDEX directory_session_expires_at ON directory_session (expires_at);
CREATE INDEX directory_session_subject ON directory_session (subject);
CREATE TABLE directory_album_look (
    sub TEXT NOT NULL,
    album_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (sub, album_id)
);
"""
"""Sessions of browsers, each under the SHA-256 of its id; and up to which event a user has looked at an album."""

_ADD_VERSIONS = """
ALTER TABLE webhook_trigger ADD COLUMN version INTEGER;
ALTER TABLE webhook_trigger ADD COLUMN first_at TEXT;
"""
"""The version of the event that a delivery is of; for a batch, the time of its first series. Both are NULL in
deliveries that an older release enqueued."""

_ADD_OPERATOR_NOTES = """
CREATE TABLE operator_note (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
"""
"""What an operator is told about: the fingerprint of the secret, and when the last backup was made."""

MIGRATIONS: tuple[Migration, ...] = (
    _create_tables,  # 1
    _add_position_column,  # 2
    _SEALING,  # 3
    _ADD_PSEUDONYMS,  # 4
    _ADD_DELETED_PATIENTS,  # 5
    _ADD_STORED_INSTANCES,  # 6
    _ADD_UPLOADS,  # 7
    _ADD_PACS_SERIES,  # 8
    _add_stored_at,  # 9
    _ADD_PATIENTS_OF_PACS,  # 10
    _ADD_SESSIONS,  # 11
    _ADD_VERSIONS,  # 12
    _ADD_OPERATOR_NOTES,  # 13
)
"""The first migrates an empty database to schema version 1, the second to version 2, and so on."""


def schema_version(database: Database) -> int:
    """How many migrations a database has been through; 0 if it is empty, or older than schema versions."""
    with database.transaction(commit=False) as cursor:
        return _version(cursor, database.system)


def migrate(database: Database) -> None:
    """Migrate a database to the schema version of this code, one transaction for each migration and its number.

    After an interruption, the next call continues. Several processes may call it at once.

    Raises:
        NewerStore: it has a newer schema version. Nothing is changed.
        PersistenceError: a statement failed. The database is as the last complete migration left it.
    """
    version = schema_version(database)
    while version < len(MIGRATIONS):
        with database.transaction(commit=True) as cursor:
            # Under the write lock: another process may have migrated meanwhile.
            version = _version(cursor, database.system)
            if version < len(MIGRATIONS):
                _run(MIGRATIONS[version], cursor, database.system)
                version += 1
                cursor.execute(_STATEMENTS[database.system].set_version.format(version))
    _check(version)


def is_migrated(database: Database) -> bool:
    """Whether a database has the schema version of this code.

    Raises:
        NewerStore: it has a newer one.
    """
    version = schema_version(database)
    _check(version)
    return version == len(MIGRATIONS)


def _run(migration: Migration, cursor: Cursor, system: System) -> None:
    if isinstance(migration, str):
        for statement in statements(migration):
            cursor.execute(statement)
    else:
        migration(cursor, system)


def _check(version: int) -> None:
    if version > len(MIGRATIONS):
        raise NewerStore(
            f"a newer albumcore wrote the store: its schema version is {version}, "
            f"and this release knows none past {len(MIGRATIONS)}"
        )


def _has_table(cursor: Cursor, system: System, table: str) -> bool:
    cursor.execute(_STATEMENTS[system].find_table, [table])
    return cursor.fetchone() is not None


def _version(cursor: Cursor, system: System) -> int:
    if system == "postgres" and not _has_table(cursor, system, "store_version"):
        return 0
    cursor.execute(_STATEMENTS[system].get_version)
    [row] = cursor.fetchall()
    return int(row["version"])
