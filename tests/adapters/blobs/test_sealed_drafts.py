"""Sealed drafts: content that is written in pieces is sealed as content that is sealed whole."""

from __future__ import annotations

import errno
import hashlib
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.blobs import BlobDamaged, BlobsFull, BlobsUnavailable, DirectoryBlobs
from albumcore_adapters.blobs.sealed import CHUNK, HEADER, sealed_length, unseal_bytes
from albumcore_adapters.blobs.sealed_drafts import SealedDraft
from albumcore_adapters.blobs.sealed_files import SealedReader
from support.sealed_format import write

lengths = st.integers(0, 3) | st.builds(
    lambda chunks, more: max(0, chunks * CHUNK + more), st.integers(0, 3), st.integers(-2, 2)
)


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobs:
    """An empty directory."""
    return DirectoryBlobs(tmp_path / "blobs")


def finished(blobs: DirectoryBlobs, *pieces: bytes) -> SealedDraft:
    """A draft of some content."""
    draft = SealedDraft.of(blobs)
    for piece in pieces:
        draft.write(piece)
    draft.finish()
    return draft


def files(blobs: DirectoryBlobs) -> list[Path]:
    """Every file in the directory."""
    return [path for path in blobs.path.rglob("*") if path.is_file()]


@given(st.lists(lengths, max_size=4), st.data())
def test_content_in_pieces(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int], data: st.DataObject
) -> None:
    """Any pieces yield sealed bytes as the reference page has them, which are read before and after the commit."""
    blobs = DirectoryBlobs(tmp_path_factory.getbasetemp() / "drafts")
    content = random.Random(sum(pieces)).randbytes(sum(pieces))
    starts = [sum(pieces[:number]) for number in range(len(pieces) + 1)]
    draft = finished(blobs, *(content[start:stop] for start, stop in pairwise(starts)))
    assert (draft.length, draft.digest) == (len(content), hashlib.sha256(content).hexdigest())
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    assert draft.read(start, stop) == content[start:stop]
    blob = draft.commit()
    sealed = blobs.get(blob.digest, sealed_length(len(content)))
    assert sealed == write(content, blob.key)
    assert unseal_bytes(sealed, blob.key) == content
    assert SealedReader(blobs, blob).read(start, stop) == content[start:stop]


@given(st.lists(st.tuples(st.integers(0, 6 * CHUNK), st.integers(0, 2 * CHUNK)), max_size=12))
def test_reader_returns_the_same_from_its_cache(
    tmp_path_factory: pytest.TempPathFactory, ranges: list[tuple[int, int]]
) -> None:
    """Whatever was read before, a range has the bytes that the content has there."""
    blobs = DirectoryBlobs(tmp_path_factory.getbasetemp() / "drafts")
    content = random.Random(7).randbytes(6 * CHUNK + 5)
    reader = SealedReader(blobs, finished(blobs, content).commit())
    for start, length in ranges:
        stop = min(start + length, len(content))
        assert reader.read(start, stop) == content[start:stop]


def test_small_reads_read_each_chunk_once(blobs: DirectoryBlobs) -> None:
    """Small reads in a row read no more than the stored bytes."""
    content = os.urandom(4 * CHUNK)
    blob = finished(blobs, content).commit()
    stored: list[int] = []

    class Counting:
        def read_range(self, digest: str, start: int, stop: int) -> bytes:
            stored.append(stop - start)
            return blobs.read_range(digest, start, stop)

    reader = SealedReader(Counting(), blob)  # type: ignore[arg-type]
    read = b"".join(reader.read(at, at + 1024) for at in range(0, len(content), 1024))
    assert read == content
    assert sum(stored) == blob.stored_length


def test_reader_of_what_changed(blobs: DirectoryBlobs) -> None:
    """A range that does not exist is an error of the caller; a changed chunk is damage."""
    blob = finished(blobs, bytes(100)).commit()
    with pytest.raises(ValueError, match="no range of 100 bytes: 7 to 101"):
        SealedReader(blobs, blob).read(7, 101)
    [file] = files(blobs)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(BlobDamaged, match="chunk 0 has changed"):
        SealedReader(blobs, blob).read(0, 1)


