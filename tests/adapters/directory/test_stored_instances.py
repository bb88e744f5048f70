"""Instances whose bytes are stored: their rows beside the catalogue, their keys, headers and thumbnails."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from albumcore.errors import Invalid
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.blobs.sealed_blobs import SealedBlob
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.stored_instances import (
    NewInstance,
    StoredInstance,
    StoredInstances,
    Thumbnail,
)
from albumcore_adapters.sql.database import Database

STUDY, SERIES, OTHER = StudyUID("1.1"), SeriesUID("1.1.1"), SeriesUID("1.1.2")
CLASS, SYNTAX = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.2.1"
PICTURE = Thumbnail("image/png", b"\x89PNG")


def record(uid: str, number: int | None, series_uid: SeriesUID = SERIES) -> InstanceRecord:
    """An instance as the catalogue has it."""
    attributes: dict[str, Any] = {"00080016": {"vr": "UI", "Value": [CLASS]}}
    if number is not None:
        attributes["00200013"] = {"vr": "IS", "Value": [number]}
    return InstanceRecord(STUDY, series_uid, uid, {}, {}, attributes)


def new(uid: str, letter: str, series_uid: SeriesUID = SERIES, **more: Any) -> NewInstance:
    """An instance whose digests and key are of one letter."""
    key = base64.b64encode(letter.encode() * 48).decode()
    blob = SealedBlob(letter * 64, 1000, key)
    return NewInstance(uid, series_uid, "MRN 7", blob, letter.upper() * 64, 1000, SYNTAX, **more)


def add(database: Database, *instances: NewInstance) -> StoredInstances:
    """Add instances in a transaction."""
    stored = StoredInstances(database)
    with database.transaction(commit=True) as cursor:
        stored.add(cursor, instances, datetime(2026, 3, 1, tzinfo=UTC))
    return stored


def keys(database: Database) -> list[tuple[Any, ...]]:
    """The rows of keys."""
    with database.transaction(commit=False) as cursor:
        cursor.execute("SELECT stream, version, subject, key FROM directory_event_key")
        return [tuple(dict(row).values()) for row in cursor.fetchall()]


def test_instances_of_a_series(database: Database) -> None:
    """They are in the order of their numbers, then UIDs; those without bytes are there as well."""
    records = [record("1.3", 2), record("1.20", 10), record("1.1", None), record("1.10", None)]
    Catalogue(database).store([*records, record("1.9", 1, OTHER)])
    stored = add(database, new("1.3", "a", pixels="{}"), new("1.20", "b"), new("1.9", "c", OTHER))
    found = stored.of_series(STUDY, SERIES)
    assert [one.sop_instance_uid for one in found] == ["1.3", "1.20", "1.1", "1.10"]
    assert found[0] == StoredInstance(
        *("1.3", STUDY, SERIES, CLASS, 2, 1000, "A" * 64, SYNTAX, new("1.3", "a").blob, "{}")
    )
    assert found[2] == StoredInstance(
        *("1.1", STUDY, SERIES, CLASS, None, None, None, None, None, None)
    )
    assert stored.one(STUDY, SERIES, "1.20") == found[1]
    for wrong in ((STUDY, OTHER, "1.20"), (StudyUID("1"), SERIES, "1.20"), (STUDY, SERIES, "2")):
        assert stored.one(*wrong) is None
    assert stored.of_series(StudyUID("1"), SERIES) == []


def test_keys_of_instances(database: Database) -> None:
    """Each has a row of its own among those of events, under the patient. Without it, the bytes are gone."""
    Catalogue(database).store([record("1.3", 1)])
    stored = add(database, new("1.3", "a"))
    assert keys(database) == [("instance-1.3", 1, "dicom-patient:MRN 7", b"a" * 48)]
    assert stored.known_digests(["1.3", "1.4"]) == {"1.3": "A" * 64}
    with database.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM directory_event_key")
        assert stored.known_digests(["1.3"], cursor) == {}
    [found] = stored.of_series(STUDY, SERIES)
    assert (found.blob, found.digest) == (None, "A" * 64)


def test_instance_that_is_added_again(database: Database) -> None:
    """The new bytes replace the former ones, with key and header; a sign in place of a thumbnail is made again."""
    Catalogue(database).store([record("1.3", 1)])
    stored = add(database, new("1.3", "a", header=b"old", pixels="{}"))
    stored.put_thumbnail(SERIES, PICTURE)
    add(database, new("1.3", "b", header=b"new"))
    [found] = stored.of_series(STUDY, SERIES)
    assert (found.blob, found.digest, found.pixels) == (new("1.3", "b").blob, "B" * 64, None)
    assert stored.headers([SERIES]) == {"1.3": b"new"}
    assert stored.thumbnail(SERIES) is None
    assert len(keys(database)) == 1


def test_patient_id_that_cannot_be_a_key(database: Database) -> None:
    """Nothing is written."""
    instance = NewInstance("1.3", SERIES, "x" * 300, new("1.3", "a").blob, "A" * 64, 1000, None)
    with pytest.raises(Invalid, match="PatientID"):
        add(database, instance)
    assert keys(database) == []


def test_headers(database: Database) -> None:
    """They are bytes, in the order of the instances; None where there is none yet."""
    records = [record("1.3", 2), record("1.4", 1), record("1.5", 1, OTHER)]
    Catalogue(database).store(records)
    header = b'{"00081190":"\x01/studies"}'
    stored = add(database, new("1.3", "a", header=header))
    assert [*stored.headers([OTHER, SERIES]).items()] == [
        ("1.5", None),
        ("1.4", None),
        ("1.3", header),
    ]
    assert stored.headers([SERIES], "1.3") == {"1.3": header}
    assert stored.headers([OTHER], "1.3") == stored.headers([]) == {}
    stored.put_header(OTHER, "1.5", b"made")
    stored.put_header(SERIES, "1.3", b"made again")
    stored.put_header(SERIES, "1.99", b"of an instance that is not there")
    found = stored.headers([SERIES, OTHER])
    assert found == {"1.4": None, "1.3": b"made again", "1.5": b"made"}


def test_thumbnails(database: Database) -> None:
    """One of each series that has instances."""
    Catalogue(database).store([record("1.3", 1)])
    Catalogue(database).add_placeholder(STUDY, OTHER)
    stored = StoredInstances(database)
    assert stored.thumbnail(SERIES) is None
    for picture in (PICTURE, Thumbnail("image/jpeg", bytes(range(256)))):
        stored.put_thumbnail(SERIES, picture)
        assert stored.thumbnail(SERIES) == picture
    stored.put_thumbnail(OTHER, PICTURE)
    assert stored.thumbnail(OTHER) is None
    add(database, new("1.5", "c"))
    assert stored.thumbnail(SERIES) == Thumbnail("image/jpeg", bytes(range(256)))
