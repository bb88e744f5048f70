"""Consistency check of the directory's tables: dangling references and unreadable values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from albumcore.ids import is_digest, is_user_id
from albumcore.text import is_text
from albumcore_adapters.directory.stored_instances import (
    DICOM_PATIENT,
    IN_PACS,
    INSTANCE_STREAM,
    KEY_VERSION,
)
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store.sealing import KEYS_TABLE

_PERSON = "EXISTS (SELECT 1 FROM directory_person AS person WHERE person.pid = {})"
_STUDY = "EXISTS (SELECT 1 FROM directory_study AS study WHERE study.study_uid = {})"
_SERIES = "EXISTS (SELECT 1 FROM directory_series AS series WHERE series.series_uid = {})"

_INSTANCE = (
    "EXISTS (SELECT 1 FROM directory_instance AS instance WHERE"
    " instance.sop_instance_uid = this.sop_instance_uid AND instance.series_uid = this.series_uid)"
)
_KEY = (
    f"EXISTS (SELECT 1 FROM {KEYS_TABLE} AS sealed WHERE"  # noqa: S608
    f" sealed.stream = '{INSTANCE_STREAM}' || this.sop_instance_uid AND sealed.version = {KEY_VERSION})"
)
_STORED_INSTANCE = (
    "EXISTS (SELECT 1 FROM directory_stored_instance AS stored"  # noqa: S608
    f" WHERE stored.sop_instance_uid = substr(this.stream, {len(INSTANCE_STREAM) + 1}))"
)
_OF_EVENT = f"substr(this.stream, 1, {len(INSTANCE_STREAM)}) <> '{INSTANCE_STREAM}'"

CONDITIONS: tuple[tuple[str, str, str, str], ...] = (
    # The study of a holding may differ from that of its series: a placeholder may be moved to another study.
    ("directory_series", "series_uid", _STUDY.format("this.study_uid"), "its study is not there"),
    (
        "directory_series",
        "series_uid",
        "this.instances = (SELECT count(*) FROM directory_instance AS instance"
        " WHERE instance.series_uid = this.series_uid)",
        "it has another number of instances",
    ),
    (
        "directory_instance",
        "sop_instance_uid",
        _SERIES.format("this.series_uid"),
        "its series is not there",
    ),
    # A row without a digest is that of an instance that was erased, whose blob is to be removed.
    (
        "directory_stored_instance",
        "sop_instance_uid",
        f"(this.digest IS NULL OR {_INSTANCE})",
        "its instance is not in the catalogue",
    ),
    (
        "directory_stored_instance",
        "sop_instance_uid",
        f"(this.digest IS NULL OR this.blob = '{IN_PACS}' OR {_KEY})",
        "its key is lost: its bytes cannot be read",
    ),
    (
        "directory_stored_instance",
        "sop_instance_uid",
        f"(this.digest IS NOT NULL OR NOT {_KEY})",
        "it was erased, and its key is still there",
    ),
    (
        KEYS_TABLE,
        "stream, version",
        f"({_OF_EVENT} OR this.version = {KEY_VERSION} AND {_STORED_INSTANCE})",
        "it is of no stored instance",
    ),
    (
        KEYS_TABLE,
        "stream, version",
        f"({_OF_EVENT} OR this.subject LIKE '{DICOM_PATIENT}%')",
        "it would not be erased with a patient",
    ),
    ("directory_header", "sop_instance_uid", _INSTANCE, "its instance is not in the catalogue"),
    (
        "directory_thumbnail",
        "series_uid",
        "EXISTS (SELECT 1 FROM directory_series AS series"
        " WHERE series.series_uid = this.series_uid AND series.populated = 1)",
        "its series has no instances",
    ),
    (
        "directory_inbox",
        "sub, study_uid, series_uid",
        _STUDY.format("this.study_uid"),
        "its study is not there",
    ),
    (
        "directory_inbox",
        "sub, study_uid, series_uid",
        _SERIES.format("this.series_uid"),
        "its series is not there",
    ),
    (
        "directory_inbox",
        "sub, study_uid, series_uid",
        _PERSON.format("this.sub"),
        "it names no person",
    ),
    (
        "directory_claim",
        "place, study_uid, series_uid, claimed_by",
        _STUDY.format("this.study_uid"),
        "its study is not there",
    ),
    (
        "directory_claim",
        "place, study_uid, series_uid, claimed_by",
        _SERIES.format("this.series_uid"),
        "its series is not there",
    ),
    # The claimant is '' for a claim made through the capability token of an album.
    (
        "directory_claim",
        "place, study_uid, series_uid, claimed_by",
        f"(this.claimed_by = '' OR {_PERSON.format('this.claimed_by')})",
        "it names no person",
    ),
    (
        "directory_claim",
        "place, study_uid, series_uid, claimed_by",
        "(this.place LIKE 'album:_%' OR this.place LIKE 'inbox:_%')",
        "it names no place",
    ),
    (
        "directory_bringer",
        "series_uid, sub",
        _SERIES.format("this.series_uid"),
        "its series is not there",
    ),
    # The images of a patient are removed before the patient.
    (
        "image_row",
        "image_id, patient",
        "(this.is_closed = 1 OR"
        " EXISTS (SELECT 1 FROM directory_patient AS patient WHERE patient.id = this.patient))",
        "its patient is not there",
    ),
)
"""Conditions on every row: the table, the columns of its key, the condition in SQL, and the message if it fails."""


def _json_object(value: Any) -> bool:
    return isinstance(json.loads(value), dict)


def _day(value: Any) -> bool:
    return bool(date.fromisoformat(value))


def _time(value: Any) -> bool:
    return datetime.fromisoformat(value).tzinfo is not None


def _flag(value: Any) -> bool:
    return value in (0, 1)


def _number(value: Any) -> bool:
    return isinstance(value, int)


def _id(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _digest_or_none(value: Any) -> bool:
    return value is None or is_digest(value)


def _blob(value: Any) -> bool:
    return value == IN_PACS or is_digest(value)


def _time_or_none(value: Any) -> bool:
    return value is None or _time(value)


def _json_or_none(value: Any) -> bool:
    return value is None or isinstance(json.loads(value), dict)


_ATTRIBUTES = {"attributes": _json_object}
PARSERS: Mapping[str, tuple[str, Mapping[str, Callable[[Any], bool]]]] = {
    "directory_person": ("sub", {"pid": is_user_id}),
    "directory_study": ("study_uid", _ATTRIBUTES),
    "directory_series": (
        "series_uid",
        {**_ATTRIBUTES, "instances": _number, "populated": _flag},
    ),
    "directory_instance": ("sop_instance_uid", _ATTRIBUTES),
    "directory_stored_instance": (
        "sop_instance_uid",
        {
            "blob": _blob,
            "digest": _digest_or_none,
            "length": _number,
            "pixels": _json_or_none,
            "stored_at": _time_or_none,
        },
    ),
    "directory_claim": ("place, study_uid, series_uid, claimed_by", {"shows_study": _flag}),
    "directory_bringer": ("series_uid, sub", {}),
    "directory_inbox": ("sub, study_uid, series_uid", {"favorite": _flag}),
    "directory_account": (
        "id",
        {"id": _id, "active": _flag, "password_hash": lambda hashed: hashed.startswith("$argon2")},
    ),
    "directory_clinic": ("id", {"id": _id, "starts": _day, "ends": _day}),
    "directory_station": ("id", {"id": _id, "level": _number}),
    "directory_deleted_patient": (
        "id",
        {"id": _id, "deleted_at": _time, "fields": _json_object},
    ),
    "directory_patient": (
        "id",
        {
            "id": _id,
            "dob": _day,
            "gender": lambda gender: gender in ("Male", "Female"),
            "oldid": _number,
        },
    ),
    "directory_token_use": ("token_id", {"last_used": _time}),
    "directory_token_floor": ("sub", {"seconds": _number}),
    "directory_spent": ("digest", {"ends_at": _time}),
    "directory_session": (
        "session_digest",
        {
            "kind": lambda kind: kind in ("kheops", "tscharts"),
            "expires_at": _time,
            "signed_in_at": _time,
        },
    ),
    "directory_album_look": ("sub, album_id", {"version": _number}),
}
"""The columns of each table's key, and a parser for each column that is not plain text.

