"""Image bytes in a transfer: which ones a store refers to, and moving them from one place to another."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeAlias, TypeVar

from albumcore import Albumcore, ImageAdded
from albumcore.errors import AlbumcoreError
from albumcore.ids import is_digest
from albumcore_adapters.base.data_directory import BLOBS_DIRECTORY
from albumcore_adapters.base.progress import ReportProgress, Stage
from albumcore_adapters.blobs import (
    BlobDamaged,
    BlobMissing,
    Blobs,
    Digest,
    DirectoryBlobs,
)
from albumcore_adapters.blobs.image_bytes import stored_length
from albumcore_adapters.blobs.port import WRONG_DIGEST
from albumcore_adapters.blobs.sealed import sealed_length
from albumcore_adapters.directory.instance_blobs import instance_blobs
from albumcore_adapters.store import database_of
from albumcore_adapters.transfer.errors import BackupDamaged
from albumcore_adapters.transfer.manifest import Manifest, listed_blobs

T = TypeVar("T")
R = TypeVar("R")

Listed: TypeAlias = tuple[Digest, int]
"""A blob as a backup lists it: its digest, and its stored length in bytes."""

_PAGE = 1000
"""Events that are read at a time."""

_CONCURRENCY = 8
"""Blobs that are copied at a time: S3 is slow to answer."""

_PIECE = 1024 * 1024
"""Bytes of a blob that are in memory."""

_MAX_PROBLEMS = 100
"""Problems that an error names; there may be as many as there are images."""


def referenced(albums: Albumcore, until: int, progress: ReportProgress) -> Iterator[Listed]:
    """Yield the blobs that a store refers to, in ascending order of their digests.

    They are those of the images of events up to a position, and those of all DICOM instances. Events that cannot be
    read are passed over: `verify` names them. So are images and instances that were erased.

    Raises:
        BackupDamaged: one is referred to by something that is not a digest.
    """
    # In a temporary file, because the digests of very many images do not fit into memory.
    with closing(sqlite3.connect("")) as temporary:
        temporary.execute(
            "CREATE TABLE blob (digest TEXT, length INTEGER, PRIMARY KEY (digest, length)) WITHOUT ROWID"
        )
        after, read = 0, 0
        while after < until and (page := albums.follow_only((ImageAdded,), after, _PAGE)):
            images = [
                one.event
                for position, one in page
                if position <= until and one is not None and not isinstance(one, AlbumcoreError)
            ]
            found = [(one.content.digest, stored_length(one)) for one in images]
            temporary.executemany("INSERT OR IGNORE INTO blob VALUES (?, ?)", _listed(found))
            after, read = page[-1][0], read + len(page)
            progress(read)
        of_instances = (
            (one.digest, None if one.is_erased else sealed_length(one.length))
            for one in instance_blobs(database_of(albums))
        )
        temporary.executemany("INSERT OR IGNORE INTO blob VALUES (?, ?)", _listed(of_instances))
        yield from temporary.execute("SELECT digest, length FROM blob ORDER BY digest, length")


def _listed(found: Iterable[tuple[Digest, int | None]]) -> Iterator[Listed]:
    """Yield those that were not erased, which have a length."""
    for digest, length in found:
        if not is_digest(digest):
            raise BackupDamaged(f"image bytes {digest!r}: not a SHA-256 digest")
        if length is not None:
            yield digest, length


def copy_all(
    source: Blobs,
    target: Blobs,
    progress: ReportProgress,
    digests: Iterable[Digest] | None = None,
) -> tuple[int, int]:
    """Copy every blob that the target lacks; return how many were copied, and how many are damaged and left out.

    With ``digests``, only those are copied.

    A blob of the right length in the target is taken to be sound: `put` is atomic, and `verify` reads it.
    """

    def copy(digest: Digest) -> bool | None:
        """Return whether the blob was copied; None if it is damaged, or was removed meanwhile."""
        try:
            length = source.size(digest)
            if _size(target, digest) == length:
                return False
            _copy(digest, length, source, target)
        except (BlobMissing, BlobDamaged):
            return None
        return True

    copied = damaged = 0
    for outcome in _concurrently(copy, source.digests() if digests is None else digests, progress):
        copied += outcome is True
        damaged += outcome is None
    return copied, damaged


def copy_listed(
    wanted: Iterable[Listed], source: Blobs, target: Blobs, progress: ReportProgress
) -> None:
    """Copy the listed blobs that the target lacks, checking each digest.

    Between directories of one file system that only this user can write to, files are hard-linked: blobs are
    immutable. A blob in the target is left as it is if it is sound; on S3, which checked it when it was put there,
    if it has the right length.

    Raises:
        BackupDamaged: some are missing or damaged. The message names them; all others were copied.
        BlobsUnavailable: a place does not answer.
    """
    link = _linker(source, target)
    is_directory = isinstance(target, DirectoryBlobs)

    def copy(listed: Listed) -> str | None:
        digest, length = listed
        exists = _size(target, digest) == length
        if exists and is_directory:
            exists = target.check(digest, length) is None
        if exists or link(digest, length):
            return None
        try:
            _copy(digest, length, source, target)
        except BlobMissing:
            return f"image bytes {digest}: missing"
        except BlobDamaged as error:
            return f"image bytes {digest}: {error.reason}"
        return None

    _raise_problems(_concurrently(copy, wanted, progress))


def check_existence(wanted: Iterable[Listed], place: Blobs, progress: ReportProgress) -> None:
    """Check that a place has the listed blobs, in their full length, without reading them.

    Raises:
        BackupDamaged: some are missing; the message names them.
        BlobsUnavailable: the place does not answer.
    """

    def check(listed: Listed) -> str | None:
        digest, length = listed
        return None if _size(place, digest) == length else f"image bytes {digest}: missing"

    _raise_problems(_concurrently(check, wanted, progress))


def check_digests(wanted: Iterable[Listed], place: Blobs, progress: ReportProgress) -> None:
    """Read the listed blobs of a place, and check their digests.

    Raises:
        BackupDamaged: some do not match their digests; the message names them.
        BlobsUnavailable: the place does not answer.
    """

    def check(listed: Listed) -> str | None:
        problem = place.check(*listed)
        return problem and f"image bytes {listed[0]}: {problem}"

    _raise_problems(_concurrently(check, wanted, progress))


def restore_blobs(manifest: Manifest, backup: Path, target: Blobs, stage: Stage) -> None:
    """Copy the image bytes of a backup that the target lacks, and check all that its events refer to.

    Those that the backup leaves in a bucket are checked by `check_left_images`.

    Raises:
        BackupDamaged: some are missing or damaged; the message names them.
        BlobsUnavailable: a place does not answer.
    """
    if manifest.blobs_at is not None:
        return
    source = DirectoryBlobs(backup / BLOBS_DIRECTORY)
    with stage("copying image bytes", manifest.blobs) as progress:
        copy_listed(listed_blobs(backup), source, target, progress)
    _check(listed_blobs(backup), manifest, target, stage)


def check_left_images(manifest: Manifest, albums: Albumcore, target: Blobs, stage: Stage) -> None:
    """Check that the target has the image bytes that a backup left in a bucket.

    Those of images that were erased since, which the restored store has erased again by now, may be gone.

    Raises:
        BackupDamaged: some are missing or damaged; the message names them.
        BlobsUnavailable: the place does not answer.
    """
    if manifest.blobs_at is not None:
        images = referenced(albums, manifest.position, lambda done: None)
        _check(images, manifest, target, stage)


def _check(wanted: Iterable[Listed], manifest: Manifest, target: Blobs, stage: Stage) -> None:
    with stage("verifying image bytes", manifest.blobs) as progress:
        # S3 checks the SHA-256 of what is put there.
        check = check_digests if isinstance(target, DirectoryBlobs) else check_existence
        check(wanted, target, progress)


def _concurrently(
    work: Callable[[T], R], items: Iterable[T], progress: ReportProgress
) -> Iterator[R]:
    """Yield the results in the order of the items, some of which are worked on at a time."""
    remaining, done = iter(items), 0
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        while part := list(islice(remaining, 4 * _CONCURRENCY)):
            yield from pool.map(work, part)
            done += len(part)
            progress(done)


def _raise_problems(results: Iterable[str | None]) -> None:
    if problems := [problem for problem in results if problem]:
        named = problems[:_MAX_PROBLEMS]
        if more := len(problems) - len(named):
            named.append(f"and {more} more")
        raise BackupDamaged("\n".join(named))


def _linker(source: Blobs, target: Blobs) -> Callable[[Digest, int], bool]:
    """Return a function that hard-links the file of a blob into the target, and returns whether it could."""
    if not (isinstance(source, DirectoryBlobs) and isinstance(target, DirectoryBlobs)):
        return lambda digest, length: False
    old, new = source.path, target.path
    if not _is_ours(new.stat(), stat.S_IWGRP | stat.S_IWOTH):
        return lambda digest, length: False

    def link(digest: Digest, length: int) -> bool:
        name = Path(digest[:2], digest[2:])
        try:
            found = (old / name).lstat()
            if found.st_size != length or not _is_ours(found, stat.S_IRWXG | stat.S_IRWXO):
                return False
            (new / name).parent.mkdir(mode=0o700, exist_ok=True)
            os.link(old / name, new / name)
        except OSError:
            return False  # another file system, or no such file: reading it finds out
        return True

    return link


def _is_ours(found: os.stat_result, forbidden: int) -> bool:
    is_open = bool(found.st_mode & forbidden)
    return found.st_uid == os.geteuid() and not is_open and not stat.S_ISLNK(found.st_mode)


def _copy(digest: Digest, length: int, source: Blobs, target: Blobs) -> None:
    """Copy one blob, a large one in pieces.

    Raises:
        BlobMissing, BlobDamaged: the source does not have it, or its bytes are not those of the digest.
    """
    if length <= _PIECE:
        target.put(source.get(digest))
        return
    draft = target.draft()
    try:
        for start in range(0, length, _PIECE):
            draft.write(source.read_range(digest, start, min(start + _PIECE, length)))
        if draft.digest != digest:
            raise BlobDamaged(digest, WRONG_DIGEST)
        draft.commit()
    finally:
        draft.discard()


def _size(place: Blobs, digest: Digest) -> int | None:
    try:
        return place.size(digest)
    except BlobMissing:
        return None
