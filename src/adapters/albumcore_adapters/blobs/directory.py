"""Image bytes as files below one directory."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from albumcore.ids import is_digest
from albumcore.times import in_utc
from albumcore_adapters.base.posix import fcntl, sync_directory
from albumcore_adapters.blobs.protocol import (
    WRONG_DIGEST,
    BlobDamaged,
    BlobMissing,
    BlobsFull,
    BlobsUnavailable,
    Digest,
    check_digest,
    wrong_length,
)

_SHARD = re.compile(r"[0-9a-f]{2}")
_REST = re.compile(r"[0-9a-f]{62}")

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_OF_ONE_FILE = frozenset(
    {
        *(errno.EIO, errno.EBADMSG, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENXIO),
        getattr(errno, "EUCLEAN", errno.EIO),  # "structure needs cleaning", which Linux alone has
    }
)
"""Refusals of the file system that concern a file that is damaged, or what stands in its place."""

MOST_VERIFIED = 10_000
"""How many verified files a process remembers, in some 4 MB; with one more, it forgets all and begins again."""

_SETTLED = 50_000_000
"""Nanoseconds: file systems tell times of change by a clock that ticks each 1 to 10 ms, so that of a younger file
does not tell a later change from the last one."""


class _Verified:
    """The files whose SHA-256 this process has verified, each by its inode, time of change and size.

    Bytes that change without the file system's doing, such as on a failing disk, change none of these: once they were
    read from the disk and verified, only `DirectoryBlobs.check` looks again.
    """

    def __init__(self) -> None:
        self._seen: dict[Digest, tuple[int, ...]] = {}

    def has(self, digest: Digest, file: os.stat_result) -> bool:
        """Whether it is the very file that was verified, unchanged since."""
        return self._seen.get(digest) == (file.st_ino, file.st_ctime_ns, file.st_size)

    def add(self, digest: Digest, file: os.stat_result) -> None:
        """Remember a file as verified, if a later change of it would show."""
        if time.time_ns() - file.st_ctime_ns < _SETTLED:
            return
        if len(self._seen) >= MOST_VERIFIED:
            # Threads share it without a lock, and this is one step.
            self._seen.clear()
        self._seen[digest] = file.st_ino, file.st_ctime_ns, file.st_size


@frozen
class DirectoryBlobs:
    """Blobs as files below one directory: ``ab/cdef...`` for the digest ``abcdef...``.

    The directory is made where it is missing, unless ``makes`` is false.
    Only the owner may read them. Any number of processes may share the directory.
    A file whose name starts with a dot is being written, or was left by a crash; nothing reads it.
    """

    path: Path
    makes: bool = field(default=True, kw_only=True, eq=False, repr=False)
    _durable_shards: set[str] = field(factory=set, init=False, eq=False, repr=False)
    _verified: _Verified = field(factory=_Verified, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.makes:
            return
        missing = [parent for parent in (self.path, *self.path.parents) if not parent.exists()]
        for directory in reversed(missing):
            directory.mkdir(mode=0o700, exist_ok=True)
            sync_directory(directory.parent)

    def put(self, content: bytes) -> Digest:
        """Keep ``content`` and return its digest, once file and directories are on the disk.

        Raises:
            BlobsFull: the disk has no room for it, or the quota of its user does not.
        """
        try:
            return self._put(content)
        except OSError as error:
            if error.errno in _FULL:
                raise BlobsFull(f"{self.path}: {error.strerror}") from error
            raise

    def _put(self, content: bytes) -> Digest:
        digest = hashlib.sha256(content).hexdigest()
        target = self._name(digest)
        shard = os.path.dirname(target)
        self._make_shard(shard)
        # What is new is written before the lock is taken: the disk may be slow, and others wait for the lock.
        draft = None if os.path.exists(target) else _draft(shard, content)
        try:
            with _held(shard, fcntl.LOCK_SH) as directory:
                if draft is None and not _renew(target, digest):
                    draft = _draft(shard, content)
                if draft is not None:
                    os.replace(draft, target)
                # It is there, and young: from here on nobody removes it.
                fcntl.flock(directory, fcntl.LOCK_UN)
                # Also for a file that was there: the process that wrote it may not have come to this yet.
                os.fsync(directory)
        except BaseException:
            if draft is not None:
                Path(draft).unlink(missing_ok=True)
            raise
        return digest

    def get(self, digest: Digest, length: int | None = None) -> bytes:
        """Return the content, once it is known to be what was put.

        A file that this process has not verified is read and its SHA-256 compared; the same file, by inode, time of
        change and size, is not verified again.

        Args:
            digest: Its digest.
            length: The recorded length, in bytes, where that is known.

        Raises:
            BlobMissing: it is not there.
            BlobDamaged: it has another length or another SHA-256, or the disk does not give it.
            BlobsUnavailable: the file system refuses for a reason that concerns more than this file.
        """
        try:
            descriptor = os.open(self._name(digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise BlobMissing(digest) from None
        except OSError as error:
            raise _unreadable(digest, error) from error
        # A file object would ask the system twice as much, and let go of the interpreter each time.
        try:
            # Of the open file, not of its name, which may be given to another one meanwhile.
            file = os.fstat(descriptor)
            length = file.st_size if length is None else length
            if file.st_size != length:
                raise BlobDamaged(digest, wrong_length(file.st_size, length))
            content = os.read(descriptor, length)
            while len(content) < length and (more := os.read(descriptor, length - len(content))):
                content += more
        except OSError as error:
            raise _unreadable(digest, error) from error
        finally:
            os.close(descriptor)
        if len(content) != length:
            raise BlobDamaged(digest, wrong_length(len(content), length))
        if not self._verified.has(digest, file):
            if hashlib.sha256(content).hexdigest() != digest:
                raise BlobDamaged(digest, WRONG_DIGEST)
            self._verified.add(digest, file)
        return content

    def size(self, digest: Digest) -> int:
        """Return the length of the content, in bytes.

        Raises:
            BlobMissing: it is not there.
        """
        try:
            return self._file(digest).stat().st_size
        except FileNotFoundError:
            raise BlobMissing(digest) from None

    def digests(self, before: datetime | None = None) -> Iterator[Digest]:
        """Go through the digests of all blobs, in ascending order; or of those last put before a moment."""
        for shard in sorted(filter(_SHARD.fullmatch, os.listdir(self.path))):
            for rest in sorted(filter(_REST.fullmatch, os.listdir(self.path / shard))):
                if before is None or _is_older(self.path / shard / rest, before):
                    yield shard + rest

    def check(self, digest: Digest, length: int) -> str | None:
        """Read the blob to its end and say what is wrong with it; None if it is sound."""
        if not is_digest(digest):
            return "not a SHA-256 digest"
        try:
            if not stat.S_ISREG(self._file(digest).stat().st_mode):
                return "not a file"  # opening a pipe would wait for its other end
            with self._file(digest).open("rb") as file:
                found = os.fstat(file.fileno()).st_size
                if found != length:
                    return wrong_length(found, length)
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return WRONG_DIGEST
        except FileNotFoundError:
            return "missing"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        return None

    def remove(self, digest: Digest, before: datetime) -> bool:
        """Remove a blob that was last put before a moment; whether it was there, and that old.

        One that is put at the same time is either found young, or written again.
        """
        target = self._file(digest)
        try:
            with _held(target.parent, fcntl.LOCK_EX):
                if not _is_older(target, before):
                    return False
                target.unlink()
        except FileNotFoundError:
            return False
        return True

    def _file(self, digest: Digest) -> Path:
        return Path(self._name(digest))

    def _name(self, digest: Digest) -> str:
        check_digest(digest)
        return f"{self.path}/{digest[:2]}/{digest[2:]}"

    def _make_shard(self, shard: str) -> None:
        if shard not in self._durable_shards:
            Path(shard).mkdir(mode=0o700, exist_ok=True)
            # Another process may have made it a moment ago, so its entry is synced here as well.
            sync_directory(self.path)
            self._durable_shards.add(shard)


def _unreadable(digest: Digest, error: OSError) -> BlobDamaged | BlobsUnavailable:
    """The error that tells why the file system does not give a file."""
    reason = f"cannot be read: {error.strerror}"
    if error.errno in _OF_ONE_FILE:
        return BlobDamaged(digest, reason)
    return BlobsUnavailable(f"blob {digest} {reason}")


@contextmanager
def _held(shard: str | Path, kind: int) -> Iterator[int]:
    """Hold a lock on a shard, so that no file in it is removed between the look at it and the use of it.

    Yields its descriptor.
    """
    descriptor = os.open(shard, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_older(file: Path, before: datetime) -> bool:
    try:
        return file.stat().st_mtime < in_utc("before", before).timestamp()
    except FileNotFoundError:
        return False


def _renew(target: str, digest: Digest) -> bool:
    """Whether ``target`` is there and sound; its age starts again from zero.

    Who collects blobs that nothing refers to goes by their age, and this one is about to be needed. One that
    has rotted, or cannot be read, is written again: its content is at hand.
    """
    try:
        os.utime(target)
        # Non-blocking, so that a pipe in its place is not waited for.
        with open(os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return is_file and hashlib.file_digest(file, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in _OF_ONE_FILE:
            return False
        raise


def _draft(shard: str, content: bytes) -> str:
    """Write ``content`` to a file that nothing reads, to the disk; its name."""
    descriptor, draft = tempfile.mkstemp(dir=shard, prefix=".put-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(draft)
        raise
    return draft
