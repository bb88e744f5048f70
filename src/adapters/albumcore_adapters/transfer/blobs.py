"""Image bytes that events refer to: which they are, and bringing them from one place to another."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path

from albumcore import Albumcore
from albumcore.errors import AlbumcoreError
from albumcore.ids import is_digest
from albumcore.image_sets.events import ImageAdded
from albumcore_adapters.blobs import (
    BlobDamaged,
    BlobMissing,
    Blobs,
    Digest,
    DirectoryBlobs,
)
from albumcore_adapters.transfer.errors import BackupDamaged

Progress = Callable[[int], None]

_PAGE = 1000  # events read at a time
_AT_ONCE = 8
"""How many are under way at a time: S3 is far, and each of them is held in memory."""

_MOST_NAMED = 100
"""How many things that are wrong are named; there may be as many as there are images."""


def referred(albums: Albumcore, until: int, progress: Progress) -> Iterator[tuple[Digest, int]]:
    """The digests and lengths, in bytes, of all image bytes that events up to a position refer to, in ascending order.

    Events that cannot be read are passed over: `verify` names them.

    Raises:
        BackupDamaged: an event refers to image bytes by something that is no digest.
    """
    # As a temporary file, because the digests of very many images are larger than memory.
    with closing(sqlite3.connect("")) as memory:
        memory.execute(
            "CREATE TABLE blob (digest TEXT, length INTEGER, PRIMARY KEY (digest, length)) WITHOUT ROWID"
        )
        after, read = 0, 0
        while after < until and (page := albums.follow_only((ImageAdded,), after, _PAGE)):
            contents = [
                one.event.content
                for position, one in page
                if position <= until and one is not None and not isinstance(one, AlbumcoreError)
            ]
            if wrong := [one.digest for one in contents if not is_digest(one.digest)]:
                raise BackupDamaged(f"image bytes {wrong[0]!r}: not a SHA-256 digest")
            memory.executemany(
                "INSERT OR IGNORE INTO blob VALUES (?, ?)",
                [(content.digest, content.length) for content in contents],
            )
            after, read = page[-1][0], read + len(page)
            progress(read)
        yield from memory.execute("SELECT digest, length FROM blob ORDER BY digest, length")


def bring(
    wanted: Iterable[tuple[Digest, int]], source: Blobs, target: Blobs, progress: Progress
) -> None:
    """Have a place hold some image bytes of another, each checked by its digest as it is copied.

    Where both are directories of the same file system that belong to this user alone, files are linked and not read:
    they are never changed. What the target has already is left as it is: in a directory what is sound, and on S3,
    which checked it when it was put there, what has the full length.

    Raises:
        BackupDamaged: some are missing, or damaged; they are named. All others were brought.
        BlobsUnavailable: a place does not answer.
    """
    link = _linking(source, target)
    is_directory = isinstance(target, DirectoryBlobs)

    def one(listed: tuple[Digest, int]) -> str | None:
        digest, length = listed
        is_there = _size(target, digest) == length
        if is_there and is_directory:
            is_there = target.check(digest, length) is None
        if is_there or link(digest, length):
            return None
        try:
            content = source.get(digest)
        except BlobMissing:
            return f"image bytes {digest}: missing"
        except BlobDamaged as error:
            return f"image bytes {digest}: {error.reason}"
        target.put(content)
        return None

    _each(wanted, one, progress)


def look_for(wanted: Iterable[tuple[Digest, int]], place: Blobs, progress: Progress) -> None:
    """Look whether a place has some image bytes, in their full length. They are not read.

    Raises:
        BackupDamaged: some are missing; they are named.
        BlobsUnavailable: the place does not answer.
    """

    def one(listed: tuple[Digest, int]) -> str | None:
        digest, length = listed
        return None if _size(place, digest) == length else f"image bytes {digest}: missing"

    _each(wanted, one, progress)


def check(wanted: Iterable[tuple[Digest, int]], place: Blobs, progress: Progress) -> None:
    """Read some image bytes of a place to their end.

    Raises:
        BackupDamaged: some are not what their digests say; they are named.
        BlobsUnavailable: the place does not answer.
    """

    def one(listed: tuple[Digest, int]) -> str | None:
        problem = place.check(*listed)
        return problem and f"image bytes {listed[0]}: {problem}"

    _each(wanted, one, progress)


def _each(
    wanted: Iterable[tuple[Digest, int]],
    work: Callable[[tuple[Digest, int]], str | None],
    progress: Progress,
) -> None:
    remaining, seen = iter(wanted), 0
    problems: list[str] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while part := list(islice(remaining, 4 * _AT_ONCE)):
            problems.extend(told for told in pool.map(work, part) if told)
            seen += len(part)
            progress(seen)
    if problems:
        named = problems[:_MOST_NAMED]
        if more := len(problems) - len(named):
            named.append(f"and {more} more")
        raise BackupDamaged("\n".join(named))


def _linking(source: Blobs, target: Blobs) -> Callable[[Digest, int], bool]:
    """What links the file of one place into another, and tells whether it could."""
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
            return False  # on another file system, or not there: reading it will tell
        return True

    return link


def _is_ours(found: os.stat_result, forbidden: int) -> bool:
    is_open = bool(found.st_mode & forbidden)
    return found.st_uid == os.geteuid() and not is_open and not stat.S_ISLNK(found.st_mode)


def _size(place: Blobs, digest: Digest) -> int | None:
    try:
        return place.size(digest)
    except BlobMissing:
        return None
