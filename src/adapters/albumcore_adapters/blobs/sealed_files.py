"""Sealed blobs as byte sources: any range is read and verified without the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from attrs import define, field

from albumcore_adapters.blobs.port import BlobDamaged, Blobs
from albumcore_adapters.blobs.sealed import (
    CHUNK,
    HEADER,
    Opener,
    SealBroken,
    SealKey,
    chunks_of,
    range_of,
)
from albumcore_adapters.blobs.sealed_blobs import SealedBlob

_CACHED_CHUNKS = 4
"""Chunks that are cached for small reads, as those of a header are."""


@define
class SealedRanges:
    """Ranges of content, read from sealed bytes. For one thread.

    Attributes:
        key: What opens the sealed bytes.
        length: Length of the content, in bytes.
    """

    _read_stored: Callable[[int, int], bytes] = field(repr=False)
    key: SealKey = field(repr=False)
    length: int
    _opener: Opener | None = field(default=None, init=False, repr=False)
    _recent: dict[int, bytes] = field(factory=dict, init=False, repr=False)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of content from ``start`` to before ``stop``, counted from 0.

        The header and the chunks of the range are read and verified, and nothing else. A range of less than a chunk is
        read from the cache, if its chunks are among the last few.

        Raises:
            ValueError: there is no such range in the content.
            SealBroken: these chunks were changed, or are those of another key.
        """
        if not 0 <= start <= stop <= self.length:
            raise ValueError(f"no range of {self.length} bytes: {start} to {stop}")
        if start == stop:
            return b""
        chunks = chunks_of(start, stop)
        before = start - chunks.start * CHUNK
        content = self._cached(chunks) if stop - start < CHUNK else self._opened(chunks)
        return content[before : before + stop - start]  # whole chunks are not copied

    def _cached(self, chunks: range) -> bytes:
        """Return the content of one chunk or two in a row."""
        if missing := [number for number in chunks if number not in self._recent]:
            run = range(missing[0], missing[-1] + 1)
            opened = self._opened(run)
            for place, number in enumerate(run):
                self._recent[number] = opened[place * CHUNK : (place + 1) * CHUNK]
        found = [self._recent.pop(number) for number in chunks]
        self._recent.update(zip(chunks, found, strict=True))  # The newest are at the end.
        self._forget(list(self._recent)[:-_CACHED_CHUNKS])
        return found[0] if len(found) == 1 else b"".join(found)

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            del self._recent[number]

    def _opened(self, chunks: range) -> bytes:
        first, after = range_of(chunks, self.length)
        if self._opener is None:
            # The header comes right before the first chunk.
            begin = 0 if first == HEADER else first
            stored = self._read_stored(begin, after)
            header = stored[:HEADER] if begin == 0 else self._read_stored(0, HEADER)
            self._opener = Opener.of(self.key, self.length, header)
            return self._opener.chunks(chunks, memoryview(stored)[first - begin :])
        return self._opener.chunks(chunks, self._read_stored(first, after))


class SealedReader:
    """A sealed blob as a `ByteSource`. For one thread. The last few chunks are cached, for small reads.

    Attributes:
        length: Length of the content, in bytes.
    """

    def __init__(self, blobs: Blobs, blob: SealedBlob) -> None:
        self.length = blob.length
        self._digest = blob.digest
        self._ranges = SealedRanges(partial(blobs.read_range, blob.digest), blob.key, blob.length)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of content from ``start`` to before ``stop``, counted from 0.

        Raises:
            ValueError: there is no such range in the content.
            BlobMissing: the blob does not exist.
            BlobDamaged: these chunks are not what was put, or the key is another one.
            BlobsUnavailable: the storage does not respond.
        """
        try:
            return self._ranges.read(start, stop)
        except SealBroken as error:
            raise BlobDamaged(self._digest, error.reason) from None
