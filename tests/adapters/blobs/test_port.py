"""The port of blob storage, on a directory and on S3."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from attrs import evolve, frozen

from albumcore.errors import Invalid
from albumcore_adapters.blobs import BlobDamaged, BlobMissing, Blobs, DirectoryBlobs
from albumcore_adapters.blobs.sealed_blobs import check_sealed, get_sealed, put_sealed
from albumcore_adapters.blobs.sealed_files import SealedReader
from support.s3 import S3, blobs_at, serving_s3

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)


class Storage(Protocol):
    """A blob storage and what a test changes behind its back. Names have a slash after two digits."""

    def open(self) -> Blobs:
        """Open the storage, as often as needed."""
        ...

    def names(self) -> list[str]:
        """Return the names of everything stored."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Store bytes under a name."""
        ...

    def date(self, digest: str, at: datetime) -> None:
        """Set the time at which a blob was last put."""
        ...


@frozen
class Directory:
    """A directory."""

    root: Path

    def open(self) -> Blobs:
        """Open it."""
        return DirectoryBlobs(self.root)

    def names(self) -> list[str]:
        """Every file."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in files)

    def write(self, name: str, content: bytes) -> None:
        """Write a file."""
        (self.root / name).parent.mkdir(exist_ok=True)
        (self.root / name).write_bytes(content)

    def date(self, digest: str, at: datetime) -> None:
        """Set the times of a file."""
        os.utime(self.root / digest[:2] / digest[2:], (at.timestamp(), at.timestamp()))


@frozen
class Bucket:
    """A bucket, and a prefix in it."""

    s3: S3
    name: str
    prefix: str

    def open(self) -> Blobs:
        """Open it, with a time limit for a busy machine."""
        return blobs_at(self.s3.address, self.name, self.prefix, seconds=60)

    def names(self) -> list[str]:
        """Every key, without the prefix."""
        return [key.removeprefix(f"{self.prefix}/") for key in self.s3.keys(self.name)]

    def write(self, name: str, content: bytes) -> None:
        """Put an object."""
        self.s3.write(self.name, f"{self.prefix}/{name}", content)

    def date(self, digest: str, at: datetime) -> None:
        """Set the time of an object."""
        self.s3.date(self.name, f"{self.prefix}/{digest[:2]}/{digest[2:]}", at)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """The S3 server of all tests of this file."""
    with serving_s3() as server:
        yield server


@pytest.fixture(params=["directory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, s3: S3) -> Storage:
    """Return an empty storage of each kind."""
    if request.param == "directory":
        return Directory(tmp_path / "data" / "blobs")
    return Bucket(s3, s3.bucket(), "of/albums")


@pytest.fixture
def blobs(storage: Storage) -> Blobs:
    """Return it opened."""
    return storage.open()


def test_put_keeps_content_under_its_digest(blobs: Blobs, storage: Storage) -> None:
    """Content is returned by its SHA-256, also by another instance."""
    assert blobs.put(b"abc") == ABC
    assert blobs.put(b"") == EMPTY
    for each in (blobs, storage.open()):
        assert (each.get(ABC), each.get(EMPTY)) == (b"abc", b"")
        assert (each.size(ABC), each.size(EMPTY)) == (3, 0)
        assert list(each.digests()) == [ABC, EMPTY]
    assert storage.names() == [f"ba/{ABC[2:]}", f"e3/{EMPTY[2:]}"]


def test_put_of_the_same_content_again(blobs: Blobs, storage: Storage) -> None:
    """The same content is stored once, and its age is renewed, so that garbage collection keeps it."""
    blobs.put(b"abc")
    storage.date(ABC, LONG_AGO)
    assert list(blobs.digests(LAST_YEAR)) == [ABC]
    assert blobs.put(b"abc") == ABC
    assert list(blobs.digests(LAST_YEAR)) == []
    assert storage.names() == [f"ba/{ABC[2:]}"]


@pytest.mark.parametrize("rotten", [b"ab", b"abd"], ids=["shorter", "changed"])
def test_put_replaces_what_has_rotted(blobs: Blobs, storage: Storage, rotten: bytes) -> None:
    """Putting the content again replaces damaged bytes."""
    blobs.put(b"abc")
    storage.write(f"ba/{ABC[2:]}", rotten)
    blobs.put(b"abc")
    assert blobs.check(ABC, 3) is None


def test_get_of_a_blob_that_is_missing(blobs: Blobs) -> None:
    """A missing blob raises an error that names the digest."""
    blobs.put(b"")
    with pytest.raises(BlobMissing) as missing:
        blobs.get(ABC)
    assert missing.value.digest == ABC
    with pytest.raises(BlobMissing, match=ABC):
        blobs.size(ABC)


@pytest.mark.parametrize("length", [None, 3], ids=["length unknown", "length known"])
@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (b"", "wrong length: 0 bytes instead of 3"),
        (b"ab", "wrong length: 2 bytes instead of 3"),
        (b"abcd", "wrong length: 4 bytes instead of 3"),
        (b"abd", "wrong digest: the content has changed"),
    ],
)
def test_get_of_a_damaged_blob(
    blobs: Blobs, storage: Storage, damaged: bytes, reason: str, length: int | None
) -> None:
    """Damaged bytes are never returned, also after sound ones were; restored bytes are returned again."""
    blobs.put(b"abc")
    assert blobs.get(ABC, length) == b"abc"
    storage.write(f"ba/{ABC[2:]}", damaged)
    with pytest.raises(BlobDamaged) as told:
        blobs.get(ABC, length)
    assert told.value.digest == ABC
    assert told.value.reason == (reason if length else "wrong digest: the content has changed")
    storage.write(f"ba/{ABC[2:]}", b"abc")
    assert blobs.get(ABC, length) == b"abc"


@pytest.mark.parametrize(
    "text", ["", ABC[1:], ABC + "0", ABC.upper(), ABC + "\n", "../" + ABC[3:], "ba/" + ABC[3:]]
)
def test_digest_that_is_none(blobs: Blobs, text: str) -> None:
    """Only 64 lower-case hexadecimal digits become part of a path or a key."""
    blobs.put(b"abc")
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.get(text)
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.size(text)
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.remove(text, datetime.now(UTC))
    assert blobs.check(text, 3) == "not a SHA-256 digest"


def test_stored_bytes_are_read_without_their_digest(blobs: Blobs, storage: Storage) -> None:
    """Whole, or a range: for callers that verify them by other means."""
    blobs.put(b"abc")
    storage.write(f"ba/{ABC[2:]}", b"abd")
    assert blobs.read(ABC, 3) == b"abd"
    assert [blobs.read_range(ABC, *one) for one in ((0, 1), (1, 3), (2, 3))] == [b"a", b"bd", b"d"]


def test_stored_bytes_of_another_length(blobs: Blobs) -> None:
    """A blob that is longer or shorter is damaged, and so is one that ends before or within a range."""
    blobs.put(b"abc")
    for length in (2, 4):
        with pytest.raises(BlobDamaged, match=f"3 bytes instead of {length}"):
            blobs.read(ABC, length)
    for start in (2, 3, 4):
        with pytest.raises(BlobDamaged, match="ends before byte 5"):
            blobs.read_range(ABC, start, 5)


def test_stored_bytes_of_a_blob_that_is_missing(blobs: Blobs) -> None:
    """A missing blob raises an error that names the digest."""
    blobs.put(b"")
    with pytest.raises(BlobMissing, match=ABC):
        blobs.read(ABC, 3)
    with pytest.raises(BlobMissing, match=ABC):
        blobs.read_range(ABC, 0, 1)


def test_sealed_blobs(blobs: Blobs, storage: Storage) -> None:
    """They are read whole and in ranges, are checked without and with their key, and damage is found."""
    content = os.urandom(200_000)
    one, other = put_sealed(blobs, content), put_sealed(blobs, content)
    assert sorted(blobs.digests()) == sorted({one.digest, other.digest})
    assert get_sealed(blobs, one) == get_sealed(blobs, other) == content
    for start, stop in ((0, 1), (65_535, 65_537), (131_072, 200_000), (7, 7)):
        assert SealedReader(blobs, one).read(start, stop) == content[start:stop]
    assert blobs.check(one.digest, one.stored_length) is None
    assert check_sealed(blobs, one) is None
    assert check_sealed(blobs, evolve(one, key=other.key)) == "its key is another one"
    assert check_sealed(blobs, evolve(one, digest="x")) == "not a SHA-256 digest"
    sealed = blobs.get(one.digest)
    storage.write(f"{one.digest[:2]}/{one.digest[2:]}", sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert check_sealed(blobs, one) == "wrong digest: the content has changed"
    assert SealedReader(blobs, one).read(1, 196_608) == content[1:196_608]
    with pytest.raises(BlobDamaged, match=f"{one.digest}: chunk 3 has changed"):
        get_sealed(blobs, one)
    with pytest.raises(BlobDamaged, match=f"{one.digest}: chunk 3 has changed"):
        SealedReader(blobs, one).read(196_607, 196_609)
    assert blobs.remove(one.digest, datetime.now(UTC) + timedelta(hours=1))
    assert check_sealed(blobs, one) == "missing"
    assert get_sealed(blobs, other) == content


@pytest.mark.parametrize("length", [0, 100_000, 20_000_000], ids=["empty", "short", "long"])
def test_drafts(blobs: Blobs, storage: Storage, length: int) -> None:
    """What was written in pieces is a blob like any other, once it is committed. One that is discarded is none."""
    content, draft = os.urandom(length), blobs.draft()
    for start in range(0, length, 3_000_000):
        draft.write(memoryview(content)[start : start + 3_000_000])
    assert draft.read_range(length // 2, length) == content[length // 2 :]
    assert list(blobs.digests()) == []
    digest = draft.commit()
    assert digest == hashlib.sha256(content).hexdigest()
    draft.discard()
    blobs.draft().discard()
    assert list(blobs.digests()) == [digest]
    assert storage.names() == [f"{digest[:2]}/{digest[2:]}"]
    assert blobs.check(digest, length) is None
    assert blobs.remove_drafts(datetime.now(UTC)) == 0


def test_digests_pass_over_what_is_no_blob(blobs: Blobs, storage: Storage) -> None:
    """Temporary files left by a crash, and foreign files, are not blobs."""
    blobs.put(b"abc")
    for name in ("ba/.put-x1y2", "ba/notes.txt", "lost+found/a", "README"):
        storage.write(name, b"ab")
    assert list(blobs.digests()) == [ABC]


def test_check_of_a_sound_blob(blobs: Blobs) -> None:
    """The check finds sound blobs of every size sound."""
    large = os.urandom(3_000_000)
    assert blobs.check(blobs.put(b"abc"), 3) is None
    assert blobs.check(blobs.put(large), 3_000_000) is None


def test_check_of_a_damaged_blob(blobs: Blobs, storage: Storage) -> None:
    """The check reports a missing blob, another length and other content."""
    assert blobs.check(ABC, 3) == "missing"
    blobs.put(b"abc")
    assert blobs.check(ABC, 4) == "wrong length: 3 bytes instead of 4"
    storage.write(f"ba/{ABC[2:]}", b"abd")
    assert blobs.check(ABC, 3) == "wrong digest: the content has changed"


def test_remove_takes_what_is_old_only(blobs: Blobs, storage: Storage) -> None:
    """A blob put after the time remains; a missing blob is not an error."""
    blobs.put(b"abc")
    blobs.put(b"")
    storage.date(ABC, LONG_AGO)
    assert [blobs.remove(one, LAST_YEAR) for one in (ABC, EMPTY, "0" * 64)] == [True, False, False]
    assert list(blobs.digests()) == [EMPTY]
    assert blobs.remove(EMPTY, datetime.now(UTC) + timedelta(hours=1))
    assert storage.names() == []


def test_a_moment_without_a_zone_tells_no_age(storage: Storage) -> None:
    """A time without a zone is refused, and nothing is removed."""
    blobs = storage.open()
    digest = blobs.put(b"abc")
    naive = datetime(2030, 1, 1)
    for use in (lambda: list(blobs.digests(naive)), lambda: blobs.remove(digest, naive)):
        with pytest.raises(Invalid) as refused:
            use()
        assert refused.value.field == "before"
    assert blobs.get(digest) == b"abc"