Headers and thumbnails are not among them: they are large, and are made again if they are missing.
"""


def problems_of(database: Database) -> list[str]:
    """Return one line for each row that has an unreadable value or a dangling reference.

    The line has the key of the row and no other value, which may be personal data.

    Raises:
        StoreError: a table is not readable.
    """
    return [*_dangling_references(database), *_unreadable_values(database)]


def _dangling_references(database: Database) -> Iterator[str]:
    for table, key, condition, message in CONDITIONS:
        with database.transaction(commit=False) as cursor:
            cursor.execute(
                f"SELECT {key} FROM {table} AS this WHERE NOT ({condition}) ORDER BY {key}"  # noqa: S608
            )
            for row in cursor.fetchall():
                yield f"{table} {_named(key, row)}: {message}"


def _unreadable_values(database: Database) -> Iterator[str]:
    for table, (key, parsers) in PARSERS.items():
        with database.transaction(commit=False) as cursor, _any_text(cursor):
            cursor.execute(f"SELECT * FROM {table} ORDER BY {key}")  # noqa: S608
            names = [column[0] for column in cursor.description]
            for row in _each(cursor):
                for name in names:
                    if not _is_readable(row[name], parsers.get(name)):
                        yield f"{table} {_named(key, row)}: its {name} cannot be read"


def _each(cursor: Any) -> Iterator[Any]:
    """Yield the rows, fetched in batches: not all of them need to fit into memory."""
    while rows := cursor.fetchmany(1000):
        yield from rows


@contextmanager
def _any_text(cursor: Any) -> Iterator[None]:
    """Have SQLite also return texts that are not valid UTF-8. PostgreSQL stores none."""
    connection = cursor.connection
    if not isinstance(connection, sqlite3.Connection):
        yield
        return
    connection.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = str


def _is_readable(value: Any, parser: Callable[[Any], bool] | None) -> bool:
    # No column has bytes or fractions, but SQLite stores any type in any column.
    if isinstance(value, str):
        if not is_text(value):
            return False
    elif not isinstance(value, int | None):
        return False
    try:
        return parser is None or parser(value)
    except (ValueError, TypeError, AttributeError):
        return False


def _named(key: str, row: Any) -> str:
    return ", ".join(f"{name}={row[name]!r}" for name in key.split(", "))
