"""What must hold of the tables of the directory, and what of them does not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from albumcore_adapters.sql.database import Database, is_storable

_PERSON = "EXISTS (SELECT 1 FROM directory_person AS person WHERE person.sub = {})"
_STUDY = "EXISTS (SELECT 1 FROM directory_study AS study WHERE study.study_uid = {})"
_SERIES = "EXISTS (SELECT 1 FROM directory_series AS series WHERE series.series_uid = {})"

RULES: tuple[tuple[str, str, str, str], ...] = (
    # A series of no study, and so on. A placeholder may go over to another study, and what holds it does not follow.
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
    # Through the token of an album, it is not known who claims.
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
    # The images of a patient are removed before the patient is.
    (
        "image_row",
        "image_id, patient",
        "EXISTS (SELECT 1 FROM directory_patient AS patient WHERE patient.id = this.patient)",
        "its patient is not there",
    ),
)
"""What holds of each row: the table, the columns that name a row, the condition, and what is said where it fails."""


def _json_object(value: Any) -> bool:
    return isinstance(json.loads(value), dict)


def _day(value: Any) -> bool:
    return bool(date.fromisoformat(value))


def _moment(value: Any) -> bool:
    return datetime.fromisoformat(value).tzinfo is not None


def _flag(value: Any) -> bool:
    return value in (0, 1)


def _number(value: Any) -> bool:
    return isinstance(value, int)


def _id(value: Any) -> bool:
    return isinstance(value, int) and value > 0


_ATTRIBUTES = {"attributes": _json_object}
READERS: Mapping[str, tuple[str, Mapping[str, Callable[[Any], bool]]]] = {
    "directory_person": ("sub", {}),
    "directory_study": ("study_uid", _ATTRIBUTES),
    "directory_series": (
        "series_uid",
        {**_ATTRIBUTES, "instances": _number, "populated": _flag},
    ),
    "directory_instance": ("sop_instance_uid", _ATTRIBUTES),
    "directory_claim": ("place, study_uid, series_uid, claimed_by", {"shows_study": _flag}),
    "directory_bringer": ("series_uid, sub", {}),
    "directory_inbox": ("sub, study_uid, series_uid", {"favorite": _flag}),
    "directory_account": (
        "id",
        {"id": _id, "active": _flag, "password_hash": lambda hashed: hashed.startswith("$argon2")},
    ),
    "directory_clinic": ("id", {"id": _id, "starts": _day, "ends": _day}),
    "directory_station": ("id", {"id": _id, "level": _number}),
    "directory_patient": (
        "id",
        {
            "id": _id,
            "dob": _day,
            "gender": lambda gender: gender in ("Male", "Female"),
            "oldid": _number,
        },
    ),
    "directory_token_use": ("token_id", {"last_used": _moment}),
    "directory_token_floor": ("sub", {"seconds": _number}),
    "directory_spent": ("digest", {"ends_at": _moment}),
}
"""How a row of each table is named, and the columns that hold more than a text, each with what reads its value."""


def problems_of(database: Database) -> list[str]:
    """A line for each row of the directory that cannot be read, or refers to what is not there.

    The row is named by its key; nothing else of it is told, for the rest may be personal.

    Raises:
        StoreError: the database does not give a table.
    """
    return [*_that_refer_to_nothing(database), *_that_cannot_be_read(database)]


def _that_refer_to_nothing(database: Database) -> Iterator[str]:
    for table, key, condition, said in RULES:
        with database.transaction(commit=False) as cursor:
            cursor.execute(
                f"SELECT {key} FROM {table} AS this WHERE NOT {condition} ORDER BY {key}"  # noqa: S608
            )
            for row in cursor.fetchall():
                yield f"{table} {_named(key, row)}: {said}"


def _that_cannot_be_read(database: Database) -> Iterator[str]:
    for table, (key, readers) in READERS.items():
        with database.transaction(commit=False) as cursor, _any_bytes(cursor):
            cursor.execute(f"SELECT * FROM {table} ORDER BY {key}")  # noqa: S608
            names = [column[0] for column in cursor.description]
            for row in _each(cursor):
                for name in names:
                    if not _is_readable(row[name], readers.get(name)):
                        yield f"{table} {_named(key, row)}: its {name} cannot be read"


def _each(cursor: Any) -> Iterator[Any]:
    """The rows, without holding all of them: those of SQLite come one by one."""
    while rows := cursor.fetchmany(1000):
        yield from rows


@contextmanager
def _any_bytes(cursor: Any) -> Iterator[None]:
    """Let SQLite give texts that are no UTF-8 as well. PostgreSQL stores none."""
    connection = cursor.connection
    if not isinstance(connection, sqlite3.Connection):
        yield
        return
    connection.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = str


def _is_readable(value: Any, reader: Callable[[Any], bool] | None) -> bool:
    # No column holds bytes or fractions, but SQLite would keep both in any.
    if isinstance(value, str):
        if not is_storable(value):
            return False
    elif not isinstance(value, int | None):
        return False
    try:
        return reader is None or reader(value)
    except (ValueError, TypeError, AttributeError):
        return False


def _named(key: str, row: Any) -> str:
    return ", ".join(f"{name}={row[name]!r}" for name in key.split(", "))
