"""Blobs, wherever they are kept: stored once by content, checked on request, and removed only when old."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from attrs import frozen

from albumcore.errors import Invalid
from albumcore_adapters.blobs import BlobDamaged, BlobMissing, Blobs, DirectoryBlobs
from support.s3 import S3, blobs_at, serving_s3

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)


class Place(Protocol):
    """Where blobs are kept, and what happens to it behind their back. Names have a slash after two digits."""

    def open(self) -> Blobs:
        """Open it, once more if need be."""
        ...

    def names(self) -> list[str]:
        """The names of all that is kept there."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Put something there under a name."""
        ...

    def date(self, digest: str, at: datetime) -> None:
        """Let a blob be of another time."""
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
        """Open it, with enough patience for a machine that has much to do."""
        return blobs_at(self.s3.address, self.name, self.prefix, patience=60)

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
    """S3 for all tests of this file."""
    with serving_s3() as server:
        yield server


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3: S3) -> Place:
    """Return an empty place of each kind."""
    if request.param == "directory":
        return Directory(tmp_path / "data" / "blobs")
    return Bucket(s3, s3.bucket(), "of/albums")


@pytest.fixture
def blobs(place: Place) -> Blobs:
    """Return it opened."""
    return place.open()


def test_put_keeps_content_under_its_digest(blobs: Blobs, place: Place) -> None:
    """What is put comes back by its SHA-256, also from another instance."""
    assert blobs.put(b"abc") == ABC
    assert blobs.put(b"") == EMPTY
    for each in (blobs, place.open()):
        assert (each.get(ABC), each.get(EMPTY)) == (b"abc", b"")
        assert (each.size(ABC), each.size(EMPTY)) == (3, 0)
        assert list(each.digests()) == [ABC, EMPTY]
    assert place.names() == [f"ba/{ABC[2:]}", f"e3/{EMPTY[2:]}"]


def test_put_of_the_same_content_again(blobs: Blobs, place: Place) -> None:
    """It is stored once, and made young, so that nobody collects what is about to be needed."""
    blobs.put(b"abc")
    place.date(ABC, LONG_AGO)
    assert list(blobs.digests(LAST_YEAR)) == [ABC]
    assert blobs.put(b"abc") == ABC
    assert list(blobs.digests(LAST_YEAR)) == []
    assert place.names() == [f"ba/{ABC[2:]}"]


@pytest.mark.parametrize("rotten", [b"ab", b"abd"], ids=["shorter", "changed"])
def test_put_replaces_what_has_rotted(blobs: Blobs, place: Place, rotten: bytes) -> None:
    """A blob that was damaged is made good by putting its content again."""
    blobs.put(b"abc")
    place.write(f"ba/{ABC[2:]}", rotten)
    blobs.put(b"abc")
    assert blobs.check(ABC, 3) is None


def test_get_of_a_blob_that_is_missing(blobs: Blobs) -> None:
    """A digest without a blob is damage, told by the digest."""
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
    blobs: Blobs, place: Place, damaged: bytes, reason: str, length: int | None
) -> None:
    """Other bytes than were put are never returned, also after sound ones were; sound ones again are."""
    blobs.put(b"abc")
    assert blobs.get(ABC, length) == b"abc"
    place.write(f"ba/{ABC[2:]}", damaged)
    with pytest.raises(BlobDamaged) as told:
        blobs.get(ABC, length)
    assert told.value.digest == ABC
    assert told.value.reason == (reason if length else "wrong digest: the content has changed")
    place.write(f"ba/{ABC[2:]}", b"abc")
    assert blobs.get(ABC, length) == b"abc"


@pytest.mark.parametrize(
    "text", ["", ABC[1:], ABC + "0", ABC.upper(), ABC + "\n", "../" + ABC[3:], "ba/" + ABC[3:]]
)
def test_digest_that_is_none(blobs: Blobs, text: str) -> None:
    """Only 64 lower-case hexadecimal digits ever become part of a path or a key."""
    blobs.put(b"abc")
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.get(text)
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.size(text)
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.remove(text, datetime.now(UTC))
    assert blobs.check(text, 3) == "not a SHA-256 digest"


def test_digests_pass_over_what_is_no_blob(blobs: Blobs, place: Place) -> None:
    """Drafts that a crash left behind, and what others keep there, are no blobs."""
    blobs.put(b"abc")
    for name in ("ba/.put-x1y2", "ba/notes.txt", "lost+found/a", "README"):
        place.write(name, b"ab")
    assert list(blobs.digests()) == [ABC]


def test_check_of_a_sound_blob(blobs: Blobs) -> None:
    """Nothing is wrong with what was put, however large."""
    large = os.urandom(3_000_000)
    assert blobs.check(blobs.put(b"abc"), 3) is None
    assert blobs.check(blobs.put(large), 3_000_000) is None


def test_check_of_a_damaged_blob(blobs: Blobs, place: Place) -> None:
    """A blob that is missing, of another length or of other content is told as such."""
    assert blobs.check(ABC, 3) == "missing"
    blobs.put(b"abc")
    assert blobs.check(ABC, 4) == "wrong length: 3 bytes instead of 4"
    place.write(f"ba/{ABC[2:]}", b"abd")
    assert blobs.check(ABC, 3) == "wrong digest: the content has changed"


def test_remove_takes_what_is_old_only(blobs: Blobs, place: Place) -> None:
    """A blob that was put since the moment stays; one that is not there is no mistake."""
    blobs.put(b"abc")
    blobs.put(b"")
    place.date(ABC, LONG_AGO)
    assert [blobs.remove(one, LAST_YEAR) for one in (ABC, EMPTY, "0" * 64)] == [True, False, False]
    assert list(blobs.digests()) == [EMPTY]
    assert blobs.remove(EMPTY, datetime.now(UTC) + timedelta(hours=1))
    assert place.names() == []


def test_a_moment_without_a_zone_tells_no_age(place: Place) -> None:
    """It is refused, and nothing goes."""
    blobs = place.open()
    digest = blobs.put(b"abc")
    naive = datetime(2030, 1, 1)
    for use in (lambda: list(blobs.digests(naive)), lambda: blobs.remove(digest, naive)):
        with pytest.raises(Invalid) as refused:
            use()
        assert refused.value.field == "before"
    assert blobs.get(digest) == b"abc"
