"""The life of the bytes of DICOM instances: what garbage collection removes, what an erasure leaves, what is wrong."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from albumcore import (
    Source,
    album_stream,
    create_album,
    delete_album,
    import_series,
    post_study_comment,
    study_stream,
)
from albumcore.erasures import ErasureKind
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore_adapters.base.retention import parse_retention
from albumcore_adapters.blobs import Blobs, DirectoryBlobs
from albumcore_adapters.blobs.sealed_drafts import SealedDraft
from albumcore_adapters.directory.consistency import problems_of
from albumcore_adapters.directory.instance_blobs import instance_problems
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.erasure.collecting import collect
from albumcore_adapters.erasure.erasing import KeptUntil
from albumcore_adapters.erasure.erasure_list import read_erasures
from albumcore_adapters.erasure.subject_check import subject_problems
from albumcore_adapters.erasure.subjects import (
    erase_again,
    erase_album,
    erase_instances,
    erase_study,
    studies_with_patient_id,
)
from albumcore_adapters.erasure.unreferenced import unreferenced_digests
from support.instances import SERIES, STUDY, store_instance
from support.residue import residue_of_directory, residue_of_heap, residue_of_tables
from support.s3 import S3, blobs_at, serving_s3
from support.sealed_place import Place

ONE, TWO, THREE = "1.3.7.1.1", "1.3.7.1.2", "1.3.8.1.1"
OTHER_STUDY, OTHER_SERIES = StudyUID("1.3.8"), SeriesUID("1.3.8.1")
CONTENT = random.Random(3).randbytes(150_000)
LATER = datetime.now(UTC) + timedelta(days=1)
LAST_WEEK = datetime.now(UTC) - timedelta(days=7)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """The S3 server of all tests of this file."""
    with serving_s3() as server:
        yield server


@pytest.fixture
def blobs(place: Place, s3: S3) -> Blobs:
    """A directory beside SQLite, a bucket beside PostgreSQL."""
    if place.url is None:
        return DirectoryBlobs(place.folder / "blobs")
    return blobs_at(s3.address, s3.bucket(), seconds=60)


def problems(place: Place, blobs: Blobs) -> list[str]:
    """What verifying finds."""
    return [
        *problems_of(place.database),
        *subject_problems(place.albums, place.database),
        *instance_problems(place.database, blobs),
    ]


def run(place: Place, statement: str) -> None:
    """Change the database behind the back of the store."""
    with place.database.transaction(commit=True) as cursor:
        cursor.execute(statement)


def rows(place: Place, table: str) -> int:
    """The number of rows of a table."""
    with place.database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT count(*) AS number FROM {table}")
        return int(cursor.fetchall()[0]["number"])


def collected(place: Place, blobs: Blobs, before: datetime = LATER) -> None:
    """Collect garbage, of any age by default."""
    assert not collect(place.albums, place.database, blobs, before, 30).held_up


# Garbage collection


def test_bytes_of_instances_are_never_garbage(place: Place, blobs: Blobs) -> None:
    """Not at any age, and not if the key is lost: it may be restored. What no row refers to is."""
    kept = [store_instance(place.database, blobs, uid, CONTENT).digest for uid in (ONE, TWO)]
    waste = blobs.put(b"waste")
    run(place, f"DELETE FROM directory_event_key WHERE stream = 'instance-{TWO}'")
    assert list(unreferenced_digests(place.albums, blobs, LATER)) == [(waste, LATER)]
    collected(place, blobs)
    assert list(blobs.digests()) == sorted(kept)
    found = StoredInstances(place.database).of_series(STUDY, SERIES)
    assert [one.blob is None for one in found] == [False, True]


def test_bytes_that_are_replaced_are_garbage(place: Place, blobs: Blobs) -> None:
    """Those of an instance that was stored again are removed once they are old enough."""
    old = store_instance(place.database, blobs, ONE, CONTENT)
    new = store_instance(place.database, blobs, ONE, CONTENT)
    collected(place, blobs, LAST_WEEK)
    assert list(blobs.digests()) == sorted([old.digest, new.digest])
    collected(place, blobs)
    assert list(blobs.digests()) == [new.digest]


def test_upload_during_a_collection(place: Place, blobs: Blobs) -> None:
    """Bytes whose row is not there yet are young, and stay."""
    draft = SealedDraft.of(blobs)
    draft.write(CONTENT)
    collected(place, blobs, LAST_WEEK)
    draft.finish()
    blob = draft.commit()
    collected(place, blobs, LAST_WEEK)
    assert list(blobs.digests()) == [blob.digest]


def test_drafts_of_a_crash_are_garbage(place: Place) -> None:
    """They are removed with the blobs that nothing refers to."""
    blobs = DirectoryBlobs(place.folder / "blobs")
    SealedDraft.of(blobs).write(CONTENT)
    [file] = blobs.path.iterdir()
    collected(place, blobs, LAST_WEEK)
    assert file.exists()
    os.utime(file, (0, 0))
    collected(place, blobs, LAST_WEEK)
    assert not file.exists()


# Erasure


def secrets(name: str, content: bytes) -> dict[str, str | bytes]:
    """What must not be found after an erasure."""
    return {"name": name, "patient id": f"MRN-{name}", "bytes": content}


def residue(place: Place, found: dict[str, str | bytes]) -> list[object]:
    """Where any of it is found: in the files, or in tables and files of PostgreSQL."""
    if place.url is None:
        return [*residue_of_directory(place.folder, found)]
    return [*residue_of_tables(place.url, found), *residue_of_heap(place.url, found)]


def test_erased_study_leaves_nothing(place: Place, blobs: Blobs) -> None:
    """After the collection, neither files nor tables have any text or bytes of it; another study is whole."""
    erased, kept = random.Random(1).randbytes(90_000), random.Random(2).randbytes(90_000)
    for uid in (ONE, TWO):
        store_instance(
            *(place.database, blobs, uid, erased),
            patient_name="Ndiaye^Awa",
            dicom_patient_id="MRN-Ndiaye^Awa",
        )
    other = store_instance(
        *(place.database, blobs, THREE, kept),
        study_uid=OTHER_STUDY,
        series_uid=OTHER_SERIES,
        patient_name="Moreau^Luc",
        dicom_patient_id="MRN-Moreau^Luc",
    )
    assert residue(place, secrets("Ndiaye^Awa", erased))
    result = erase_study(place.eraser, STUDY)
    # Of each instance its key, stored row, header and row in the catalogue; the thumbnail, the series and the study.
    assert result.rows == 4 * 2 + 3
    assert erase_study(place.eraser, STUDY).is_nothing
    assert problems(place, blobs) == []
    assert rows(place, "directory_stored_instance") == 3
    collected(place, blobs, LAST_WEEK)
    assert list(blobs.digests()) == [other.digest]
    assert rows(place, "directory_stored_instance") == 1
    assert residue(place, secrets("Ndiaye^Awa", erased)) == []
    assert problems(place, blobs) == []
    stored = StoredInstances(place.database)
    assert stored.of_series(STUDY, SERIES) == []
    assert stored.headers([SERIES]) == {}
    assert stored.thumbnail(SERIES) is None
    [found] = stored.of_series(OTHER_STUDY, OTHER_SERIES)
    assert found.blob == other
    assert stored.headers([OTHER_SERIES]) != {}
    assert stored.thumbnail(OTHER_SERIES) is not None


def test_instances_are_stored_for_as_long_as_they_must_be(place: Place, blobs: Blobs) -> None:
    """From when the last one of the study came; a legal basis overrides it, and other periods are not theirs."""
    for uid, day in ((ONE, 7), (TWO, 3)):
        at = datetime(2025, 3, day, tzinfo=UTC)
        store_instance(place.database, blobs, uid, CONTENT, at=at)
    retention = parse_retention("dicom_images=10y,patient_images=30y,albums=30y")
    eraser = evolve(place.eraser, retention=retention)
    with pytest.raises(KeptUntil, match=r"dicom_images .* until 2035-03-07 .*--basis"):
        erase_study(eraser, STUDY)
    assert StoredInstances(place.database).known_digests([ONE, TWO]).keys() == {ONE, TWO}
    later = evolve(eraser, clock=lambda: datetime(2035, 3, 6, tzinfo=UTC))
    with pytest.raises(KeptUntil):
        erase_study(later, STUDY)
    assert not erase_study(later, STUDY, "Art. 17").is_nothing
    store_instance(place.database, blobs, ONE, CONTENT)
    last_day = evolve(eraser, clock=lambda: datetime(2036, 3, 1, tzinfo=UTC))
    assert not erase_study(last_day, STUDY).is_nothing


def test_instances_are_erased_and_comments_stay(place: Place, blobs: Blobs) -> None:
    """As in a store in clear, where they cannot be erased. A note says how many there are."""
    store_instance(place.database, blobs, ONE, CONTENT)
    bob = UserId("bob")
    stream = study_stream(STUDY)
    place.albums.handle(stream, post_study_comment, Source(bob), {bob}, "Knees")
    result = erase_instances(place.eraser, STUDY)
    assert (result.events, result.rows) == (0, 4 + 3)
    assert result.notes == (f"study {STUDY} has 1 comments, and none was erased",)
    assert erase_instances(place.eraser, STUDY).is_nothing
    [listed] = read_erasures(place.folder / "erasures.jsonl")
    assert (listed.kind, listed.key) == (ErasureKind.INSTANCES, STUDY)
    store_instance(place.database, blobs, ONE, CONTENT)
    assert erase_again(place.eraser, [listed]).is_nothing
    again = evolve(listed, at=LAST_WEEK)
    assert erase_again(place.eraser, [again]).rows == 4 + 3
    assert problems(place, blobs) == []
    assert place.albums.verify() == []
    assert erase_study(place.eraser, STUDY).events == 1


def test_erased_album_leaves_images(place: Place, blobs: Blobs) -> None:
    """An erasure of an album takes its texts; and once it is deleted, what others hold is there as before."""
    album, alice = album_stream(AlbumId("A123456789")), Source(UserId("alice"))
    blob = store_instance(place.database, blobs, ONE, CONTENT)
    place.albums.handle(album, create_album, alice, "Knees")
    place.albums.handle(album, import_series, alice, STUDY, SERIES)
    assert not erase_album(place.eraser, AlbumId("A123456789")).is_nothing
    place.albums.handle(album, delete_album, alice)
    collected(place, blobs)
    [found] = StoredInstances(place.database).of_series(STUDY, SERIES)
    assert found.blob == blob
    assert problems(place, blobs) == []


def test_instance_that_comes_back(place: Place, blobs: Blobs) -> None:
    """One that is stored again after its erasure is there, also if the collection comes later."""
    store_instance(place.database, blobs, ONE, CONTENT)
    erase_study(place.eraser, STUDY)
    again = store_instance(place.database, blobs, ONE, CONTENT)
    collected(place, blobs)
    assert list(blobs.digests()) == [again.digest]
    assert problems(place, blobs) == []


def test_studies_of_a_patient(place: Place, blobs: Blobs) -> None:
    """A study belongs to the patient of any instance in it; one without a PatientID to none."""
    store_instance(place.database, blobs, ONE, CONTENT, dicom_patient_id="A")
    store_instance(place.database, blobs, TWO, CONTENT, dicom_patient_id="B")
    store_instance(
        *(place.database, blobs, THREE, CONTENT),
        study_uid=OTHER_STUDY,
        series_uid=OTHER_SERIES,
        dicom_patient_id="",
    )
    found = {one: studies_with_patient_id(place.eraser, one) for one in ("A", "B", "", "C", "\0")}
    assert found == {"A": [STUDY], "B": [STUDY], "": [], "C": [], "\0": []}


# Verification


DAMAGE: dict[str, tuple[str, list[str]]] = {
    "sound": ("SELECT 1 AS one", []),
    "sound, without places": ("UPDATE directory_stored_instance SET pixels = '{}'", []),
    "its key is lost": (
        "DELETE FROM directory_event_key",
        [
            f"directory_stored_instance sop_instance_uid='{ONE}': its key is lost: its bytes cannot be read"
        ],
    ),
    "its key is another one": (
        f"UPDATE directory_event_key SET key = CAST('{'x' * 48}' AS BYTEA)",
        [f"instance {ONE}: image bytes: its key is another one"],
    ),
    "its key is no key": (
        "UPDATE directory_event_key SET key = CAST('x' AS BYTEA)",
        [f"instance {ONE}: image bytes: its key is another one"],
    ),
    "its length is another one": (
        "UPDATE directory_stored_instance SET length = 1",
        [f"instance {ONE}: image bytes: wrong length: 150080 bytes instead of 49"],
    ),
    "its blob is another one": (
        f"UPDATE directory_stored_instance SET blob = '{'a' * 64}'",
        [f"instance {ONE}: image bytes: missing"],
    ),
    "its key has another subject": (
        "UPDATE directory_event_key SET subject = 'user:ada'",
        [
            f"directory_event_key stream='instance-{ONE}', version=1: it would not be erased with a patient"
        ],
    ),
    "it is not in the catalogue": (
        "UPDATE directory_instance SET sop_instance_uid = '1.9'",
        [
            f"directory_stored_instance sop_instance_uid='{ONE}': its instance is not in the catalogue",
            f"directory_header sop_instance_uid='{ONE}': its instance is not in the catalogue",
        ],
    ),
    "its row is missing": (
        "DELETE FROM directory_stored_instance",
        [f"directory_event_key stream='instance-{ONE}', version=1: it is of no stored instance"],
    ),
    "it was erased without its key": (
        "UPDATE directory_stored_instance SET digest = NULL",
        [
            f"directory_stored_instance sop_instance_uid='{ONE}': it was erased, and its key is still there"
        ],
    ),
    "its thumbnail is of nothing": (
        "UPDATE directory_thumbnail SET series_uid = '1.9'",
        ["directory_thumbnail series_uid='1.9': its series has no instances"],
    ),
    "it cannot be read": (
        "UPDATE directory_stored_instance SET digest = 'x', pixels = '{'",
        [
            f"directory_stored_instance sop_instance_uid='{ONE}': its digest cannot be read",
            f"directory_stored_instance sop_instance_uid='{ONE}': its pixels cannot be read",
        ],
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_wrong_with_an_instance(place: Place, blobs: Blobs, damage: str) -> None:
    """Each damage has its line, which names the instance and no value."""
    statement, expected = DAMAGE[damage]
    store_instance(place.database, blobs, ONE, CONTENT)
    in_dialect = statement if place.url else statement.replace("BYTEA", "BLOB")
    run(place, in_dialect)
    assert problems(place, blobs) == expected


def test_bytes_that_changed(place: Place) -> None:
    """A changed byte is found by the digest of the sealed bytes."""
    blobs = DirectoryBlobs(place.folder / "blobs")
    blob = store_instance(place.database, blobs, ONE, CONTENT)
    file = blobs.path / blob.digest[:2] / blob.digest[2:]
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    wrong = f"instance {ONE}: image bytes: wrong digest: the content has changed"
    done: list[int] = []
    assert instance_problems(place.database, blobs, done.append) == [wrong]
    assert done == [1]
