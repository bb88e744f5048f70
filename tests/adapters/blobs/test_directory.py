"""Blobs in a directory: atomic and durable writes, private files, and the cache of verified files."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import multiprocessing
import os
import resource
import stat
import threading
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

from albumcore_adapters.blobs import (
    BlobDamaged,
    Blobs,
    BlobsFull,
    BlobsUnavailable,
    DirectoryBlobs,
    directory,
)

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the path of a directory that does not exist, nor does its parent."""
    return tmp_path / "data" / "blobs"


@pytest.fixture
def blobs(root: Path) -> Blobs:
    """Return blobs in an empty directory."""
    return DirectoryBlobs(root)


def _file(root: Path, digest: str) -> Path:
    return root / digest[:2] / digest[2:]


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_put_keeps_content_from_other_users(blobs: Blobs, root: Path) -> None:
    """Files and directories are accessible to their owner only."""
    blobs.put(b"abc")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root.parent, root, root / "ba"]}
    assert modes == {0o700}
    assert stat.S_IMODE(_file(root, ABC).stat().st_mode) == 0o600


def test_put_of_the_same_content_again(blobs: Blobs, root: Path) -> None:
    """An existing file is not written again; its age is renewed, so that garbage collection keeps it."""
    blobs.put(b"abc")
    file = _file(root, ABC)
    os.utime(file, (0, 0))
    before = file.stat()
    assert blobs.put(b"abc") == ABC
    assert file.stat().st_ino == before.st_ino
    assert file.stat().st_mtime > 1_000_000_000


def test_put_where_what_is_there_is_no_file(blobs: Blobs, root: Path) -> None:
    """Whatever is in the place of the file is replaced, and a pipe is not waited for."""
    digest = blobs.put(b"bytes")
    path = root / digest[:2] / digest[2:]
    path.unlink()
    os.mkfifo(path)
    putting = threading.Thread(target=blobs.put, args=[b"bytes"], daemon=True)
    putting.start()
    putting.join(10)
    assert (putting.is_alive(), path.is_fifo()) == (False, False)
    assert blobs.get(digest) == b"bytes"


