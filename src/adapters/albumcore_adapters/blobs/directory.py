"""Blobs as files in one directory."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from attrs import define, field, frozen

from albumcore.ids import is_digest
from albumcore.times import in_utc
from albumcore_adapters.base.posix import fcntl, sync_directory
from albumcore_adapters.blobs.draft_files import FileDraft, no_space_is_full
from albumcore_adapters.blobs.port import (
    WRONG_DIGEST,
    BlobDamaged,
    BlobMissing,
    BlobsUnavailable,
    Digest,
    Draft,
    require_digest,
    too_short,
    wrong_length,
)

_SHARD = re.compile(r"[0-9a-f]{2}")
_REST = re.compile(r"[0-9a-f]{62}")

_PUT, _DRAFT = ".put-", ".draft-"
"""Prefixes of temporary files: those of `put` in their shard, and drafts beside the shards."""

_OF_ONE_FILE = frozenset(
    {
        *(errno.EIO, errno.EBADMSG, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENXIO),
        errno.ESPIPE,
        getattr(errno, "EUCLEAN", errno.EIO),  # "structure needs cleaning", which Linux alone has
    }
)
"""Errors of the file system that mean one damaged file, or something else in its place."""

MAX_VERIFIED = 10_000
"""Size of the cache of verified files, of about 4 MB; the cache is emptied when it is full."""

_SETTLED = 50_000_000
"""Nanoseconds. File systems take times of change from a clock that ticks every 1 to 10 ms: for a younger file, a later
change may leave the time as it is."""


class _Verified:
    """Cache of the files whose SHA-256 this process has verified, identified by inode, time of change and size.

    Bytes that change below the file system, as on a failing disk, change none of these: after the first verification,
    only `DirectoryBlobs.check` finds them.
    """

    def __init__(self) -> None:
        self._seen: dict[Digest, tuple[int, ...]] = {}

    def has(self, digest: Digest, file: os.stat_result) -> bool:
        """Whether this file was verified and is unchanged."""
        return self._seen.get(digest) == (file.st_ino, file.st_ctime_ns, file.st_size)

    def add(self, digest: Digest, file: os.stat_result) -> None:
        """Add a verified file, unless it is so young that its time of change would not show a later change."""
        if time.time_ns() - file.st_ctime_ns < _SETTLED:
            return
        if len(self._seen) >= MAX_VERIFIED:
            # Threads share the cache without a lock; this is one atomic operation.
            self._seen.clear()
        self._seen[digest] = file.st_ino, file.st_ctime_ns, file.st_size


@frozen
class DirectoryBlobs:
    """Blobs as files in one directory: ``ab/cdef...`` for the digest ``abcdef...``; ``ab`` is a *shard*.

    A missing directory is created, unless ``makes`` is false. Files are readable by their owner only. Any number of
    processes may share the directory. A file whose name starts with a dot is temporary, or was left by a crash; it is
    never read.
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
        """Store content and return its digest, after file and directories are synced to disk.

        Raises:
            BlobsFull: the disk is full, or the quota of its user is used up.
        """
        with no_space_is_full(self.path):
            return self._put(content)

    def _put(self, content: bytes) -> Digest:
        digest = hashlib.sha256(content).hexdigest()
        target = self._name(digest)
        shard = os.path.dirname(target)
        self._make_shard(shard)
        # New content is written before the lock is taken: the disk may be slow, and `remove` waits for the lock.
        draft = None if os.path.exists(target) else _draft(shard, content)
        try:
            with _locked(shard, fcntl.LOCK_SH) as directory:
                if draft is None and not _renew(target, digest):
                    draft = _draft(shard, content)
                if draft is not None:
                    os.replace(draft, target)
                # It exists and is young, so `remove` keeps it from here on.
                fcntl.flock(directory, fcntl.LOCK_UN)
                # Also for an existing file: the process that wrote it may not have synced the directory yet.
                os.fsync(directory)
        except BaseException:
            if draft is not None:
                Path(draft).unlink(missing_ok=True)
            raise
        return digest

    def draft(self) -> Draft:
        """Begin a blob that is written piece by piece, as a temporary file beside the shards.

        Raises:
            BlobsFull: the disk is full.
        """
        with no_space_is_full(self.path):
            descriptor, path = tempfile.mkstemp(dir=self.path, prefix=_DRAFT)
        return _DirectoryDraft(self.path, descriptor, path, self._keep)

    def _keep(self, draft: str, descriptor: int, digest: Digest) -> None:
        """Make a temporary file the blob of its digest, after file and directories are synced to disk."""
        os.fsync(descriptor)
        target = self._name(digest)
        shard = os.path.dirname(target)
        self._make_shard(shard)
        with _locked(shard, fcntl.LOCK_SH) as directory:
            os.utime(draft)  # Its age counts from now on: it may have been written slowly.
            os.replace(draft, target)
            fcntl.flock(directory, fcntl.LOCK_UN)
            os.fsync(directory)

    def get(self, digest: Digest, length: int | None = None) -> bytes:
        """Return the content of a blob: exactly what was put.

        The SHA-256 is compared at the first read of a file by this process. A file with the same inode, time of
        change and size is not verified again.

        Args:
            digest: The digest.
            length: The recorded length in bytes, if known.

        Raises:
            BlobMissing: the blob does not exist.
            BlobDamaged: its length or its SHA-256 differs, or its bytes are not readable.
            BlobsUnavailable: an error of the file system that concerns more than this file.
        """
        content, file = self._read(digest, length)
        if not self._verified.has(digest, file):
            if hashlib.sha256(content).hexdigest() != digest:
                raise BlobDamaged(digest, WRONG_DIGEST)
            self._verified.add(digest, file)
        return content

    def read(self, digest: Digest, length: int) -> bytes:
        """Return the stored bytes of a blob, of this length; see `Blobs.read`."""
        return self._read(digest, length)[0]

    def read_range(self, digest: Digest, start: int, stop: int) -> bytes:
        """Return a range of the stored bytes; see `Blobs.read_range`."""
        descriptor = self._open(digest)
        try:
            os.lseek(descriptor, start, os.SEEK_SET)
            content = _from_file(descriptor, stop - start)
        except OSError as error:
            raise _unreadable(digest, error) from error
        finally:
            os.close(descriptor)
        if len(content) != stop - start:
            raise BlobDamaged(digest, too_short(start, stop))
        return content

    def _read(self, digest: Digest, length: int | None) -> tuple[bytes, os.stat_result]:
        descriptor = self._open(digest)
        # A file object would make twice as many system calls, and release the interpreter lock at each.
        try:
            # Of the open file: its name may refer to another file by now.
            file = os.fstat(descriptor)
            length = file.st_size if length is None else length
            if file.st_size != length:
                raise BlobDamaged(digest, wrong_length(file.st_size, length))
            content = _from_file(descriptor, length)
        except OSError as error:
            raise _unreadable(digest, error) from error
        finally:
            os.close(descriptor)
        if len(content) != length:
            raise BlobDamaged(digest, wrong_length(len(content), length))
        return content, file

    def _open(self, digest: Digest) -> int:
        try:
            return os.open(self._name(digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise BlobMissing(digest) from None
        except OSError as error:
            raise _unreadable(digest, error) from error

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
        """Yield the digests of all blobs in ascending order, or only of those last put before a time (UTC)."""
        for shard in sorted(filter(_SHARD.fullmatch, os.listdir(self.path))):
            for rest in sorted(filter(_REST.fullmatch, os.listdir(self.path / shard))):
                if before is None or _is_older(self.path / shard / rest, before):
                    yield shard + rest

    def check(self, digest: Digest, length: int) -> str | None:
        """Read a whole blob and return what is wrong with it, or None if it is sound; ``length`` is in bytes."""
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
        """Remove a blob if it was last put before a time (UTC); return whether it was removed.

        A lock on the shard orders it against `put`: a concurrent `put` either renews the age first, or writes the
        blob again.
        """
        target = self._file(digest)
        try:
            with _locked(target.parent, fcntl.LOCK_EX):
                if not _is_older(target, before):
                    return False
                target.unlink()
        except FileNotFoundError:
            return False
        return True

    def remove_drafts(self, before: datetime) -> int:
        """Remove the temporary files that were last written before a time (UTC); return how many there were."""
        found = [*self.path.glob(f"{_DRAFT}*"), *self.path.glob(f"[0-9a-f][0-9a-f]/{_PUT}*")]
        old = [file for file in found if _is_older(file, before)]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def _file(self, digest: Digest) -> Path:
        return Path(self._name(digest))

    def _name(self, digest: Digest) -> str:
        require_digest(digest)
        return f"{self.path}/{digest[:2]}/{digest[2:]}"

    def _make_shard(self, shard: str) -> None:
        if shard not in self._durable_shards:
            Path(shard).mkdir(mode=0o700, exist_ok=True)
            # Another process may have just made it, so its entry is synced here as well.
            sync_directory(self.path)
            self._durable_shards.add(shard)


@define
class _DirectoryDraft(FileDraft):
    _path: str
    _keep: Callable[[str, int, Digest], None]

    def _store(self, digest: Digest, length: int) -> None:
        self._keep(self._path, self.descriptor, digest)

    def discard(self) -> None:
        super().discard()
        Path(self._path).unlink(missing_ok=True)


def _from_file(descriptor: int, length: int) -> bytes:
    """Return the next bytes of an open file, fewer than so many if it ends before."""
    content = os.read(descriptor, length)
    while len(content) < length and (more := os.read(descriptor, length - len(content))):
        content += more
    return content


def _unreadable(digest: Digest, error: OSError) -> BlobDamaged | BlobsUnavailable:
    """Translate an error of the file system."""
    reason = f"cannot be read: {error.strerror}"
    if error.errno in _OF_ONE_FILE:
        return BlobDamaged(digest, reason)
    return BlobsUnavailable(f"blob {digest} {reason}")


@contextmanager
def _locked(shard: str | Path, kind: int) -> Iterator[int]:
    """Lock a shard, shared for `put` and exclusive for `remove`; yield its file descriptor."""
    descriptor = os.open(shard, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_older(file: Path, before: datetime) -> bool:
    try:
        return file.stat().st_mtime < in_utc(before, "before").timestamp()
    except FileNotFoundError:
        return False


def _renew(target: str, digest: Digest) -> bool:
    """Renew the age of a file, so that garbage collection keeps it; return whether it exists and is sound.

    A file that is damaged or not readable is written again by the caller.
    """
    try:
        os.utime(target)
        # Non-blocking: opening a pipe would wait for its other end.
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
    """Write content to a temporary file in a shard, synced to disk; return its path."""
    descriptor, draft = tempfile.mkstemp(dir=shard, prefix=_PUT)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(draft)
        raise
    return draft