def test_draft_is_no_blob_until_it_is_committed(blobs: DirectoryBlobs) -> None:
    """It is one temporary file, which `discard` removes. After the commit it has ended, and `discard` does nothing."""
    draft = finished(blobs, b"abc")
    assert list(blobs.digests()) == []
    [file] = files(blobs)
    assert file.name.startswith(".draft-")
    draft.discard()
    draft.discard()
    assert files(blobs) == []
    kept = finished(blobs, b"abc")
    blob = kept.commit()
    kept.discard()
    assert list(blobs.digests()) == [blob.digest]
    assert len(files(blobs)) == 1


def test_draft_before_it_is_finished(blobs: DirectoryBlobs) -> None:
    """Its content cannot be read yet."""
    draft = SealedDraft.of(blobs)
    draft.write(b"abc")
    with pytest.raises(ValueError, match="not finished"):
        draft.read(0, 1)
    draft.discard()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stored: stored[:-1] + b"x", "a draft was changed: chunk 0"),
        (lambda stored: stored[: HEADER + 4], "a draft became shorter"),
    ],
)
def test_draft_that_changes_on_the_disk(
    blobs: DirectoryBlobs, change: Callable[[bytes], bytes], message: str
) -> None:
    """Nothing of it is read: the storage is at fault."""
    draft = finished(blobs, b"abc")
    [file] = files(blobs)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(BlobsUnavailable, match=message):
        draft.read(0, 3)
    draft.discard()


def test_draft_has_ranges_of_what_was_written(blobs: DirectoryBlobs) -> None:
    """No others."""
    draft = blobs.draft()
    draft.write(b"abc")
    assert draft.read_range(1, 3) == b"bc"
    with pytest.raises(ValueError, match="no range of 3 bytes: 1 to 4"):
        draft.read_range(1, 4)
    draft.discard()


def test_disk_that_is_full(blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of the draft. Other errors of the file system are what they are."""
    draft = finished(blobs, b"abc")
    others = finished(blobs, b"abc")
    errors = iter([errno.ENOSPC, errno.EIO])

    def fail(descriptor: int) -> None:
        raise OSError(next(errors), "as the test says")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(BlobsFull, match="as the test says"):
        draft.commit()
    with pytest.raises(OSError, match="as the test says"):
        others.commit()
    assert files(blobs) == []


def test_commit_syncs_before_it_returns(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synced before it is renamed, under its digest; the directories afterwards."""
    draft = finished(blobs, b"abc")
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def seen_fsync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        steps.append("draft" if ".draft-" in name else str(Path(name).relative_to(blobs.path)))
        fsync(descriptor)

    def seen_replace(source: str, target: str) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "replace", seen_replace)
    blob = draft.commit()
    assert steps == ["draft", ".", "rename", blob.digest[:2]]


def test_committed_draft_is_young(blobs: DirectoryBlobs) -> None:
    """However slowly it was written: garbage collection keeps it until an event can refer to it."""
    draft = finished(blobs, b"abc")
    [file] = files(blobs)
    os.utime(file, (0, 0))
    draft.commit()
    assert list(blobs.digests(datetime.now(UTC) - timedelta(minutes=5))) == []


def test_drafts_that_a_crash_left(blobs: DirectoryBlobs) -> None:
    """Old ones are removed, of both kinds; young ones may be in use."""
    blob = finished(blobs, b"abc").commit()
    shard = blobs.path / blob.digest[:2]
    old = [blobs.path / ".draft-old", shard / ".put-old"]
    young = [blobs.path / ".draft-young", shard / ".put-young", shard / "notes"]
    for file in (*old, *young):
        file.touch()
    for file in (*old, shard / "notes"):
        os.utime(file, (0, 0))
    week = datetime.now(UTC) - timedelta(days=7)
    assert blobs.remove_drafts(week) == 2
    assert blobs.remove_drafts(week) == 0
    assert sorted(files(blobs)) == sorted([*young, shard / blob.digest[2:]])
