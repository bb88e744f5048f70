"""Blobs in a directory: stored once by content, whole or not at all, and checked on request."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import stat
from pathlib import Path

import pytest

from adapters.blobs import BlobMissing, Blobs, DirectoryBlobs

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a directory that is not there yet, nor is its parent."""
    return tmp_path / "data" / "blobs"


@pytest.fixture
def blobs(root: Path) -> Blobs:
    """Return blobs in an empty directory."""
    return DirectoryBlobs(root)


def _file(root: Path, digest: str) -> Path:
    return root / digest[:2] / digest[2:]


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_put_keeps_content_under_its_digest(blobs: Blobs, root: Path) -> None:
    """What is put comes back by its SHA-256, also from another instance."""
    assert blobs.put(b"abc") == ABC
    assert blobs.put(b"") == EMPTY
    for each in (blobs, DirectoryBlobs(root)):
        assert (each.get(ABC), each.get(EMPTY)) == (b"abc", b"")
        assert (each.size(ABC), each.size(EMPTY)) == (3, 0)
        assert list(each.digests()) == [ABC, EMPTY]
    assert _files(root) == [f"ba/{ABC[2:]}", f"e3/{EMPTY[2:]}"]


def test_put_keeps_content_from_other_users(blobs: Blobs, root: Path) -> None:
    """Files and directories are for their owner only."""
    blobs.put(b"abc")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root.parent, root, root / "ba"]}
    assert modes == {0o700}
    assert stat.S_IMODE(_file(root, ABC).stat().st_mode) == 0o600


def test_put_of_the_same_content_again(blobs: Blobs, root: Path) -> None:
    """A file that is there is not written again, only made young, so that nobody collects it."""
    blobs.put(b"abc")
    file = _file(root, ABC)
    os.utime(file, (0, 0))
    before = file.stat()
    assert blobs.put(b"abc") == ABC
    assert file.stat().st_ino == before.st_ino
    assert file.stat().st_mtime > 1_000_000_000


def test_put_replaces_a_file_of_the_wrong_length(blobs: Blobs, root: Path) -> None:
    """A file cut short by damage is made good by putting its content again."""
    blobs.put(b"abc")
    _file(root, ABC).write_bytes(b"ab")
    blobs.put(b"abc")
    assert blobs.get(ABC) == b"abc"


def test_put_replaces_a_file_that_has_rotted(blobs: Blobs, root: Path) -> None:
    """A file of the right length and of other content is made good as well."""
    blobs.put(b"abc")
    _file(root, ABC).write_bytes(b"abd")
    blobs.put(b"abc")
    assert blobs.check(ABC, 3) is None


def test_put_by_several_processes_at_once(blobs: Blobs, root: Path) -> None:
    """The same content from four processes is stored once and whole."""
    content = os.urandom(300_000)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        digests = pool.map(blobs.put, [content] * 16, chunksize=1)
    digest = hashlib.sha256(content).hexdigest()
    assert set(digests) == {digest}
    assert _files(root) == [f"{digest[:2]}/{digest[2:]}"]
    assert blobs.check(digest, 300_000) is None


def test_put_that_fails_half_way(blobs: Blobs, root: Path) -> None:
    """When the disk takes only a part, nothing of it is left, and the next try works."""
    content = os.urandom(200_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            blobs.put(content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _files(root) == []
    assert blobs.check(blobs.put(content), 200_000) is None


def test_put_syncs_before_it_returns(
    blobs: Blobs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synced before it gets its name; then the directories that were changed are."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def seen_fsync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        steps.append("draft" if ".put-" in name else str(Path(name).relative_to(root)))
        fsync(descriptor)

    def seen_replace(source: str, target: Path) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "replace", seen_replace)
    blobs.put(b"abc")
    assert steps == [".", "draft", "rename", "ba"]
    steps.clear()
    blobs.put(b"abc")
    assert steps == ["ba"]


def test_get_of_a_blob_that_is_missing(blobs: Blobs) -> None:
    """A digest without a blob is damage, told by the digest."""
    with pytest.raises(BlobMissing) as missing:
        blobs.get(ABC)
    assert missing.value.digest == ABC
    with pytest.raises(BlobMissing, match=ABC):
        blobs.size(ABC)


@pytest.mark.parametrize(
    "text", ["", ABC[1:], ABC + "0", ABC.upper(), ABC + "\n", "../" + ABC[3:], "ba/" + ABC[3:]]
)
def test_digest_that_is_none(blobs: Blobs, text: str) -> None:
    """Only 64 lower-case hexadecimal digits ever become part of a path."""
    blobs.put(b"abc")
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.get(text)
    with pytest.raises(ValueError, match="64 lower-case"):
        blobs.size(text)
    assert blobs.check(text, 3) == "not a SHA-256 digest"


def test_digests_pass_over_what_is_no_blob(blobs: Blobs, root: Path) -> None:
    """Drafts that a crash left behind, and files of others, are no blobs."""
    blobs.put(b"abc")
    (root / "ba" / ".put-x1y2").write_bytes(b"ab")
    (root / "ba" / "notes.txt").write_bytes(b"ab")
    (root / "lost+found").mkdir()
    (root / "README").touch()
    assert list(blobs.digests()) == [ABC]


def test_check_of_a_sound_blob(blobs: Blobs) -> None:
    """Nothing is wrong with what was put."""
    blobs.put(b"abc")
    assert blobs.check(ABC, 3) is None


def test_check_of_a_damaged_blob(blobs: Blobs, root: Path) -> None:
    """A blob that is missing, of another length or of other content is told as such."""
    assert blobs.check(ABC, 3) == "missing"
    blobs.put(b"abc")
    assert blobs.check(ABC, 4) == "wrong length: 3 bytes instead of 4"
    _file(root, ABC).write_bytes(b"abd")
    assert blobs.check(ABC, 3) == "wrong digest: the content has changed"


def test_check_of_what_is_no_file(blobs: Blobs, root: Path) -> None:
    """A folder or a pipe in its place is told, and not waited for; so is a shard that is none."""
    file = _file(root, ABC)
    file.parent.mkdir()
    file.mkdir()
    assert blobs.check(ABC, 3) == "not a file"
    file.rmdir()
    os.mkfifo(file)
    assert blobs.check(ABC, 3) == "not a file"
    file.unlink()
    file.parent.rmdir()
    file.parent.touch()
    assert blobs.check(ABC, 3) == "cannot be read: Not a directory"
