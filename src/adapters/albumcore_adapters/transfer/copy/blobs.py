"""Copying image bytes from one place to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from albumcore_adapters.blobs import BlobDamaged, BlobMissing, Blobs, Digest

_AT_ONCE = 8
"""How many are under way at a time: S3 is far, and each of them is held in memory."""


def copy_blobs(source: Blobs, target: Blobs, progress: Callable[[int], None]) -> tuple[int, int]:
    """Put what the target lacks, and tell how many it was given, and how many are damaged and were left behind.

    One that is there in its full length is taken for sound: what was put is whole, and `verify` reads it to its end.
    """
    seen = given = damaged = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for part in _parts(source.digests(), 4 * _AT_ONCE):
            for was_given in pool.map(lambda digest: _copy(source, target, digest), part):
                seen += 1
                given += was_given is True
                damaged += was_given is None
                progress(seen)
    return given, damaged


def _copy(source: Blobs, target: Blobs, digest: Digest) -> bool | None:
    """Whether the target was given this one; None where it is damaged, or was removed meanwhile."""
    try:
        if _size(target, digest) == source.size(digest):
            return False
        content = source.get(digest)
    except (BlobMissing, BlobDamaged):
        return None
    target.put(content)
    return True


def _size(target: Blobs, digest: Digest) -> int | None:
    try:
        return target.size(digest)
    except BlobMissing:
        return None


def _parts(digests: Iterable[Digest], size: int) -> Iterator[list[Digest]]:
    remaining = iter(digests)
    while part := list(islice(remaining, size)):
        yield part