@pytest.mark.parametrize("refusal", [errno.EIO, errno.EACCES])
def test_put_where_what_is_there_cannot_be_read(
    blobs: Blobs, root: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    """A file on a bad sector is written again; an error that concerns more than one file is raised."""
    digest = blobs.put(b"bytes")
    path = root / digest[:2] / digest[2:]
    before = path.stat().st_ino

    def refuse(file: object, name: str) -> object:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    with pytest.raises(PermissionError) if refusal == errno.EACCES else nullcontext():
        blobs.put(b"bytes")
    assert (path.stat().st_ino == before) == (refusal == errno.EACCES)
    assert blobs.get(digest) == b"bytes"


def test_put_of_what_is_new_writes_before_it_waits(blobs: Blobs, root: Path) -> None:
    """New content is written before the lock is taken, and a removal cannot remove a file just renamed into place."""
    (root / "ba").mkdir(mode=0o700)
    thread = threading.Thread(target=lambda: blobs.put(b"abc"))
    removing = os.open(root / "ba", os.O_RDONLY)
    try:
        fcntl.flock(removing, fcntl.LOCK_EX)
        thread.start()
        until = time.monotonic() + 10
        while not (drafts := os.listdir(root / "ba")) and time.monotonic() < until:
            thread.join(0.01)
        assert [name.startswith(".") for name in drafts] == [True]
        assert thread.is_alive()
    finally:
        os.close(removing)
    thread.join()
    assert _files(root / "ba") == [ABC[2:]]


def test_put_that_fails_to_name_what_it_wrote(
    blobs: Blobs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No temporary file remains."""

    def refuse(*_: object) -> None:
        raise PermissionError("read-only")

    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", refuse)
        with pytest.raises(PermissionError):
            blobs.put(b"abc")
    assert _files(root) == []
    assert blobs.put(b"abc") == ABC


def test_put_by_several_processes_at_once(blobs: Blobs, root: Path) -> None:
    """The same content put by four processes is stored once, and complete."""
    content = os.urandom(300_000)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        digests = pool.map(blobs.put, [content] * 16, chunksize=1)
    digest = hashlib.sha256(content).hexdigest()
    assert set(digests) == {digest}
    assert _files(root) == [f"{digest[:2]}/{digest[2:]}"]
    assert blobs.check(digest, 300_000) is None


def test_put_that_fails_half_way(blobs: Blobs, root: Path) -> None:
    """A partial write leaves no file, and the next attempt succeeds."""
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
    """The file is synced before it is renamed; the changed directories are synced after it."""
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


def test_check_of_what_is_no_file(blobs: Blobs, root: Path) -> None:
    """A folder or a pipe in the place of a file is reported, without waiting; so is a file in the place of a shard."""
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


def test_remove_waits_for_who_is_putting(blobs: Blobs, root: Path) -> None:
    """A removal waits for a concurrent put, and then finds the blob young."""
    blobs.put(b"abc")
    os.utime(_file(root, ABC), (0, 0))
    removed: list[bool] = []
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    thread = threading.Thread(target=lambda: removed.append(blobs.remove(ABC, moment)))
    putting = os.open(root / "ba", os.O_RDONLY)
    try:
        fcntl.flock(putting, fcntl.LOCK_SH)
        thread.start()
        thread.join(0.2)  # long enough for one who does not wait
        os.utime(_file(root, ABC))
    finally:
        os.close(putting)
    thread.join()
    assert removed == [False]
    assert blobs.get(ABC) == b"abc"


def test_put_waits_for_who_is_removing(blobs: Blobs, root: Path) -> None:
    """A put waits for a concurrent removal, and then writes the blob again."""
    blobs.put(b"abc")
    thread = threading.Thread(target=lambda: blobs.put(b"abc"))
    removing = os.open(root / "ba", os.O_RDONLY)
    try:
        fcntl.flock(removing, fcntl.LOCK_EX)
        thread.start()
        thread.join(0.2)
        _file(root, ABC).unlink()
    finally:
        os.close(removing)
    thread.join()
    assert blobs.get(ABC) == b"abc"


def _settle(root: Path) -> None:
    """Wait until the next change of the file would have another time of change."""
    while time.time_ns() - _file(root, ABC).stat().st_ctime_ns < 60_000_000:
        time.sleep(0.005)


def _hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all contents hashed from now on, in bytes."""
    lengths: list[int] = []
    sha256 = hashlib.sha256

    def noted(content: bytes) -> object:
        lengths.append(len(content))
        return sha256(content)

    monkeypatch.setattr(hashlib, "sha256", noted)
    return lengths


def test_get_verifies_a_file_once(
    blobs: Blobs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is verified once in each process, and again after a change; the cache of verified files is bounded."""
    blobs.put(b"abc")
    _settle(root)
    hashed = _hashed(monkeypatch)
    assert [blobs.get(ABC, 3) for _ in range(3)] == [b"abc"] * 3
    assert hashed == [3]
    assert DirectoryBlobs(root).get(ABC) == b"abc"
    assert hashed == [3, 3]
    _file(root, ABC).write_bytes(b"abc")
    _settle(root)
    assert [blobs.get(ABC) for _ in range(3)] == [b"abc"] * 3
    assert hashed == [3, 3, 3]
    monkeypatch.setattr(directory, "MAX_VERIFIED", 1)
    other = blobs.put(b"abcd")
    hashed.clear()
    while hashed[-2:] != [4, 3]:  # as soon as the other file is old enough to be remembered
        hashed.clear()
        assert (blobs.get(other), blobs.get(ABC)) == (b"abcd", b"abc")


def test_get_does_not_trust_a_file_that_changed_a_moment_ago(
    blobs: Blobs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A young file is verified at every read: its time of change may not show the next change."""
    blobs.put(b"abc")
    changed = _file(root, ABC).stat().st_ctime_ns
    hashed = _hashed(monkeypatch)
    for later, times in ((-1, 2), (10_000_000, 4), (1_000_000_000, 5)):
        monkeypatch.setattr(time, "time_ns", lambda later=later: changed + later)
        assert [blobs.get(ABC, 3), blobs.get(ABC, 3)] == [b"abc", b"abc"]
        assert len(hashed) == times


@pytest.mark.parametrize("call", ["open", "read"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.EIO, BlobDamaged),
        (errno.EUCLEAN, BlobDamaged),
        (errno.EACCES, BlobsUnavailable),
        (errno.ESTALE, BlobsUnavailable),
        (errno.EMFILE, BlobsUnavailable),
    ],
)
def test_get_where_the_file_system_refuses(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch, call: str, code: int, kind: type[Exception]
) -> None:
    """An error of one file means damage; any other error of the file system means unavailable."""
    blobs.put(b"abc")

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        for arguments, read in (((3,), blobs.get), ((3,), blobs.read), ((0, 3), blobs.read_range)):
            with pytest.raises(kind, match=f"{ABC}.* cannot be read: {os.strerror(code)}"):
                read(ABC, *arguments)
    assert blobs.get(ABC, 3) == b"abc"


def test_get_of_a_file_that_is_cut_while_it_is_read(
    blobs: Blobs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that end before the length of the open file are damage. A pipe returns none."""
    blobs.put(b"abc")
    read = os.read

    def cut(descriptor: int, length: int) -> bytes:
        os.truncate(_file(root, ABC), 1)
        return read(descriptor, length)

    with monkeypatch.context() as broken:
        broken.setattr(os, "read", cut)
        with pytest.raises(BlobDamaged, match="1 bytes instead of 3"):
            blobs.get(ABC, 3)
    _file(root, ABC).unlink()
    os.mkfifo(_file(root, ABC))
    with pytest.raises(BlobDamaged, match="0 bytes instead of 3"):
        blobs.get(ABC, 3)
    with pytest.raises(BlobDamaged, match=os.strerror(errno.ESPIPE)):
        blobs.read_range(ABC, 0, 3)


def test_get_of_a_file_that_is_read_in_pieces(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may return fewer bytes than are asked for."""
    blobs.put(b"abc")
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, length: read(descriptor, min(length, 1)))
    assert blobs.get(ABC, 3) == b"abc"
    assert blobs.read_range(ABC, 1, 3) == b"bc"


def test_remove_of_what_another_one_removed(blobs: Blobs, root: Path) -> None:
    """It was not removed by this call."""
    blobs.put(b"abc")
    _file(root, ABC).unlink()
    assert not blobs.remove(ABC, datetime.max.replace(tzinfo=UTC))


def test_a_directory_that_is_only_read_is_not_made(root: Path) -> None:
    """Nor are those above it."""
    DirectoryBlobs(root, makes=False)
    assert not root.parent.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "mkdir", "replace"])
def test_put_without_room(
    blobs: Blobs, root: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    """A full disk or quota raises `BlobsFull` at any step, and leaves no file."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        with pytest.raises(BlobsFull, match=os.strerror(code)):
            blobs.put(b"abc")
    assert _files(root) == []
    assert blobs.put(b"abc") == ABC
